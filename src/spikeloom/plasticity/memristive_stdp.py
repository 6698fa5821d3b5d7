"""Simplified STDP of synapses that are devices, no two of which are alike."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Option, Param
from ._recency import within
from .dependence import Dependence, Exponential
from .rule import PreTrace, Rule, SynapseState


class MemristiveSTDP(Rule):
    """At a postsynaptic spike: dw = a_plus gain_plus up(w) where the presynaptic neuron has spiked within `window`
    before, dw = -a_minus gain_minus down(w) at all other synapses; both times the range `top` - w_min of the device.

    gain_plus, gain_minus and top are states of each synapse, given by `Projection.learning.set_state`; they do not
    change. With gains of 1 and top = w_max, as at the beginning, the rule is `SimplifiedSTDP` with exponential
    dependence. A top above w_max counts as w_max. 12 bytes a synapse besides its weight.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(10, 1, 2), torch.zeros(10, 1, 1)
    >>> pre[2], post[4] = 1.0, 1.0
    >>> state = {"gain_plus": torch.tensor([[[1.0, 1.5]]])}
    >>> sl.plasticity.learn(sl.plasticity.MemristiveSTDP(), torch.zeros(1, 2), pre, post, state=state).w
    tensor([[[0.0100, 0.0150]]])

    Source: Querlioz, Bichler, Dollfus and Gamrat 2013, IEEE Trans. Nanotechnology 12, eqs. 1 and 2, sec. on immunity to
    variations, where amplitudes and bounds of each device are drawn from normal distributions; amplitudes are shares of
    the range of weights; the window is ours.
    """

    family = "STDP"

    a_plus = Param(0.01, "1", "potentiation, as a share of the range of weights", at_least=0.0)
    a_minus = Param(0.005, "1", "depression, as a share of the range of weights", at_least=0.0)
    window = Param(20.0, "ms", "how long ago a presynaptic spike may be", low=0.0)
    dependence = Option[Dependence](Exponential(), "how changes depend on the weight")

    x = PreTrace("window", "last presynaptic spike")
    gain_plus = SynapseState(1.0, "1", "factor of potentiation of this device")
    gain_minus = SynapseState(1.0, "1", "factor of depression of this device")
    top = SynapseState("w_max", "weight", "highest weight of this device")

    def on_post(self) -> dict[str, Tensor]:
        top = torch.minimum(self.top, self.w_max)
        span = top - self.w_min
        share = (self.w - self.w_min) / span
        up = self.a_plus * self.gain_plus * self.dependence.up(share)
        down = self.a_minus * self.gain_minus * self.dependence.down(share)
        changed = self.w + span * torch.where(within(self.x, self.window, self.dt), up, -down)
        return {"w": torch.minimum(changed, top)}

    def pre_spike(self) -> dict[str, Tensor]:
        return {"x": torch.ones_like(self.x)}
