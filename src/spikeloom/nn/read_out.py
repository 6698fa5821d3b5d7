"""Read-outs: from a sequence to one value per neuron."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import ShapeError


def _summed(x: Tensor, what: str) -> Tensor:
    if x.dim() < 2 or not len(x):
        raise ShapeError(f"input of {what}", expected="[T, B, *features] with T >= 1", got=list(x.shape))
    half = x.dtype in (torch.float16, torch.bfloat16)
    # bfloat16 cannot count beyond 256.
    return (x.float() if half else x).sum(0)


class Count(nn.Module):
    """The sum over time, of spikes their number: y = sum_t x[t].

    As a layer after a neuron of `Sequential` the neuron's kernel counts, and spikes that nobody records are never
    written.

    Shapes: [T, B, *features] to [B, *features]; half precision comes out as float32. Raises: ShapeError.

    >>> import torch, spikeloom as sl
    >>> sl.nn.Sequential(sl.IF(), sl.nn.Count())(torch.full((5, 1, 2), 0.5))
    tensor([[2., 2.]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Sum over time."""
        return self.finished(_summed(x, type(self).__name__), x.shape[0])

    def finished(self, total: Tensor, steps: int) -> Tensor:
        """The result, given the sum over time."""
        return total

    def combined(self, pieces: Sequence[Tensor], lengths: Sequence[int]) -> Tensor:
        """The result for a sequence, given those for its pieces and their numbers of steps."""
        return torch.stack(list(pieces)).sum(0)


class Rate(Count):
    """The mean over time, of spikes their number per step: y = 1/T sum_t x[t].

    Shapes: [T, B, *features] to [B, *features]; half precision comes out as float32. Raises: ShapeError.

    >>> import torch, spikeloom as sl
    >>> sl.nn.Sequential(sl.IF(), sl.nn.Rate())(torch.full((5, 1, 2), 0.5))
    tensor([[0.4000, 0.4000]])
    """

    def finished(self, total: Tensor, steps: int) -> Tensor:
        """The mean, given the sum over time."""
        return total / steps

    def combined(self, pieces: Sequence[Tensor], lengths: Sequence[int]) -> Tensor:
        """The mean, given those of pieces."""
        total = super().combined([piece * length for piece, length in zip(pieces, lengths, strict=True)], lengths)
        return total / sum(lengths)
