"""What rules with a third factor share: spike pairs mark a synapse, something else decides what the mark is worth."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param
from .rule import PostTrace, PreTrace, Rule, SynapseState


class PairEligibility(Rule):
    """Abstract: what pair-based STDP would change goes to an eligibility trace e that decays, de/dt = -e/tau_e."""

    family = "reward"

    a_plus = Param(1.0, "1", "eligibility left by a pre- before a postsynaptic spike")
    a_minus = Param(1.5, "1", "eligibility taken by a post- before a presynaptic spike")
    tau_plus = Param(20.0, "ms", "time constant of pairs pre before post", low=0.0)
    tau_minus = Param(20.0, "ms", "time constant of pairs post before pre", low=0.0)
    tau_e = Param(1000.0, "ms", "time constant of eligibility", low=0.0)

    x = PreTrace("tau_plus", "recent presynaptic spikes")
    y = PostTrace("tau_minus", "recent postsynaptic spikes")
    e = SynapseState(0.0, "1", "eligibility", tau="tau_e")

    def on_post(self) -> dict[str, Tensor]:
        return {"e": self.e + self.a_plus * self.x}

    def on_pre(self) -> dict[str, Tensor]:
        return {"e": self.e - self.a_minus * self.y}
