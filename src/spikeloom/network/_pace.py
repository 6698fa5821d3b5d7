"""How many steps are run in one go, and on how many threads: by measurement."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Milliseconds of computing between two returns to Python: for progress, Ctrl-C, recorders.
_SLICE = 100.0
# The same while threads are compared.
_TRIAL = 20.0
# Trials of each number of threads, and slices after which they are compared again.
_TRIALS, _AGAIN = 3, 100


class Pace:
    """Chooses the next slice from the time that earlier ones took; results do not depend on it."""

    def __init__(self, candidates: list[int]) -> None:
        self.candidates = candidates
        # Milliseconds per step of the slices run on each number of threads, since they were last compared.
        self._took: dict[int, list[float]] = {threads: [] for threads in candidates}
        self._slices = 0
        self.threads = candidates[0]

    @property
    def comparing(self) -> bool:
        """Whether numbers of threads are being compared."""
        return len(self.candidates) > 1 and any(len(took) <= _TRIALS for took in self._took.values())

    def next(self) -> tuple[int, int]:
        """Steps and threads of the next slice."""
        if self.comparing:
            self.threads = min(self.candidates, key=lambda threads: len(self._took[threads]))
        took = self._took[self.threads] or [t for times in self._took.values() for t in times]
        if not took:
            return 20, self.threads
        goal = _TRIAL if self.comparing else _SLICE
        return max(1, min(int(goal / max(took[-1], 1e-6)), 1 << 20)), self.threads

    def ran(self, steps: int, milliseconds: float) -> None:
        """A slice of `steps` steps took so long."""
        if not steps:
            return
        comparing = self.comparing
        self._took[self.threads].append(milliseconds / steps)
        self._slices += 1
        if comparing and not self.comparing:
            # The first of each is left out: it may have compiled, or woken threads.
            self.threads = min(self.candidates, key=lambda threads: min(self._took[threads][1:]))
            self._slices = 0
        elif self._slices >= _AGAIN:
            self._took = {threads: [] for threads in self.candidates}
            self._slices = 0


@contextmanager
def interruptible() -> Iterator[list[Any]]:
    """Ctrl-C while a slice runs is noted in the list and waits for its end; elsewhere than the main thread, nothing."""
    noted: list[Any] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    former = signal.signal(signal.SIGINT, lambda *what: noted.append(what))
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, former)
