"""What a figure must reach, why so much, and how a measured one is judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import ParameterError


@dataclass(frozen=True)
class Absent:
    """What a recipe has not, a level of chance or a control, and why it has none."""

    why: str


@dataclass(frozen=True)
class Bar:
    """What a figure must reach in the mean over seeds: one of `at_least`, `at_most` and `between`.

    `why` says where the bound comes from. `missed` explains a bar that is known to be missed; it is an error to explain
    one that is reached.
    Raises: ParameterError.

    >>> Bar("accuracy", at_least=0.9, why="the paper's on the same digits").shortfall(0.88) > 0
    True
    """

    figure: str
    at_least: float | None = None
    at_most: float | None = None
    between: tuple[float, float] | None = None
    unit: str = ""
    why: str = field(kw_only=True)
    missed: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        given = [bound for bound in (self.at_least, self.at_most, self.between) if bound is not None]
        if len(given) != 1:
            expected = "one of at_least, at_most and between"
            raise ParameterError(f"bar of {self.figure!r}", expected=expected, got=f"{len(given)} of them")
        low, high = self.range
        if not low <= high or not (math.isfinite(low) or math.isfinite(high)):
            raise ParameterError(f"bar of {self.figure!r}", expected="a finite bound", got=f"{low:g} to {high:g}")

    @property
    def range(self) -> tuple[float, float]:
        """From where to where the figure may lie."""
        if self.between is not None:
            return self.between
        low = -math.inf if self.at_least is None else self.at_least
        return low, math.inf if self.at_most is None else self.at_most

    def shortfall(self, value: float) -> float:
        """How far a value is from being good enough: 0 or less where it is. The smaller, the better; NaN is never."""
        low, high = self.range
        return math.inf if math.isnan(value) else max(low - value, value - high)

    def better(self, value: float, other: float) -> bool:
        """Whether a value is better than another; of a range, only if the other lies outside."""
        gap, rival = self.shortfall(value), self.shortfall(other)
        return gap < rival and (self.between is None or rival > 0)

    def described(self) -> str:
        """The bound in words."""
        unit = f" {self.unit}" if self.unit else ""
        if self.between is not None:
            return f"{shown(self.between[0])} to {shown(self.between[1])}{unit}"
        sign, bound = (">=", self.at_least) if self.at_least is not None else ("<=", self.at_most)
        assert bound is not None
        return f"{sign} {shown(bound)}{unit}"

    def to_json(self) -> dict[str, Any]:
        """As a dictionary that JSON can hold."""
        bounds = {"at_least": self.at_least, "at_most": self.at_most, "between": self.between}
        said = {"figure": self.figure, **{k: v for k, v in bounds.items() if v is not None}, "unit": self.unit}
        return {**said, "why": self.why, **({"missed": self.missed} if self.missed else {})}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Bar:
        """The bar that `to_json` wrote."""
        fields = ("figure", "at_least", "at_most", "between", "unit", "why", "missed")
        known = {name: found[name] for name in fields if name in found}
        if "between" in known:
            low, high = known["between"]
            known["between"] = (low, high)
        return cls(**known)


class Spread(NamedTuple):
    """A figure over seeds."""

    mean: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Of the values of all seeds; NaN if one is."""
        if any(math.isnan(value) for value in values):
            return cls(math.nan, math.nan, math.nan)
        # Equal values have exactly that mean.
        mean = values[0] if min(values) == max(values) else math.fsum(values) / len(values)
        return cls(mean, min(values), max(values))

    def __str__(self) -> str:
        if self.least == self.most or math.isnan(self.mean):
            return shown(self.mean)
        return f"{shown(self.mean)} ({shown(self.least)} to {shown(self.most)})"


@dataclass(frozen=True)
class Verdict:
    """A bar, what was measured, and whether that is enough."""

    bar: Bar
    measured: Spread

    @property
    def reached(self) -> bool:
        return self.bar.shortfall(self.measured.mean) <= 0

    def __str__(self) -> str:
        return "reached" if self.reached else "missed"


def shown(value: float) -> str:
    """A figure with four digits; whole numbers as they are."""
    return f"{value:,.0f}" if abs(value) < 1e15 and value == round(value) else f"{value:.4g}"
