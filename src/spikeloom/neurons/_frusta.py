"""Unbranched runs of truncated cones, cut into compartments of equal length without losing membrane or resistance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """Compartments of one run, in µm: lengths, lateral areas, axial resistances of both halves, and end points."""

    length: Array
    area: Array
    # Of the halves before and behind the middle, per resistivity: 1/µm.
    proximal: Array
    distal: Array
    # [n, 2, 3]
    ends: Array


def cut(points: Array, radii: Array, n: int) -> Cut:
    """Divide the run through `points` [m, 3] with `radii` [m] into `n` compartments of equal length.

    Between two points the run is a truncated cone of height h: area pi (a + b) sqrt(h^2 + (a - b)^2), and axial
    resistance h / (pi a b) per resistivity, which is the integral of 1 / (pi r^2).
    """
    heights = np.linalg.norm(np.diff(points, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(heights)])
    edges = np.linspace(0.0, at[-1], 2 * n + 1)
    area, resistance = _integrals(at, radii, edges)
    places = np.stack([np.interp(edges[::2], at, points[:, k]) for k in range(3)], axis=1)
    halves = np.diff(resistance)
    return Cut(
        np.full(n, at[-1] / n),
        np.diff(area[::2]),
        halves[::2],
        halves[1::2],
        np.stack([places[:-1], places[1:]], axis=1),
    )


def _integrals(at: Array, radii: Array, edges: Array) -> tuple[Array, Array]:
    """Membrane area and axial resistance from the start of the run to each of `edges`."""
    heights = np.diff(at)
    first, last = radii[:-1], radii[1:]
    areas = np.concatenate([[0.0], np.cumsum(lateral_area(heights, first, last))])
    resistances = np.concatenate([[0.0], np.cumsum(heights / (np.pi * first * last))])
    piece = np.clip(np.searchsorted(at, edges, side="right") - 1, 0, len(heights) - 1)
    within = edges - at[piece]
    fraction = np.divide(within, heights[piece], out=np.zeros_like(within), where=heights[piece] > 0)
    here = first[piece] + fraction * (last[piece] - first[piece])
    area = areas[piece] + lateral_area(within, first[piece], here)
    # A step in radius at the very end has no height, but a ring of membrane.
    area[-1] = areas[-1]
    return area, resistances[piece] + within / (np.pi * first[piece] * here)


def lateral_area(height: Array, a: Array, b: Array) -> Array:
    """Of truncated cones with end radii a and b, without their ends."""
    area: Array = np.pi * (a + b) * np.hypot(height, a - b)
    return area
