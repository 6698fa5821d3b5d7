"""What spikes without being a neuron; the base of all of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._engine import Engine, Part, Unit
    from .population import Population


class Source(ABC):
    """Abstract: spikes that come from outside; `Network.population(n, source)` makes n channels of it."""

    @abstractmethod
    def units(self, engine: Engine, part: Part, population: Population, run: int) -> list[Unit]:
        """The kernels that set `population.fired[run]` between the bounds of the part in every step."""
