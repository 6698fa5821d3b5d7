"""What looks on while a network runs: a bar, or your own."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from ..errors import ParameterError

# Seconds of a run before a bar appears, and between two pictures of it.
_PATIENCE, _REFRESH = 2.0, 0.1


class Progress(ABC):
    """Abstract: looks on while a network runs; `Network.run(..., progress=it)` calls it some ten times a second."""

    @abstractmethod
    def begin(self, start: float, stop: float) -> None:
        """A run from one time to another begins (ms)."""

    @abstractmethod
    def reached(self, now: float) -> None:
        """The network has been advanced to this time (ms)."""

    @abstractmethod
    def end(self) -> None:
        """The run is over, finished or not."""


class Bar(Progress):
    """A bar on standard error with the time simulated, the speed and the time left; gone when the run is over.

    Appears after `patience` seconds, and by default only where a terminal or a notebook looks on.
    """

    def __init__(self, *, patience: float = _PATIENCE, always: bool = False, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stderr, highlight=False)
        self._wanted = always or self._console.is_terminal or self._console.is_jupyter
        self._patience = patience
        self._bar: RichProgress | None = None
        self._task = TaskID(0)
        self._start = self._stop = self._began = self._drawn = 0.0

    def begin(self, start: float, stop: float) -> None:
        self._start, self._stop, self._began = start, stop, time.perf_counter()

    def reached(self, now: float) -> None:
        clock = time.perf_counter()
        took = clock - self._began
        if not self._wanted or took < self._patience or (self._bar is not None and clock - self._drawn < _REFRESH):
            return
        self._drawn = clock
        done = now - self._start
        told: dict[str, Any] = {"completed": done, "speed": done / max(took, 1e-9) * 1e-3, "now": now}
        if self._bar is None:
            self._bar = self._made()
            self._bar.start()
            self._task = self._bar.add_task("", total=self._stop - self._start, goal=self._stop, **told)
        self._bar.update(self._task, refresh=True, **told)

    def _made(self) -> RichProgress:
        # A thread that refreshes it would take turns with those that simulate.
        return RichProgress(
            TextColumn("{task.fields[now]:,.0f} of {task.fields[goal]:,.0f} ms"),
            BarColumn(),
            TextColumn("{task.fields[speed]:.3g} x real time"),
            TimeRemainingColumn(),
            console=self._console,
            # Elsewhere nothing can be taken back: the last picture is all that is printed.
            transient=self._console.is_terminal,
            auto_refresh=False,
        )

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


@contextmanager
def looking_on(wanted: bool | Progress | None, start: float, stop: float) -> Iterator[Callable[[float], None]]:
    """What to call with each time that is reached. None is a bar where a run takes long and a terminal looks on.

    Raises: ParameterError.
    """
    if wanted is not None and not isinstance(wanted, bool | Progress):
        expected = "True, False, None or a Progress"
        raise ParameterError("progress of run", expected=expected, got=repr(wanted))
    if wanted is False:
        yield lambda _: None
        return
    looker = wanted if isinstance(wanted, Progress) else Bar(patience=0.0, always=True) if wanted else Bar()
    looker.begin(start, stop)
    try:
        yield looker.reached
    finally:
        looker.end()
