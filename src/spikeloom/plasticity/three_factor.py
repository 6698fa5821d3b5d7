"""Three-factor learning: pairs of spikes, and a modulator of any meaning."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Param
from ._eligibility import PairEligibility


class ThreeFactor(PairEligibility):
    """Each arrival of a modulator M changes the weight by eta M e, e the eligibility that pairs of spikes have left.

    de/dt = -e/tau_e + a_plus x S_post - a_minus y S_pre, x and y traces of pre- and postsynaptic spikes. M is any
    number, of either sign: novelty, surprise, a reward's prediction error; a modulator that is there all the time is
    one arrival per step, scaled by dt.

    Source: Gerstner, Lehmann, Liakoni, Corneil and Brea 2018, Frontiers in Neural Circuits 12:53, with
    pair-based STDP in place of their general coincidence.

    >>> import torch, spikeloom as sl
    >>> pre, post, m = torch.zeros(3, 100, 1, 1)
    >>> pre[5], post[5], m[99] = 1.0, 1.0, -2.0
    >>> rule = sl.plasticity.ThreeFactor(eta=0.1, tau_e=100.0)
    >>> sl.plasticity.learn(rule, torch.ones(1, 1), pre, post, signals={"modulator": m}).w
    tensor([[[0.9219]]])
    """

    eta = Param(0.01, "weight", "change by a modulator of 1 at an eligibility of 1")
    modulator = Input("1", "third factor")

    def on_modulator(self) -> dict[str, Tensor]:
        return {"w": self.w + self.eta * self.modulator * self.e}
