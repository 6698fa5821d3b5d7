"""Positions of neurons, and delays that depend on the distance between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DTypeError, ParameterError, ShapeError

if TYPE_CHECKING:
    from .population import View
    from .projection import Projection

# Size of a periodic space: of all dimensions, or of each.
Period = float | Sequence[float]


@dataclass(frozen=True)
class DistanceDelay:
    """A delay of base + distance / velocity, rounded to the nearest step.

    `period` is the size of a periodic space, in all its dimensions or in each. Units: ms; positions' unit per ms.
    Raises: ParameterError for base < 0 or velocity <= 0.
    """

    base: float
    velocity: float
    period: Period | None = None

    def __post_init__(self) -> None:
        for name, value, good in (("base", self.base, self.base >= 0), ("velocity", self.velocity, self.velocity > 0)):
            if not good or not math.isfinite(value):
                expected = f"a number {'>= 0 (ms)' if name == 'base' else '> 0'}"
                raise ParameterError(f"DistanceDelay.{name}", expected=expected, got=value)

    def longest(self, projection: Projection) -> int:
        """In steps, between the most distant corners of what is connected."""
        a, b, box = space_of(projection, self.period)
        points = np.concatenate([a, b])
        ways = np.ptp(points, axis=0) if len(points) else np.zeros(3)
        ways = np.where(box > 0, np.minimum(ways, box / 2), ways)
        way = math.sqrt(float((ways**2).sum()))
        return min(math.floor((self.base + way / self.velocity) / projection.dt + 0.5), 1 << 40)

    def shortest(self, dt: float) -> int:
        """In steps, where the distance is 0."""
        return math.floor(self.base / dt + 0.5)

    def entries(self, projection: Projection) -> dict[str, Any]:
        """Of SINK."""
        a, b, box = space_of(projection, self.period)
        # First delays count from that of distance 0.
        base = self.base / projection.dt - self.shortest(projection.dt)
        numbers = np.array([base, 1 / (self.velocity * projection.dt)])
        return {"pre_positions": a, "post_positions": b, "box": box, "delay_values": numbers}


def space_of(projection: Projection, period: Period | None) -> tuple[NDArray[np.float64], ...]:
    """Positions of sources and of targets, [n, 3], and the size of the space where it is periodic.

    Raises: ShapeError where sources and targets have different dimensions; ParameterError.
    """
    a, b = positions_of(projection.pre), positions_of(projection.post)
    if a.shape[1] != b.shape[1]:
        what, expected = f"positions of {projection.name}", "as many dimensions for sources as for targets"
        raise ShapeError(what, expected=expected, got=f"{a.shape[1]} and {b.shape[1]}")
    dimensions = a.shape[1]
    box = np.zeros(3)
    if period is not None:
        sizes = np.broadcast_to(np.asarray(period, dtype=np.float64), (dimensions,)) if _fits(period, dimensions) else 0
        if not isinstance(sizes, np.ndarray) or not ((sizes > 0) & np.isfinite(sizes)).all():
            what, expected = f"period of {projection.name}", f"a size > 0, or {dimensions} of them"
            raise ParameterError(what, expected=expected, got=period)
        box[:dimensions] = sizes
    padded = [np.pad(points, ((0, 0), (0, 3 - dimensions))) for points in (a, b)]
    both = np.concatenate(padded)
    if len(both) and (box > 0).any() and (np.ptp(both, axis=0) > box)[box > 0].any():
        expected = f"all within one period, {period}"
        got = f"an extent of {np.ptp(both, axis=0)[:dimensions].tolist()}"
        raise ParameterError(f"positions of {projection.name}", expected=expected, got=got)
    return np.ascontiguousarray(padded[0]), np.ascontiguousarray(padded[1]), box


def _fits(period: Any, dimensions: int) -> bool:
    return np.ndim(period) == 0 or np.shape(period) == (dimensions,)


def positions_of(view: View) -> NDArray[np.float64]:
    """[n, dimensions]: as they were set, or those of a grid of the population's shape in the unit cube.

    Raises: DTypeError, ShapeError, ParameterError for NaN.
    """
    population = view.population
    what = f"positions of {population.name}"
    if population.positions is None:
        if len(population.shape) > 3:
            raise ShapeError(what, expected="a shape of 1 to 3 dimensions, or positions", got=list(population.shape))
        axes = [(np.arange(size) + 0.5) / size for size in population.shape]
        grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
        return np.asarray(grid[view.indices])
    try:
        given = np.asarray(population.positions, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DTypeError(what, expected="numbers", got=repr(population.positions)) from error
    if given.ndim == 1:
        given = given[:, None]
    if given.ndim != 2 or len(given) != population.size or not 1 <= given.shape[1] <= 3:
        raise ShapeError(what, expected=f"[{population.size}, 1 to 3]", got=list(given.shape))
    if not np.isfinite(given).all():
        raise ParameterError(what, expected="finite numbers", got=given[~np.isfinite(given)][0])
    return np.asarray(given[view.indices])
