"""What spikes without being a neuron; the base of all of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from ._engine import Engine
    from ._parts import Part, Unit
    from .population import Population


class Source(ABC):
    """Abstract: spikes that come from outside; `Network.population(n, source)` makes n channels of it.

    A spike of the step from t - dt to t has the time t. A channel has at most one in a step.
    """

    def states(self, population: Population) -> dict[str, NDArray[Any]]:
        """What it carries from step to step, as states of the population, [batch, n]; raises where it does not fit."""
        return {}

    def check(self, population: Population) -> None:  # noqa: B027
        """Called before steps are run; raises where states were set to what cannot be."""

    @abstractmethod
    def channels(self, engine: Engine, part: Part, population: Population, run: int) -> list[Unit]:
        """The kernels that set `population.fired[run]` between the bounds of the part in every step."""
