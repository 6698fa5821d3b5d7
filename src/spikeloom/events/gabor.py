"""Gabor patches: receptive fields of simple cells."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import ParameterError

SCALES = (3, 5, 7, 9)
ORIENTATIONS = (0.0, 45.0, 90.0, 135.0)


def gabor_patches(scales: Sequence[int] = SCALES, orientations: Sequence[float] = ORIENTATIONS) -> Tensor:
    """Patches of every scale, a width in pixels, and orientation, that of the edge which fits, 0 being horizontal.

        G(u, v) = exp(-(u^2 + 0.3^2 v^2) / 2 sigma^2) cos(2 pi u / lambda),
        sigma = 0.0036 s^2 + 0.35 s + 0.18,  lambda = sigma / 0.8

    u is the distance from the axis of the edge, v that along it, s the scale; of mean 0 and sum of squares 1 within the
    scale, around it 0.
    Shapes: returns [scales, orientations, size, size], size the largest scale. Units: orientations in degrees, against
    the clock, rows counted downwards. Raises: ParameterError.

    >>> patches = gabor_patches()
    >>> patches.shape, bool(patches[0, 0, 4, 3] > 0 > patches[0, 0, 3, 4])
    (torch.Size([4, 4, 9, 9]), True)

    Source: Serre, Wolf, Bileschi, Riesenhuber and Poggio 2007, IEEE TPAMI 29:411-426, eq. 1 and table 1, whose sizes 7
    and 9 are these; 3 and 5 follow its formula.
    """
    if not scales or any(isinstance(s, bool) or not isinstance(s, int) or s < 3 or s % 2 == 0 for s in scales):
        raise ParameterError("scales of gabor_patches", expected="odd whole numbers of 3 or more", got=tuple(scales))
    if not orientations or not all(math.isfinite(angle) for angle in orientations):
        raise ParameterError("orientations of gabor_patches", expected="degrees", got=tuple(orientations))
    size = max(scales)
    made = torch.zeros(len(scales), len(orientations), size, size)
    for index, scale in enumerate(scales):
        margin = (size - scale) // 2
        for number, angle in enumerate(orientations):
            made[index, number, margin : size - margin, margin : size - margin] = _patch(scale, math.radians(angle))
    return made


def _patch(scale: int, angle: float) -> Tensor:
    sigma = 0.0036 * scale**2 + 0.35 * scale + 0.18
    place = torch.arange(scale, dtype=torch.float64) - scale // 2
    row, column = torch.meshgrid(-place, place, indexing="ij")
    u = row * math.cos(angle) - column * math.sin(angle)
    v = row * math.sin(angle) + column * math.cos(angle)
    wave = torch.exp(-(u**2 + 0.09 * v**2) / (2 * sigma**2)) * torch.cos(2 * math.pi * u * 0.8 / sigma)
    wave -= wave.mean()
    return wave / wave.square().sum().sqrt()
