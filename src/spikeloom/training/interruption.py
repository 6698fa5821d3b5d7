"""Ctrl-C as a polite request: the running batch is finished, a checkpoint is written, then the run stops."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self


class TrainingInterrupted(KeyboardInterrupt):
    """A run stopped on request; its checkpoint in `folder` is complete."""

    def __init__(self, folder: Path, signal_number: int) -> None:
        super().__init__(f"training stopped; its checkpoint is in {folder}")
        self.folder = folder
        self.signal_number = signal_number


class Interruption:
    """Within `with Interruption() as stop`, SIGINT and SIGTERM set `stop.requested`; a second one stops at once.

    Outside the main thread Python delivers no signals, and this does nothing.
    """

    def __init__(self) -> None:
        self.requested: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._restore()

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self.requested is not None:
            raise KeyboardInterrupt
        self.requested = number

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
