"""The device: something outside the network that acts on neurons."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from ...errors import ParameterError, ShapeError
from .._seeds import DEVICE, subseed
from ..distributions import Distribution
from ..population import View
from ..projection import Amount, receptor_of

if TYPE_CHECKING:
    from .._engine import Engine, Part, Unit


@dataclass(frozen=True)
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
        cls, device: Device, name: str, view: View, weight: Amount, delay: Amount, receptor: str, number: int
    ) -> Self:
        """Checked. Raises: ParameterError, ShapeError."""
        population, network = view.population, view.network
        if isinstance(delay, Distribution) or np.ndim(delay) or not np.isfinite(delay):
            raise ParameterError(f"delay of {name}", expected="a number (ms)", got=repr(delay))
        steps = round(float(delay) / network.dt)  # type: ignore[arg-type]
        if steps < 0 or abs(float(delay) / network.dt - steps) > 1e-6:  # type: ignore[arg-type]
            expected = f"a multiple of dt = {network.dt:g} ms, at least 0"
            raise ParameterError(f"delay of {name}", expected=expected, got=delay)
        weights = (
            weight.sample(subseed(network.seed, DEVICE, number), 9, len(view))
            if isinstance(weight, Distribution)
            else np.atleast_1d(np.asarray(weight, dtype=np.float64))
        )
        if weights.shape not in ((1,), (len(view),)):
            raise ShapeError(f"weight of {name}", expected=f"a number or [{len(view)}]", got=list(weights.shape))
        if not np.isfinite(weights).all():
            raise ParameterError(f"weight of {name}", expected="finite numbers", got=weights[~np.isfinite(weights)][0])
        chosen = receptor_of(name, view, receptor)
        late = chosen in population.late_inputs
        return cls(name, view, chosen, weights, steps + (0 if late else 1), number)

    def seed(self, run: int) -> int:
        """Seed of the random numbers of one of the independent runs."""
        return subseed(self.view.network.seed, DEVICE, self.number, run)


class Device(ABC):
    """Abstract: `Network.connect(device, view, weight=..., delay=...)` makes it act on each neuron by itself."""

    # Whether what it adds is a current, which needs no weight and no delay.
    current: bool = False

    @abstractmethod
    def units(self, engine: Engine, part: Part, target: Target, run: int) -> list[Unit]:
        """The kernels that add to the input of the target's neurons in the part, in every step, before they advance."""

    def verify(self, target: Target) -> None:  # noqa: B027
        """Raise where it does not fit the target."""
