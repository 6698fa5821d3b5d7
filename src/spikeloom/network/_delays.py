"""Delays of a projection, in steps."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError, RoundedDelayWarning
from .distances import DistanceDelay
from .distributions import Distribution

if TYPE_CHECKING:
    from .projection import Projection

# Steps beyond which a delay is surely a mistake in units.
LONGEST = 60_000


@dataclass(frozen=True)
class Delays:
    """The shortest, and the chance of each from there on; or all in a list; or those that depend on the distance."""

    first: int = 0
    chances: NDArray[np.float64] = dataclasses.field(default_factory=lambda: np.ones(1))
    listed: NDArray[np.int64] | None = None
    distance: DistanceDelay | None = None
    # Of those that depend on the distance, from `first` on.
    reach: int = 0

    @property
    def varied(self) -> bool:
        """Whether they differ from synapse to synapse."""
        return self.listed is not None or self.distance is not None or len(self.chances) > 1

    @property
    def ends(self) -> tuple[int, int]:
        """The shortest and the longest."""
        if self.listed is not None:
            return (int(self.listed.min()), int(self.listed.max())) if self.listed.size else (self.first, self.first)
        return self.first, self.first + (self.reach if self.distance is not None else len(self.chances) - 1)

    def occurring(self) -> NDArray[np.int64]:
        """All that may occur."""
        if self.listed is not None:
            return np.unique(self.listed).astype(np.int64)
        if self.distance is not None:
            return np.arange(self.first, self.first + self.reach + 1)
        return self.first + np.flatnonzero(self.chances)

    def later(self, steps: int) -> Delays:
        """All of them by so many steps."""
        listed = None if self.listed is None else self.listed + steps
        return dataclasses.replace(self, first=self.first + steps, listed=listed)


def delays_of(
    projection: Projection, value: float | NDArray[np.float64] | Distribution | DistanceDelay, dt: float
) -> Delays:
    """In steps. Warns: RoundedDelayWarning."""
    if isinstance(value, Distribution):
        first, chances = value.steps(dt)
        return Delays(first, chances)
    if isinstance(value, DistanceDelay):
        first = value.shortest(dt)
        return Delays(first, distance=value, reach=value.longest(projection) - first)
    numbers = np.asarray(value)
    steps = np.rint(numbers / dt)
    off = np.abs(numbers / dt - steps)
    if (off > 1e-6).any():
        given, taken = (float(v.flat[int(off.argmax())]) for v in (numbers, steps * dt))
        name = projection.name
        message = f"delay of {name}: {given:g} ms is no multiple of dt = {dt:g} ms, taken as {taken:g} ms"
        warnings.warn(message, RoundedDelayWarning, stacklevel=5)
    # Those too long for a whole number are refused later.
    whole = np.clip(steps, -1e15, 1e15).astype(np.int64)
    return Delays(int(whole)) if whole.ndim == 0 else Delays(0, listed=whole.ravel())


def added(name: str, a: Delays, b: Delays) -> Delays:
    """The sum of two independent delays. Raises: ParameterError."""
    if not b.varied:
        return a.later(b.first)
    if not a.varied:
        return b.later(a.first)
    if a.listed is not None and b.listed is not None:
        return Delays(0, listed=a.listed + b.listed)
    if a.listed is None and b.listed is None and a.distance is None and b.distance is None:
        return Delays(a.first + b.first, np.convolve(a.chances, b.chances))
    expected = "delay and axonal_delay both distributions, both arrays, or one of them a number"
    raise ParameterError(f"delay of {name}", expected=expected, got="one of each")


def verified(name: str, delays: Delays, least: int, dt: float) -> None:
    """Raise where delays are too short, or so long that it must be a mistake."""
    first, last = delays.ends
    label = f"delay of {name}"
    if first < least:
        expected = f"at least {least * dt:g} ms"
        expected += " (what arrives jumps the potential at the end of a step)" if least else ""
        do = f"bound it, for example low={max(least, 1) * dt:g}" if delays.varied and delays.listed is None else ""
        raise ParameterError(label, expected=expected, got=f"{first * dt:g} ms", do=do)
    if last > LONGEST:
        raise ParameterError(label, expected=f"at most {LONGEST * dt:g} ms", got=f"{last * dt:g} ms")
