"""Images of shapes among strokes, with boxes, for where no photographs are at hand."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import ParameterError

KINDS = ("disc", "square", "cross")
# Half the width of a shape, in shares of the image's; with the centre in the middle of a quarter none overlap.
_HALF = (0.08, 0.14)
_MOST = 4


class Scenes(NamedTuple):
    """Images [n, 1, size, size] in [0, 1], boxes [n, 4, 4] as left, top, right, bottom in pixels, and labels [n, 4].

    Where there is no shape the label is -1, and the box 0.
    """

    images: Tensor
    boxes: Tensor
    labels: Tensor


def shapes_in_clutter(
    n: int, *, size: int = 64, strokes: int = 12, noise: float = 0.05, generator: torch.Generator | None = None
) -> Scenes:
    """Images of one to three shapes, discs, squares and crosses, at most one in each quarter, between thin strokes.

    Shapes and strokes have a brightness from 0.5 to 1, shapes a width of 0.16 to 0.28 of the image, strokes a length of
    up to a quarter of it. Gaussian noise is added, and the result cut to [0, 1].
    Raises: ParameterError. Source: the images are ours.

    >>> scenes = shapes_in_clutter(5, generator=torch.Generator().manual_seed(0))
    >>> scenes.images.shape, scenes.boxes.shape, scenes.labels.shape
    (torch.Size([5, 1, 64, 64]), torch.Size([5, 4, 4]), torch.Size([5, 4]))
    """
    if n < 1 or size < 16 or strokes < 0 or not 0.0 <= noise < float("inf"):
        got = f"n={n}, size={size}, strokes={strokes}, noise={noise}"
        raise ParameterError("shapes_in_clutter", expected="n >= 1, size >= 16, strokes >= 0, noise >= 0", got=got)

    def drawn(*shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator)

    image = noise * torch.randn(n, size, size, generator=generator)
    for _ in range(strokes):
        image = torch.maximum(image, _stroke(drawn(4), size) * (0.5 + 0.5 * drawn(1, 1)))
    # The first one to three quarters in a random order have a shape.
    ranks, wanted = drawn(_MOST).argsort(1).argsort(1), torch.randint(1, 4, (n, 1), generator=generator)
    kinds = torch.randint(len(KINDS), (n, _MOST), generator=generator)
    labels = torch.where(ranks < wanted, kinds, -1)
    half = size * (_HALF[0] + (_HALF[1] - _HALF[0]) * drawn(_MOST))
    corner = torch.tensor([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5], [0.5, 0.5]])
    # Every shape lies within its quarter.
    room = size / 2 - 2 * half
    centre = size * corner + half[..., None] + room[..., None] * drawn(_MOST, 2)
    bright = 0.5 + 0.5 * drawn(_MOST)
    for place in range(_MOST):
        inside = _shape(labels[:, place], centre[:, place], half[:, place], size)
        image = torch.where(inside, bright[:, place, None, None], image)
    boxes = torch.cat([centre - half[..., None], centre + half[..., None]], 2)
    return Scenes(image.clamp(0.0, 1.0)[:, None], boxes * (labels >= 0)[..., None], labels)


def _shape(label: Tensor, centre: Tensor, half: Tensor, size: int) -> Tensor:
    """Pixels whose middle is within a shape, [n, size, size]; none where the label is -1."""
    at = torch.arange(size) + 0.5
    across, down = ((at - centre[:, axis, None]).abs() / half[:, None] for axis in (0, 1))
    dx, dy = across[:, None, :], down[:, :, None]
    square = (dx <= 1) & (dy <= 1)
    cross = square & ((dx <= 1 / 3) | (dy <= 1 / 3))
    every = torch.stack([dx.square() + dy.square() <= 1, square, cross], 1)
    chosen = every[torch.arange(len(label)), label.clamp(min=0)]
    return chosen & (label >= 0)[:, None, None]


def _stroke(drawn: Tensor, size: int) -> Tensor:
    """Pixels within half a pixel of a line, [n, size, size]; drawn are its middle, direction and length."""
    angle, reach = torch.pi * drawn[:, 2, None, None], size * (0.04 + 0.085 * drawn[:, 3, None, None])
    at = torch.arange(size) + 0.5
    x, y = at[None, None, :] - size * drawn[:, 0, None, None], at[None, :, None] - size * drawn[:, 1, None, None]
    along, beside = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    return ((along.abs() <= reach) & (beside.abs() <= 0.6)).float()
