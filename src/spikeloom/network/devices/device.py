"""The device: something outside the network that acts on neurons."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ...errors import ParameterError, ShapeError
from .._seeds import DEVICE, subseed
from ..distributions import Distribution
from ..population import Population, View
from ..projection import Amount, receptor_of
from ._checks import number, on_grid, real_numbers
from ._current_inputs import current_receptor

if TYPE_CHECKING:
    from .._engine import Engine
    from .._parts import Part, Unit

# Neurons between two of a target, from which on the two are worked on apart.
_GAP = 256


class Span(NamedTuple):
    """Neurons `low` ... `high` - 1 of a population, of which some are targets."""

    low: int
    high: int
    # Where the targets stand in the span, and in the view.
    places: NDArray[np.int64]
    positions: NDArray[np.int64]

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Along the last axis, [1] or one per neuron of the view, as one per neuron of the span: others have 0."""
        wide = np.zeros((*values.shape[:-1], self.high - self.low))
        wide[..., self.places] = values if values.shape[-1] == 1 else values[..., self.positions]
        return wide

    @property
    def full(self) -> bool:
        """Whether all its neurons are targets."""
        return len(self.places) == self.high - self.low


@dataclass(frozen=True, eq=False)
class Target:
    """What a device acts on: neurons, one of their inputs, with a weight, from a step on."""

    name: str
    view: View
    receptor: str
    # One number, [1], or one per neuron of the view.
    weight: NDArray[np.float64]
    # What a device does in a step arrives so many steps later, counted as those of projections are.
    delay: int
    # Distinguishes it from all other targets of devices in the network.
    number: int

    @classmethod
    def of(
        cls, device: Device, name: str, view: View, weight: Amount, delay: Amount | None, receptor: str, number: int
    ) -> Self:
        """Checked. Raises: ParameterError, ShapeError, DTypeError, UnknownNameError."""
        population, network = view.population, view.network
        if len(np.unique(view.indices)) < len(view):
            raise ParameterError(f"post of {name}", expected="each neuron once", got=repr(view))
        if isinstance(weight, Distribution):
            weights = weight.sample(subseed(network.seed, DEVICE, number), 9, len(view))
        else:
            weights = np.atleast_1d(real_numbers(f"weight of {name}", weight))
        if weights.shape not in ((1,), (len(view),)):
            raise ShapeError(f"weight of {name}", expected=f"a number or [{len(view)}]", got=list(weights.shape))
        if device.current:
            chosen, late = current_receptor(name, population, receptor), True
        else:
            chosen = receptor_of(name, view, receptor)
            late = chosen in population.late_inputs
        if delay is None:
            delay = 0.0 if device.current else network.dt
        return cls(name, view, chosen, weights, _steps(name, delay, network.dt) + (0 if late else 1), number)

    def seed(self, run: int) -> int:
        """Seed of the random numbers of one of the independent runs."""
        return subseed(self.view.network.seed, DEVICE, self.number, run)

    @property
    def population(self) -> Population:
        """That of the neurons."""
        return self.view.population

    def spans(self, part: Part) -> list[Span]:
        """The target's neurons of a part, where they lie close together."""
        low, high = part.bounds[self.population.number]
        order = np.argsort(self.view.indices, kind="stable")
        chosen = self.view.indices[order]
        first, last = np.searchsorted(chosen, [low, high])
        order, chosen = order[first:last], chosen[first:last]
        cuts = np.flatnonzero(np.diff(chosen) > _GAP) + 1
        pieces = zip(np.split(chosen, cuts), np.split(order, cuts), strict=True)
        return [Span(int(c[0]), int(c[-1]) + 1, c - c[0], o) for c, o in pieces if len(c)]


def _steps(name: str, delay: object, dt: float) -> int:
    label = f"delay of {name}"
    return int(on_grid(label, np.array([number(label, delay, "one number >= 0 (ms)", 0.0)]), dt)[0])


class Device(ABC):
    """Abstract: `Network.connect(device, view, weight=..., delay=...)` makes it act on each neuron by itself."""

    # Whether what it adds is a current, which acts from the step on in which it is, if no delay is given.
    current: bool = False
    # Most steps after which all parts must have met, if it looks across them.
    longest_interval: int = 1 << 30

    @abstractmethod
    def units(self, engine: Engine, part: Part, target: Target, run: int) -> list[Unit]:
        """The kernels that add to the input of the target's neurons in the part, in every step, before they advance."""

    def late_units(self, engine: Engine, part: Part, target: Target, run: int) -> list[Unit]:
        """Kernels that are called after all neurons of the part have advanced."""
        return []

    def begin(self, target: Target, step: int) -> None:  # noqa: B027
        """Called before steps are run, from `step` on."""

    def verify(self, target: Target) -> None:  # noqa: B027
        """Raise where it does not fit the target."""
