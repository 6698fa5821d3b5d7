"""Synthetic gestures: a bar that moves or turns, as videos, for where no recording is at hand."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import ParameterError

GESTURES = (
    "right", "up right", "up", "up left", "left", "down left", "down", "down right", "counterclockwise", "clockwise",
)  # fmt: skip

# Half the length and the width of a bar, the way that it moves and the jitter of its middle, shares of the picture.
_LONG, _WIDE, _WAY, _JITTER = 0.22, 0.06, 2.0, 0.08
# A bar is so much brighter than what is behind it, which has a texture.
_BRIGHT, _TEXTURE = 3.0, 0.1


def gestures(
    n: int, *, size: int = 32, steps: int = 24, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Videos of n gestures, as many of each kind, in random order.

    A bar across its direction comes from outside the picture and leaves it in one of eight directions, or turns on
    the spot by half a turn; the middle of its way, its direction (by up to 10 degrees) and brightness differ. Opposite
    gestures pass through the same places: only the order in time tells them apart.
    Shapes: logarithms of brightness [steps, n, size, size], float32; labels int64 [n], as in `GESTURES`.
    Raises: ParameterError.

    >>> import torch, spikeloom as sl
    >>> videos, labels = gestures(20, generator=torch.Generator().manual_seed(0))
    >>> events = sl.coding.delta(videos.flatten(2), threshold=0.3).unflatten(-1, (32, 32))
    >>> events.shape, labels.bincount().tolist()
    (torch.Size([24, 20, 2, 32, 32]), [2, 2, 2, 2, 2, 2, 2, 2, 2, 2])

    Source: ours.
    """
    for name, number in (("n", n), ("size", size), ("steps", steps)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ParameterError(f"{name} of gestures", expected="a whole number of 1 or more", got=repr(number))
    labels = (torch.arange(n) % len(GESTURES))[torch.randperm(n, generator=generator)]
    drawn = 2 * torch.rand(5, n, generator=generator) - 1
    turning = labels >= 8
    angle = torch.where(turning, math.pi * drawn[4], labels * (math.pi / 4) + math.radians(10.0) * drawn[4])
    bright = _BRIGHT * (1 + 0.3 * drawn[3])
    texture = 1 + _TEXTURE * torch.rand(n, size, size, generator=generator)
    videos = torch.empty(steps, n, size, size)
    for step, share in enumerate(torch.linspace(-0.5, 0.5, steps)):
        way = torch.where(turning, 0.0, _WAY * share)
        # Counterclockwise as one sees it: rows are counted from the top.
        turned = angle + torch.where(turning, math.pi * share * torch.where(labels == 8, 1.0, -1.0), 0.0)
        centre = 0.5 + _JITTER * drawn[:2] + way * torch.stack([angle.cos(), -angle.sin()])
        videos[step] = (texture + bright.view(-1, 1, 1) * _bar(centre, turned, size)).log()
    return videos, labels


def _bar(centre: Tensor, angle: Tensor, size: int) -> Tensor:
    """How much of each pixel it covers, about, [n, size, size]; across the angle, which is that of its narrow side."""
    at = (torch.arange(size) + 0.5) / size
    x, y = at - centre[0].view(-1, 1, 1), at.view(-1, 1) - centre[1].view(-1, 1, 1)
    cosine, sine = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    across, along = x * cosine - y * sine, x * sine + y * cosine
    covered = (torch.sigmoid(2 * size * (half - part.abs())) for half, part in ((_WIDE, across), (_LONG, along)))
    return next(covered) * next(covered)
