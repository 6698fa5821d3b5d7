"""Spikes at equal intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...compile import Table, native
from ...errors import ParameterError, ShapeError
from .._parts import Unit
from ..sources import Source
from ._checks import active_steps, real_numbers, verify_span
from ._source_kernels import REGULAR, spike_regularly
from .waveforms import Numbers, channels_of

if TYPE_CHECKING:
    from .._engine import Engine
    from .._parts import Part
    from ..population import Population


@dataclass(frozen=True, eq=False)
class Regular(Source):
    """Spikes at first + k interval; a time between two steps counts as the end of its step. `first` is one interval
    if not given. Both are numbers, or [n] with one for each channel.

    Units: ms. Raises: ParameterError, also for intervals below dt; ShapeError, DTypeError.

    >>> import spikeloom as sl
    >>> net = sl.network.Network(dt=0.1, seed=1)
    >>> clock = net.population(2, sl.network.devices.Regular(interval=10.0, first=[5.0, 10.0]))
    """

    interval: Numbers
    first: Numbers | None = None
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        first = self.interval if self.first is None else self.first
        for name, given, least in (("interval", self.interval, "> 0"), ("first", first, "> 0")):
            array = np.atleast_1d(real_numbers(f"Regular.{name}", given))
            if array.ndim > 1 or not array.size:
                raise ShapeError(f"Regular.{name}", expected="a number or [n]", got=list(array.shape))
            if (array <= 0).any():
                raise ParameterError(f"Regular.{name}", expected=f"times {least} (ms)", got=array[array <= 0][0])
            object.__setattr__(self, name, array)
        verify_span("Regular", self.start, self.stop)

    def states(self, population: Population) -> dict[str, NDArray[Any]]:
        """None; checks sizes and intervals."""
        dt = population.owner.dt
        for name in ("interval", "first"):
            if (size := len(getattr(self, name))) not in (1, population.size):
                expected = f"one for all, or one for each of {population.size}"
                raise ShapeError(f"{name} of {population.name}", expected=expected, got=size)
        if (shortest := float(np.min(self.interval))) < dt * (1 - 1e-9):
            expected = f"at least dt = {dt:g} ms"
            raise ParameterError(f"interval of {population.name}", expected=expected, got=shortest)
        active_steps(population.name, self.start, self.stop, dt)
        return {}

    def channels(self, engine: Engine, part: Part, population: Population, run: int) -> list[Unit]:
        """One kernel."""
        low, high = part.bounds[population.number]
        dt = engine.network.dt
        times = (np.asarray(given) / dt for given in (self.first, self.interval))
        first, interval = (np.ascontiguousarray(channels_of(steps, low, high)) for steps in times)
        start, stop = active_steps(population.name, self.start, self.stop, dt)
        table = Table.of(
            REGULAR, fired=population.fired[run], first=first, interval=interval, start=start, stop=stop
        )  # fmt: skip
        return [Unit(native(spike_regularly), table, low, high)]
