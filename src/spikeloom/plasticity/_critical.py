"""The search for the critical threshold."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def bracket(
    counts: Callable[[Tensor], Tensor], highest: Tensor, wanted: Tensor, *, levels: int = 64
) -> tuple[Tensor, Tensor]:
    """Two thresholds close together: at the lower one there are at least as many spikes as wanted, above it fewer.

    Of `levels` thresholds between two bounds the highest with enough spikes is the next lower bound, and so on; the
    number of spikes need not fall steadily. The lower bound is 0 where none has enough.

    Shapes: highest potential and wanted [n]; counts takes thresholds [n, levels - 1] and returns as many counts.
    """
    # At the highest potential itself there is a spike.
    low, high = torch.zeros_like(highest), (1.0001 * highest).clamp(min=0.0)
    some = (highest > 0).unsqueeze(-1)
    index = torch.arange(1, levels)
    # The distance that is left stays well above rounding.
    closest = 1e-5 if highest.dtype == torch.float32 else 1e-11
    for _ in range(_rounds(levels, closest)):
        tried = low.unsqueeze(-1) + (high - low).unsqueeze(-1) * (index.to(low.dtype) / levels)
        enough = counts(torch.where(some, tried, 1.0)) >= wanted.unsqueeze(-1)
        last = torch.where(enough & some, index, 0).amax(-1)
        low, high = low + (high - low) * last / levels, low + (high - low) * (last + 1) / levels
    return low, high


def _rounds(levels: int, closest: float) -> int:
    rounds, distance = 0, 1.0
    while distance > closest:
        rounds, distance = rounds + 1, distance / levels
    return rounds
