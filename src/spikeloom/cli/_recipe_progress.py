"""What a recipe looks like while it runs: a bar for what it goes through, and a line for each seed that is done."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from spikeloom.recipes import Watch
from spikeloom.recipes._bar import shown


class RecipeProgress(Watch):
    """Hand it to `reproduce` as `watch` within `with RecipeProgress(console) as progress`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seed = ""
        self._task: TaskID | None = None
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def begin(self, seed: int, number: int, total: int) -> None:
        self._seed = f"seed {seed}" + (f", {number + 1} of {total}" if total > 1 else "")

    def advance(self, what: str, done: int, total: int | None) -> None:
        """Show how far it is; once it is there, nothing, so that other bars have the line to themselves."""
        if done == total:
            self._stop()
        elif self._bar is None or self._task is None:
            self._bar = self._made()
            self._task = self._bar.add_task(f"{self._seed}: {what}", total=total, completed=done)
            self._bar.start()
        else:
            self._bar.update(self._task, description=f"{self._seed}: {what}", completed=done, total=total)

    def end(self, seed: int, figures: dict[str, float], seconds: float) -> None:
        self._stop()
        told = ", ".join(f"{name} {shown(value)}" for name, value in figures.items())
        self._console.print(Text(f"{self._seed}: {told} ({seconds:.1f} s)"), soft_wrap=True)

    def _made(self) -> Progress:
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None
