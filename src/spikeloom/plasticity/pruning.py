"""Pruning: connections that are of no use are taken away, once or while weights learn, and never come back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ParameterError, ShapeError
from ..parameters import Declared, Param
from ._weights import check_weights


def strongest(w: Tensor, *, share: float) -> Tensor:
    """A mask of the strongest weights: true for the given share of them, largest |w| first, exactly round(share n).

    Where equal weights stand at the border, those that come first are kept; `torch.where(mask, w, 0)` prunes.
    Shapes: w [*shape] -> bool [*shape]. Raises: ParameterError (NaN, share outside 0 ... 1), DTypeError.

    >>> import torch
    >>> strongest(torch.tensor([[0.1, -0.9], [0.4, 0.2]]), share=0.5)
    tensor([[False,  True],
            [ True, False]])

    Source: Han, Pool, Tran and Dally 2015, Learning both weights and connections, NeurIPS 28, for pruning by magnitude.
    """
    check_weights("w of strongest", w)
    if not 0.0 <= share <= 1.0:
        raise ParameterError("share of strongest", expected="0 ... 1", got=share)
    order = w.detach().abs().flatten().argsort(descending=True, stable=True)
    mask = torch.zeros(w.numel(), dtype=torch.bool, device=w.device)
    mask[order[: round(share * w.numel())]] = True
    return mask.view(w.shape)


@dataclass
class Pruned:
    """Weights with zeros where there is no connection, which ones there are, and for how many updates each was weak."""

    w: Tensor
    mask: Tensor
    weak: Tensor

    @property
    def connections(self) -> int:
        """How many there are."""
        return int(self.mask.sum())


class Pruning(Declared):
    """Pruning during learning: a connection that is weak, |w| < threshold, in `patience` updates on end is cut forever.

    A single update above the threshold sets the count back to 0. What is cut has weight 0, takes part in no later
    update and never comes back, whatever a rule did to its weight in between. With `Pruned.mask` the synaptic events
    that are saved can be counted.

    Raises: ParameterError, UnknownNameError.
    Source: Nguyen, Veeravalli and Fong 2021, Connection pruning for deep spiking neural networks with on-chip learning,
    ICONS; that weak means below a threshold for consecutive updates is our reading.

    >>> import torch, spikeloom as sl
    >>> pruning = sl.plasticity.Pruning(threshold=0.2, patience=2)
    >>> kept = pruning.start(torch.tensor([0.1, 0.5]))
    >>> for _ in range(2):
    ...     kept = pruning.update(kept, kept.w)
    >>> pruning.update(kept, torch.tensor([0.9, 0.9])).w
    tensor([0.0000, 0.9000])
    """

    threshold = Param(0.1, "weight", "below which a weight is weak")
    patience = Param(10.0, "1", "updates on end of being weak before a connection is cut", at_least=1.0)

    def start(self, w: Tensor) -> Pruned:
        """All connections, none weak so far."""
        check_weights("w of Pruning", w)
        return Pruned(w, torch.ones_like(w, dtype=torch.bool), torch.zeros_like(w, dtype=torch.int32))

    def update(self, kept: Pruned, w: Tensor) -> Pruned:
        """After weights became `w`, which a rule may have given to connections that are gone."""
        check_weights("w of Pruning", w)
        if w.shape != kept.mask.shape:
            raise ShapeError("w of Pruning", expected=list(kept.mask.shape), got=list(w.shape))
        values = self.param_values()
        weak = torch.where(w.abs() < float(values["threshold"]), kept.weak + 1, 0)
        mask = kept.mask & (weak < float(values["patience"]))
        return Pruned(torch.where(mask, w, 0.0), mask, torch.where(mask, weak, kept.weak))
