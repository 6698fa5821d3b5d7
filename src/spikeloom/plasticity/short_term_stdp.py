"""Fast weights that spikes write and time erases."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Param
from .rule import PreTrace, Rule, SynapseState


class ShortTermSTDP(Rule):
    """The efficacy of a synapse is w + fast; fast <- fast + gamma x at a postsynaptic spike and decays with tau_fast.

    w, learned before by another rule, stays as it is: `efficacy()` is what a spike is delivered with, cut to
    w_min ... w_max. x is 1 at a presynaptic spike and decays with tau_plus. `fast` lies between 0 and `limit`.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 20, 1, 1)
    >>> pre[5], post[8] = 1.0, 1.0
    >>> learned = sl.plasticity.learn(sl.plasticity.ShortTermSTDP(), torch.full((1, 1), 0.5), pre, post)
    >>> float(learned.w), float(learned.state["fast"])  # doctest: +ELLIPSIS
    (0.5, 0.0771...)

    Source: after Moraitis, Sebastian and Eleftheriou 2020, arXiv 2009.06808 (ST-STDP: efficacy = W + F, F written at
    postsynaptic spikes, decaying exponentially); size and limit of the increments are ours.
    """

    family = "STDP"

    gamma = Param(0.1, "weight", "fast weight gained at a pair of spikes at one time", at_least=0.0)
    tau_fast = Param(100.0, "ms", "time constant of fast weights", low=0.0)
    tau_plus = Param(20.0, "ms", "time constant of the presynaptic trace", low=0.0)
    limit = Param(1.0, "weight", "highest fast weight", at_least=0.0)

    x = PreTrace("tau_plus", "last presynaptic spike")
    fast = SynapseState(0.0, "weight", "fast weight", tau="tau_fast")

    def on_post(self) -> dict[str, Tensor]:
        return {"fast": torch.minimum(self.fast + self.gamma * self.x, self.limit)}

    def efficacy(self) -> Tensor:
        """What a spike is delivered with."""
        return torch.clamp(self.w + self.fast, self.w_min, self.w_max)

    def pre_spike(self) -> dict[str, Tensor]:
        return {"x": torch.ones_like(self.x)}
