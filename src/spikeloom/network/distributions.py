"""Distributions that weights, delays, parameters and initial values are drawn from."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, fields
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from .. import random
from ..errors import ParameterError

Values = NDArray[np.float64]
# The least chance of a draw within the bounds; that all attempts fail has one below 1e-43 then.
_INSIDE = 1e-3
_ATTEMPTS = 100_000
# Different delays, beyond which they are surely a mistake in units.
_MOST_STEPS = 60_000


@dataclass(frozen=True)
class Distribution(ABC):
    """Abstract: values below `low` or above `high` are drawn again.

    Raises: ParameterError for NaN, or bounds that leave nothing.
    """

    # What kernels call it, and whether they transform a normal draw or a uniform one.
    kind: ClassVar[str]

    _: KW_ONLY
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        label = type(self).__name__
        for item in fields(self):
            value = getattr(self, item.name)
            real = isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
            if not real or math.isnan(value) or (math.isinf(value) and item.name not in ("low", "high")):
                raise ParameterError(f"{label}.{item.name}", expected="a finite number", got=repr(value))
        self._verify()
        if not self.low < self.high:
            raise ParameterError(label, expected="low < high", got=f"low = {self.low:g}, high = {self.high:g}")
        inside = self.cdf(self.high) - self.cdf(self.low)
        if not inside >= _INSIDE:
            got = f"a chance of {inside:.1e} between {self.low:g} and {self.high:g}"
            raise ParameterError(label, expected=f"bounds with a chance of {_INSIDE:g} at least", got=got)

    def _verify(self) -> None:  # noqa: B027
        """Raise where the numbers of a distribution do not make one."""

    def _refuse(self, name: str, good: bool, expected: str) -> None:
        if not good:
            raise ParameterError(f"{type(self).__name__}.{name}", expected=expected, got=getattr(self, name))

    @abstractmethod
    def cdf(self, x: float) -> float:
        """Probability of a value up to x, before redrawing."""

    @abstractmethod
    def transformed(self, u: Values, z: Values) -> Values:
        """Values from uniform draws in (0, 1) or standard normal ones."""

    @abstractmethod
    def numbers(self) -> tuple[float, float]:
        """Two numbers for the kernel."""

    def sample(self, seed: int, purpose: int, count: int) -> Values:
        """The values of entities 0 ... count - 1; the same whatever else is drawn."""
        found = np.empty(count)
        left = np.arange(count)
        for attempt in range(_ATTEMPTS):
            if not len(left):
                return found
            entities = torch.as_tensor(left)
            x, _ = random.bits(seed, purpose, entities, attempt)
            u = (x.double().numpy() + 0.5) * 2.0**-32
            z = random.normal(seed, purpose, entities, attempt).numpy()
            drawn = self.transformed(u, z)
            found[left] = drawn
            left = left[~((drawn >= self.low) & (drawn <= self.high))]
        raise ParameterError(type(self).__name__, expected="a draw within the bounds", got=f"none in {_ATTEMPTS}")

    def steps(self, dt: float) -> tuple[int, Values]:
        """Rounded to multiples of dt: the smallest, and the probability of each from there on."""
        inside = self.cdf(self.high) - self.cdf(self.low)
        first = math.floor(self._reach(-1) / dt + 0.5)
        last = math.floor(self._reach(1) / dt + 0.5)
        if last - first > _MOST_STEPS:
            got = f"{(last - first) * dt:g} ms between the shortest and the longest"
            raise ParameterError(f"delay {self!r}", expected=f"at most {_MOST_STEPS * dt:g} ms", got=got)
        edges = np.clip((np.arange(first, last + 2) - 0.5) * dt, self.low, self.high)
        total = np.array([self.cdf(float(edge)) for edge in edges])
        total[0], total[-1] = self.cdf(self.low), self.cdf(self.high)
        chances = np.diff(total) / inside
        used = np.flatnonzero(chances > 0)
        return first + int(used[0]), chances[used[0] : used[-1] + 1]

    def _reach(self, sign: int) -> float:
        """How far out values go, but for one in 2^33."""
        bound = self.low if sign < 0 else self.high
        if math.isfinite(bound):
            return bound
        tail = 2.0**-33
        inner, outer = 0.0, float(sign)

        def beyond(x: float) -> bool:
            return self.cdf(x) > tail if sign < 0 else self.cdf(x) < 1 - tail

        while beyond(outer):
            inner, outer = outer, outer * 2
        for _ in range(60):
            middle = (inner + outer) / 2
            inner, outer = (middle, outer) if beyond(middle) else (inner, middle)
        return outer


def _phi(x: float) -> float:
    """Cumulative distribution of the standard normal."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal with mean and standard deviation.

    >>> Normal(1.5, 0.75, low=0.05).sample(seed=1, purpose=0, count=3).round(3)
    array([0.968, 2.285, 3.183])
    """

    mean: float
    sd: float
    kind = "normal"

    def _verify(self) -> None:
        self._refuse("sd", self.sd > 0, "a standard deviation > 0")

    def cdf(self, x: float) -> float:
        return _phi((x - self.mean) / self.sd)

    def transformed(self, u: Values, z: Values) -> Values:
        return self.mean + self.sd * z

    def numbers(self) -> tuple[float, float]:
        return self.mean, self.sd


@dataclass(frozen=True)
class Uniform(Distribution):
    """Uniform between two values.

    >>> Uniform(-60.0, -50.0).sample(seed=1, purpose=0, count=3).round(2)
    array([-52.96, -59.42, -59.9 ])
    """

    start: float
    stop: float
    kind = "uniform"

    def _verify(self) -> None:
        self._refuse("stop", self.stop > self.start, f"a number > start = {self.start:g}")

    def cdf(self, x: float) -> float:
        return min(max((x - self.start) / (self.stop - self.start), 0.0), 1.0)

    def transformed(self, u: Values, z: Values) -> Values:
        return self.start + (self.stop - self.start) * u

    def numbers(self) -> tuple[float, float]:
        return self.start, self.stop


@dataclass(frozen=True)
class LogNormal(Distribution):
    """exp of a normal with mean mu and standard deviation sigma."""

    mu: float
    sigma: float
    kind = "lognormal"

    def _verify(self) -> None:
        self._refuse("sigma", self.sigma > 0, "a standard deviation > 0")

    def cdf(self, x: float) -> float:
        return _phi((math.log(x) - self.mu) / self.sigma) if 0 < x < math.inf else float(x > 0)

    def transformed(self, u: Values, z: Values) -> Values:
        return np.asarray(np.exp(self.mu + self.sigma * z))

    def numbers(self) -> tuple[float, float]:
        return self.mu, self.sigma


@dataclass(frozen=True)
class Exponential(Distribution):
    """Exponential with the given mean."""

    mean: float
    kind = "exponential"

    def _verify(self) -> None:
        self._refuse("mean", self.mean > 0, "a mean > 0")

    def cdf(self, x: float) -> float:
        return -math.expm1(-x / self.mean) if x > 0 else 0.0

    def transformed(self, u: Values, z: Values) -> Values:
        return -self.mean * np.log(u)

    def numbers(self) -> tuple[float, float]:
        return self.mean, 0.0
