"""Events of images before a camera that makes saccades, for where no recording is at hand."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..errors import ParameterError, ShapeError

# Corners of the path in units of its size, as rows and columns: an isosceles triangle.
_CORNERS = ((0.0, 0.0), (1.0, 0.5), (0.0, 1.0), (0.0, 0.0))


def saccades(images: Tensor, *, steps: int = 300, amplitude: float = 4.0, contrast: float = 0.3) -> Tensor:
    """Events of pixels while the camera moves along the sides of a triangle, at one speed on each of its three sides.

    A pixel tells an event when its brightness, of the image that lies shifted before it, differs by `contrast` or more
    from that of its last one; brighter and darker are not told apart. Between pixels brightness is interpolated, beyond
    the image it is 0. The triangle is `amplitude` pixels high and wide; in its middle the image is where it was.
    Shapes: images [n, height, width] -> events [steps, n, height, width] of 0 and 1, in the dtype of the images.
    Raises: ShapeError, ParameterError.

    >>> import torch
    >>> images = torch.zeros(1, 8, 8)
    >>> images[0, 3:5, 3:5] = 1.0
    >>> events = saccades(images, steps=30, amplitude=2.0)
    >>> events.shape, int(events.sum())
    (torch.Size([30, 1, 8, 8]), 59)

    Source: after Orchard, Jayawant, Cohen and Thakor 2015, Front. Neurosci. 9:437, in which a camera that makes three
    saccades along an isosceles triangle, in 300 ms, records images; pixels as in Lichtsteiner, Posch and Delbruck 2008,
    IEEE J. Solid-State Circuits 43:566-576, of brightness in place of its logarithm, and without noise.
    """
    if images.ndim != 3 or not images.is_floating_point():
        got = f"{list(images.shape)}, {images.dtype}"
        raise ShapeError("images of saccades", expected="[n, height, width] of floating-point numbers", got=got)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 3:
        raise ParameterError("steps of saccades", expected="a whole number of 3 or more", got=repr(steps))
    for name, value in (("amplitude", amplitude), ("contrast", contrast)):
        if not 0.0 < value < math.inf:
            raise ParameterError(f"{name} of saccades", expected="a finite number above 0", got=repr(value))
    margin = math.ceil(amplitude) + 1
    framed = pad(images, (margin, margin, margin, margin))
    reference = _shifted(framed, margin, *_place(0.0, amplitude))
    events = images.new_zeros(steps, *images.shape)
    for step in range(steps):
        seen = _shifted(framed, margin, *_place((step + 1) / steps, amplitude))
        told = (seen - reference).abs() >= contrast
        reference = torch.where(told, seen, reference)
        events[step] = told
    return events


def _place(part: float, amplitude: float) -> tuple[float, float]:
    """By how many rows and columns the image is shifted after this part of the path."""
    side = min(int(3 * part), 2)
    (row, column), (row_after, column_after) = _CORNERS[side], _CORNERS[side + 1]
    along = 3 * part - side
    # The middle of the triangle, not of its corners, is where the image was.
    down, right = row + along * (row_after - row) - 0.5, column + along * (column_after - column) - 0.5
    return amplitude * down, amplitude * right


def _shifted(framed: Tensor, margin: int, down: float, right: float) -> Tensor:
    """The image moved down and to the right, interpolated linearly in both directions; without its margin."""

    def moved(x: Tensor, dim: int, by: float) -> Tensor:
        whole = math.floor(by)
        share, length = by - whole, x.shape[dim] - 2 * margin
        near, far = (x.narrow(dim, margin - whole - more, length) for more in (0, 1))
        return (1 - share) * near + share * far

    return moved(moved(framed, 1, down), 2, right)
