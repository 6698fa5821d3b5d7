"""Event-driven random back-propagation."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Param
from .rule import PostState, PostTrace, Rule


class ERBP(Rule):
    """eRBP: at a presynaptic spike, w <- w - eta T [b_min < i < b_max]; T is the error that has reached the neuron.

    T jumps by what arrives as `error` and decays with tau_error: spikes of error neurons through fixed random weights,
    E+ with weights g, E- with -g. i is the neuron's total current; the boxcar stands in for the slope of its response.

    Source: Neftci, Augustine, Paul and Detorakis 2017, Frontiers in Neuroscience 11:324; there T is a second
    compartment of the neuron, here a trace.

    >>> import torch, spikeloom as sl
    >>> pre, post, error = torch.zeros(3, 10, 1, 1)
    >>> error[2], pre[2], pre[3] = 1.0, 1.0, 1.0
    >>> rule = sl.plasticity.ERBP(eta=0.1, tau_error=10.0)
    >>> given = {"signals": {"error": error}, "variables": {"i": torch.full((10, 1, 1), 0.5)}}
    >>> sl.plasticity.learn(rule, torch.zeros(1, 1), pre, post, **given).w
    tensor([[[-0.0905]]])
    """

    family = "supervised"

    w_min = Param(-1.0, "weight", "lowest weight")
    w_max = Param(1.0, "weight", "highest weight")
    eta = Param(0.001, "weight", "learning rate")
    tau_error = Param(20.0, "ms", "time constant of the error", low=0.0)
    b_min = Param(-1.0, "1", "lowest current that learns")
    b_max = Param(1.0, "1", "highest current that learns")

    error = Input("1", "error spikes through fixed random weights")
    i = PostState("1", "total current", of="i_syn")
    modulation = PostTrace("tau_error", "error at the neuron", by="error")

    def on_pre(self) -> dict[str, Tensor]:
        open_ = (self.b_min < self.i) & (self.i < self.b_max)
        return {"w": self.w - self.eta * self.modulation * open_}
