"""Layers of neurons that spike at most once in a trial: what is pooled is the earliest spike."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ParameterError, ShapeError


class FirstSpikePool(nn.Module):
    """Each neuron spikes once, with the first spike in its square of `size` x `size` neurons; squares do not overlap.

    Rows and columns beyond the last whole square are left out.
    Shapes: [T, B, C, H, W] to [T, B, C, H // size, W // size]. Raises: ShapeError, ParameterError.
    Source: Masquelier and Thorpe 2007, PLoS Computational Biology 3:e31 (C cells propagate the first spike).

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(3, 1, 1, 2, 2)
    >>> x[1, 0, 0, 0, 1], x[2, 0, 0, 1, 1] = 1.0, 1.0
    >>> sl.nn.FirstSpikePool(2)(x).flatten()
    tensor([0., 1., 0.])
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        if size < 1:
            raise ParameterError("size of FirstSpikePool", expected=">= 1", got=size)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """The first spikes."""
        lead = F.max_pool2d(_lead(of_maps(self, x)), self.size)
        return spikes_at(len(x) - lead, len(x))

    def extra_repr(self) -> str:
        """Size of a square."""
        return f"{self.size}"


def spike_steps(spikes: Tensor) -> Tensor:
    """The step of each neuron's first spike, T where it is silent; [T, ...] to the same dtype [...]."""
    return len(spikes) - _lead(spikes)


def spikes_at(step: Tensor, steps: int) -> Tensor:
    """A spike in each neuron's step, none where that is `steps`; the inverse of `spike_steps`."""
    spikes = step.new_zeros(steps + 1, *step.shape)
    return spikes.scatter_(0, step.long().unsqueeze(0), 1.0)[:steps]


def _lead(spikes: Tensor) -> Tensor:
    """How many steps before the end each neuron has first spiked; step by step, as that stays in the cache."""
    lead = torch.zeros_like(spikes[0])
    for t, now in enumerate(spikes):
        lead = torch.maximum(lead, now * (len(spikes) - t))
    return lead


def of_maps(layer: object, x: Tensor, channels: int | None = None) -> Tensor:
    """x, if it is [T, B, C, H, W] with T of at least 1."""
    if x.dim() != 5 or not len(x) or (channels is not None and x.shape[2] != channels):
        expected = f"[T, B, {channels or 'C'}, H, W]"
        do = "put time first, and join polarity and channels with nn.Flatten(2, 3)"
        raise ShapeError(f"input of {type(layer).__name__}", expected=expected, got=list(x.shape), do=do)
    return x
