"""STDP once in an interval, from what spikes have left behind."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..parameters import Option, Param
from ._recency import fewer
from .dependence import Dependence, Multiplicative
from .rule import PostTrace, PreTrace, Rule


class IntervalSTDP(Rule):
    """Every `every` ms: dw = a_plus k x up(w) at neurons that spiked in the interval, dw = -a_minus y down(w) at the
    others; both times the range of weights.

    k = ceil(n / n_step), n the spikes of the neuron since the trial began. x and y are set to 1 by spikes. No synapse
    changes at spikes.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 20, 1, 1)
    >>> pre[5], post[8] = 1.0, 1.0
    >>> rule = sl.plasticity.IntervalSTDP(every=10.0, a_plus=0.1)
    >>> sl.plasticity.learn(rule, torch.full((1, 1), 0.5), pre, post).w
    tensor([[[0.5389]]])

    Source: after Putra and Shafique 2020, FSpiNN, IEEE Trans. CAD 39 (update per time step, potentiation factor by
    accumulated postsynaptic spikes). The exact form is ours: the paper counts spikes of the busiest neuron, here each
    neuron counts its own.
    """

    family = "STDP"

    every = Param(20.0, "ms", "time between updates", low=0.0)
    a_plus = Param(0.01, "1", "potentiation, as a share of w_max - w_min", at_least=0.0)
    a_minus = Param(1e-4, "1", "depression, as a share of w_max - w_min", at_least=0.0)
    n_step = Param(5.0, "1", "postsynaptic spikes per unit of the potentiation factor", low=0.0)
    tau_plus = Param(20.0, "ms", "time constant of the presynaptic trace", low=0.0)
    tau_minus = Param(20.0, "ms", "time constant of the postsynaptic trace", low=0.0)
    dependence = Option[Dependence](Multiplicative(), "how changes depend on the weight")

    x = PreTrace("tau_plus", "last presynaptic spike")
    y = PostTrace("tau_minus", "last postsynaptic spike")
    now = PostTrace("every", "last postsynaptic spike, in intervals")
    n = PostTrace(math.inf, "postsynaptic spikes in this trial")

    def on_step(self) -> dict[str, Tensor]:
        span = self.w_max - self.w_min
        share = (self.w - self.w_min) / span
        up = self.a_plus * torch.ceil(self.n / self.n_step) * self.x * self.dependence.up(share)
        down = -self.a_minus * self.y * self.dependence.down(share)
        # A spike at the update before, one interval ago, was counted then.
        spiked = fewer(self.now, torch.clamp(torch.round(self.every / self.dt), min=1.0), self.every, self.dt)
        return {"w": self.w + span * torch.where(spiked, up, down)}

    def pre_spike(self) -> dict[str, Tensor]:
        return {"x": torch.ones_like(self.x)}

    def post_spike(self) -> dict[str, Tensor]:
        return {"y": torch.ones_like(self.y), "now": torch.ones_like(self.now), "n": self.n + 1}
