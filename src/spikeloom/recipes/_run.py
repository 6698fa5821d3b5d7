"""What surrounds the measurement of one seed: random numbers, progress, notes and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch

T = TypeVar("T")


class Watch:
    """Looks on while a recipe runs; this one does nothing, yours may override."""

    def begin(self, seed: int, number: int, total: int) -> None:
        """A seed begins, the `number`-th from 0 of `total`."""

    def advance(self, what: str, done: int, total: int | None) -> None:
        """Of something that takes long, so many parts are done."""

    def end(self, seed: int, figures: dict[str, float], seconds: float) -> None:
        """A seed is done."""


class Run:
    """One seed of a recipe. PyTorch's global generator is seeded, too, and put back afterwards."""

    def __init__(self, seed: int, *, watch: Watch | None = None) -> None:
        self.seed = seed
        self.notes: list[str] = []
        self.pictures: dict[str, Callable[[], Any]] = {}
        self._watch = watch or Watch()

    @cached_property
    def random(self) -> np.random.Generator:
        """NumPy's generator of this seed."""
        return np.random.default_rng(self.seed)

    @cached_property
    def generator(self) -> torch.Generator:
        """PyTorch's generator of this seed."""
        return torch.Generator().manual_seed(self.seed)

    def track(self, parts: Iterable[T], what: str) -> Iterator[T]:
        """Go through parts of work, with a bar where someone looks on.

        Within, give `progress=False` to `Network.run`, which would draw a bar of its own.
        """
        total = len(parts) if isinstance(parts, Sized) else None
        self._watch.advance(what, 0, total)
        for done, part in enumerate(parts, start=1):
            yield part
            self._watch.advance(what, done, total)

    def note(self, text: str) -> None:
        """Something that a reader of the figures should know."""
        self.notes.append(text)

    def draw(
        self, name: str, function: Callable[[Any], object], *, width: float = 6.0, height: float = 3.5, panels: int = 1
    ) -> None:
        """A picture, drawn on matplotlib's axes by `function(axes)` if it is wanted; of several panels, a list of axes.

        The name is its title and that of its file.
        """

        def figure() -> Any:
            from ..report._figure import new_figure, tidy

            made = new_figure(width, height)
            axes = [made.add_subplot(1, panels, column + 1) for column in range(panels)]
            function(axes[0] if panels == 1 else axes)
            for each in axes:
                title = each.get_title() or (name if panels == 1 else "")
                each.set_title("")
                tidy(each, title=title, xlabel=each.get_xlabel(), ylabel=each.get_ylabel())
            return made

        self.pictures[name] = figure
