"""Recorders: what is kept of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._engine import Engine, Part, Unit
    from .population import View


class Recorder(ABC):
    """Abstract: keeps something of every step, from kernels that are called after the neurons have advanced."""

    view: View

    def units(self, engine: Engine, part: Part, run: int) -> list[Unit]:
        """The kernels; none by default."""
        return []

    @abstractmethod
    def begin(self, first: int, steps: int) -> int:
        """Before up to `steps` steps are run in one go: make room; return for how many there is."""

    @abstractmethod
    def end(self, first: int, steps: int) -> None:
        """After `steps` steps were run: take what kernels have written."""
