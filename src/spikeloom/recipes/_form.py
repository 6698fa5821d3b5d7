"""A form of a recipe: quick, full or smoke."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import ParameterError
from ._bar import Bar


class Form:
    """One way to run a recipe: the bars, the seeds, and the settings that differ from the recipe's own.

    The figure of the first bar is the one that is compared with chance and control. `few_seeds` says why there are
    fewer than three.
    Raises: ParameterError.

    >>> Form(Bar("accuracy", at_least=0.9, why="..."), settings={"epochs": 2}).seeds
    (0, 1, 2)
    """

    def __init__(
        self,
        *bars: Bar,
        seeds: Iterable[int] = (0, 1, 2),
        settings: Mapping[str, Any] | None = None,
        few_seeds: str = "",
    ) -> None:
        self.bars, self.seeds = bars, check_seeds("seeds of a form", seeds)
        self.settings, self.few_seeds = dict(settings or {}), few_seeds
        if not bars:
            raise ParameterError("bars of a form", expected="one or more", got="none")

    def bars_but(self, missed: Mapping[str, str]) -> tuple[Bar, ...]:
        """These bars for another form, where others are missed: by figure, why, or nothing where it is reached."""
        if unknown := set(missed) - {bar.figure for bar in self.bars}:
            raise ParameterError("bars of a form", expected="figures that have a bar", got=sorted(unknown))
        return tuple(replace(bar, missed=missed.get(bar.figure, bar.missed)) for bar in self.bars)

    @property
    def headline(self) -> str:
        """The figure that is compared with chance and control."""
        return self.bars[0].figure

    def __repr__(self) -> str:
        return f"Form({', '.join(map(repr, self.bars))}, seeds={self.seeds}, settings={self.settings})"


def check_seeds(label: str, seeds: Iterable[int]) -> tuple[int, ...]:
    """Different whole numbers of 0 or more, at least one. Raises: ParameterError."""
    found = tuple(seeds)
    whole = all(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in found)
    if not found or not whole or len(set(found)) != len(found):
        raise ParameterError(label, expected="different whole numbers >= 0, one or more", got=found)
    return found
