"""Winner-take-all between maps of neurons: who may learn from an image."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Winners(NamedTuple):
    """The neurons that learn, in the order of images and, in an image, of winning: all int64 [n]."""

    image: Tensor
    map: Tensor
    row: Tensor
    column: Tensor
    step: Tensor


def precedence(step: Tensor, potential: Tensor, steps: int) -> Tensor:
    """The earlier, the larger; of equal steps, the higher the potential; 0 for silent neurons. float64.

    The potential counts for less than half a step, the highest of the image being the scale.
    """
    high = potential.flatten(1).amax(1).clamp(min=1e-30).view(-1, *[1] * (step.dim() - 1))
    share = 0.5 * (potential / high).clamp(0.0, 1.0).double()
    return torch.where(step < steps, steps - step + share, 0.0)


def winners_of(step: Tensor, potential: Tensor, steps: int, *, count: int, radius: int) -> Winners:
    """Up to `count` winners of each image; see `STDPConvolution`. step and potential [B, maps, H, W]."""
    rank = precedence(step, potential, steps)
    height, width = rank.shape[2:]
    images = torch.arange(len(rank))
    rows, columns = torch.arange(height).view(1, -1, 1), torch.arange(width).view(1, 1, -1)
    found = []
    for _ in range(count):
        best, place = rank.flatten(1).max(1)
        won, m = best > 0, place // (height * width)
        r, c = place % (height * width) // width, place % width
        found.append(
            torch.stack([images, m, r, c, step.flatten(1).gather(1, place.unsqueeze(1)).squeeze(1).long()])[:, won]
        )
        if not bool(won.any()):
            break
        near = ((rows - r.view(-1, 1, 1)).abs() <= radius) & ((columns - c.view(-1, 1, 1)).abs() <= radius)
        rank.masked_fill_(near.unsqueeze(1), 0.0)
        rank[images, m] = 0.0
    all_of_them = torch.cat(found, 1)
    return Winners(*all_of_them[:, all_of_them[0].argsort(stable=True)])
