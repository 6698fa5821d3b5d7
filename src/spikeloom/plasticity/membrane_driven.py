"""Learning a number of spikes from the potential itself, without a search."""

from __future__ import annotations

import torch
from torch import Tensor

from .multi_spike import MembraneMultiSpikeRule, with_resets


class MembraneDriven(MembraneMultiSpikeRule):
    """With too few spikes dw_i = lr K_i(t*) at the highest potential below threshold; with too many, -lr K_i(t*) at the
    weakest spike, that with the lowest potential.

    K_i(t*) = sum_(t_i <= t*) K(t* - t_i): the synapses that brought the potential there.

    Targets: numbers of spikes.
    Source: after Yu et al. 2020, "Towards efficient processing and learning with spikes", arXiv 2005.00723, the second
    rule; formulated here after its description.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(40, 1, 2)
    >>> x[5, 0, 0] = x[25, 0, 1] = 1.0
    >>> rule = sl.plasticity.MembraneDriven(lr=0.1)
    >>> rule.update(torch.tensor([[1.1, 1.7]]), x, torch.tensor([[1.0]])).w  # the first spike is the weakest
    tensor([[1.0000, 1.7000]])
    """

    def at(self, v: Tensor, spikes: Tensor, target: Tensor, more: Tensor) -> tuple[Tensor, Tensor]:
        potential, fired = with_resets(v, spikes, self.decay), spikes != 0
        peak = torch.where(fired, -torch.inf, potential).argmax(0)
        weakest = torch.where(fired, potential, torch.inf).argmin(0)
        return torch.where(more, peak, weakest), torch.ones_like(v[0])
