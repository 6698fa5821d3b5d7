"""The instar rule on spike counts: the weights of a neuron become the mean of the patterns that it answers."""

from __future__ import annotations

import math

from torch import Tensor

from ..parameters import Param
from .rule import PostTrace, PreTrace, Rule


class Instar(Rule):
    """Instar rule, after each trial: w <- w + eta n (m - w), m and n the pre- and postsynaptic spike counts.

    Weights settle at the mean of m over the spikes n. With `AntiHebbian` between the neurons and
    `IntrinsicPlasticity` of their thresholds it makes sparse codes. `PredictiveFeedforward` is the like spike by spike.

    Source: Grossberg 1976, Biological Cybernetics 23:121; Földiák 1990, Biological Cybernetics 64:165.

    >>> import torch, spikeloom as sl
    >>> pixels, counts = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0]])
    >>> sl.plasticity.end_trial(sl.plasticity.Instar(eta=0.1), torch.full((1, 2), 0.5), {"m": pixels, "n": counts}).w
    tensor([[[0.5500, 0.4500]]])
    """

    family = "Hebbian"

    eta = Param(0.02, "1", "learning rate", at_least=0.0)

    m = PreTrace(math.inf, "presynaptic spikes of the trial")
    n = PostTrace(math.inf, "postsynaptic spikes of the trial")

    def on_trial(self) -> dict[str, Tensor]:
        return {"w": self.w + self.eta * self.n * (self.m - self.w)}
