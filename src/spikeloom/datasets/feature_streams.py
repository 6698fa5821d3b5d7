"""The task of rules that learn from counts: patterns of spikes hidden in noise, and how many of each there are."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError, ShapeError


def feature_streams(
    features: Tensor,
    n: int,
    *,
    steps: int = 500,
    most: int = 4,
    gap: int = 50,
    rate: float = 5.0,
    dt: float = 1.0,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Streams of Poisson spikes in which 0 to `most` features replace the noise, each drawn at random.

    The number of features is uniform, their places are at random and `gap` steps from each other on average.
    Shapes: features [k, length, inputs] -> spikes [steps, n, inputs], counts [n, k], and which feature is where,
    int64 [steps, n], from 0 on, -1 for noise. Units: rate of the noise in spikes per second, dt in ms.
    `generator=None` draws from PyTorch's global generator. Raises: ParameterError, ShapeError.

    >>> generator = torch.Generator().manual_seed(0)
    >>> pattern = (torch.rand(1, 50, 200, generator=generator) < 0.005).float()
    >>> x, counts, where = feature_streams(pattern, 3, generator=generator)
    >>> x.shape, counts.flatten(), (where == 0).sum(0) / 50
    (torch.Size([500, 3, 200]), tensor([0., 0., 3.]), tensor([0., 0., 3.]))

    Source: after Gütig 2016, Science 351:aab4113; the numbers are ours.
    """
    if features.dim() != 3:
        raise ShapeError("features of feature_streams", expected="[k, length, inputs]", got=list(features.shape))
    kinds, length, inputs = features.shape
    slots, p = steps // (length + gap), rate * dt / 1000.0
    if gap < 0 or not 0 <= most <= slots:
        expected = f"0 to {slots}, as many as there is room for in {steps} steps"
        raise ParameterError("most of feature_streams", expected=expected, got=most)
    if not 0.0 <= p <= 1.0:
        raise ParameterError("rate of feature_streams", expected="0 to 1 spikes in a step", got=p)
    x = (torch.rand(steps, n, inputs, generator=generator) < p).to(features.dtype)
    where = torch.full((steps, n), -1)
    for b, count in enumerate(torch.randint(0, most + 1, (n,), generator=generator).tolist()):
        starts = (length + gap) * torch.randperm(slots, generator=generator)[:count]
        starts = starts + torch.randint(0, gap + 1, (count,), generator=generator)
        drawn = torch.randint(0, kinds, (count,), generator=generator)
        for start, kind in zip(starts.tolist(), drawn.tolist(), strict=True):
            x[start : start + length, b] = features[kind]
            where[start : start + length, b] = kind
    counts = (where.unsqueeze(-1) == torch.arange(kinds)).sum(0) / length
    return x, counts, where
