"""Spike-driven plasticity of bistable synapses, which stops when the neuron has learned."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Option, Param
from .rule import PostState, PostTrace, Rule

_MS_PER_SECOND = 1000.0


class SDSP(Rule):
    """Spike-driven synaptic plasticity: at a presynaptic spike the internal variable X grows by a where v > theta_v and
    up_low < c < up_high, falls by b where v <= theta_v and down_low < c < down_high; in between it drifts to its ends.

    X is the weight as a share between its bounds. It drifts by alpha per second upwards where X > theta_x, by beta
    downwards elsewhere, so that what has not crossed theta_x is forgotten. Calcium c counts postsynaptic spikes and
    decays with tau_ca; the windows on it stop learning where the neuron already fires far above or below. With `binary`
    spikes are delivered with w_max where X > theta_x, with w_min elsewhere (`efficacy`).

    Units: ms, 1/s; v and theta_v as the neuron has them.
    Source: Brader, Senn and Fusi 2007, Neural Computation 19, eqs. 1-4 and table 1, where the efficacy is binary and v
    runs from 0 to a threshold of 1.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 60, 1, 1)
    >>> post[:8], pre[20] = 1.0, 1.0
    >>> rule = sl.plasticity.SDSP(a=0.3)
    >>> sl.plasticity.learn(rule, torch.full((1, 1), 0.4), pre, post, variables={"v": torch.ones_like(pre)}).w
    tensor([[[0.7735]]])
    """

    family = "STDP"
    spontaneous = True

    a = Param(0.1, "1", "jump upwards", at_least=0.0)
    b = Param(0.1, "1", "jump downwards", at_least=0.0)
    theta_v = Param(0.8, "as v", "potential between depression and potentiation")
    theta_x = Param(0.5, "1", "boundary between the two stable states", low=0.0, high=1.0)
    up_low = Param(3.0, "spikes", "calcium above which there is potentiation")
    up_high = Param(13.0, "spikes", "calcium below which there is potentiation")
    down_low = Param(3.0, "spikes", "calcium above which there is depression")
    down_high = Param(4.0, "spikes", "calcium below which there is depression")
    alpha = Param(3.5, "1/s", "drift upwards", at_least=0.0)
    beta = Param(3.5, "1/s", "drift downwards", at_least=0.0)
    tau_ca = Param(60.0, "ms", "time constant of calcium", low=0.0)
    every = Param(1.0, "ms", "time between updates of the drift", low=0.0)
    binary = Option(False, "spikes are delivered with w_max or w_min, by the side of theta_x on which X is")

    v = PostState("as theta_v", "membrane potential")
    c = PostTrace("tau_ca", "calcium")

    def on_pre(self) -> dict[str, Tensor]:
        high = self.v > self.theta_v
        up = high & (self.c > self.up_low) & (self.c < self.up_high)
        down = ~high & (self.c > self.down_low) & (self.c < self.down_high)
        jump = torch.where(up, self.a, torch.where(down, -self.b, 0 * self.b))
        return {"w": self.w + jump * (self.w_max - self.w_min)}

    def on_step(self) -> dict[str, Tensor]:
        drift = torch.where(self.high, self.alpha, -self.beta) * self.every / _MS_PER_SECOND
        return {"w": self.w + drift * (self.w_max - self.w_min)}

    def efficacy(self) -> Tensor:
        return torch.where(self.high, self.w_max, self.w_min) if self.binary else self.w

    @property
    def high(self) -> Tensor:
        """Whether X is above the boundary."""
        return self.w > self.w_min + self.theta_x * (self.w_max - self.w_min)
