"""The feed-forward rule of SAILnet, a sparse and independent local network: Oja's rule on spike counts."""

from __future__ import annotations

import math

from torch import Tensor

from ..parameters import Param
from .rule import PostTrace, PreTrace, Rule


class SAILnet(Rule):
    """Feed-forward weights of SAILnet, after each trial: w <- w + eta (n m - n^2 w), m and n the pre- and postsynaptic
    spike counts; the paper has the value of a pixel for m.

    Spikes n then reconstruct the input linearly, m ~ sum of n w. SAILnet's other two rules are
    `AntiHebbian.preset("SAILnet")` between its neurons and `IntrinsicPlasticity(eta=0.1, target=0.05)` of thresholds.

    Source: Zylberberg, Murphy and DeWeese 2011, PLoS Computational Biology 7:e1002250, learning
    rules; rates as in the authors' program.

    >>> import torch, spikeloom as sl
    >>> pixels, counts = torch.tensor([[1.0, -1.0]]), torch.tensor([[2.0]])
    >>> sl.plasticity.end_trial(sl.plasticity.SAILnet(eta=0.1), torch.full((1, 2), 0.5), {"m": pixels, "n": counts}).w
    tensor([[[0.5000, 0.1000]]])
    """

    family = "Hebbian"

    eta = Param(0.01, "1", "learning rate", at_least=0.0)
    w_min = Param(-10.0, "weight", "lowest weight")
    w_max = Param(10.0, "weight", "highest weight")

    m = PreTrace(math.inf, "presynaptic spikes of the trial")
    n = PostTrace(math.inf, "postsynaptic spikes of the trial")

    def on_trial(self) -> dict[str, Tensor]:
        return {"w": self.w + self.eta * self.n * (self.m - self.n * self.w)}
