"""A minimal spiking neuron, discrete in time, and its rule."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param
from .multi_spike import MultiSpikeRule, critical


class GNM(MultiSpikeRule):
    """Generalised neural model, v[t] = beta v[t - 1] + sum_i w_i x_i[t], v_th subtracted at a spike; trained by the
    critical threshold, as `ThresholdDriven`.

    beta is its memory: with 0 each step is decided by its own input alone, and there is no temporal correlation to
    learn from. The gradient is exact: time is discrete, so no weight moves a spike by less than a step.

    Targets: numbers of spikes.
    Source: Fil and Chu 2020, Neural Computation 32, "Minimal spiking neuron for solving multilabel classification
    tasks"; formulated here after its description.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(40, 1, 2)
    >>> x[5, 0, 0] = x[6, 0, 1] = 1.0
    >>> sl.plasticity.GNM(beta=0.5, lr=0.1).update(torch.tensor([[0.5, 0.5]]), x, torch.tensor([[1.0]])).w
    tensor([[0.5500, 0.6000]])
    """

    beta = Param(0.9, "1", "share of the potential that is left after a step", at_least=0.0, high=1.0)

    @property
    def decay(self) -> float:
        return float(self.beta)

    def at(self, v: Tensor, spikes: Tensor, target: Tensor, more: Tensor) -> tuple[Tensor, Tensor]:
        _, t, slope = critical(v, spikes.sum(0) + more, self.decay)
        return t, slope
