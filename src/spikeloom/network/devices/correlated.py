"""Spike trains that share spikes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ...compile import Table, native
from ...errors import ParameterError, ShapeError
from .._parts import Unit
from .._seeds import POPULATION, subseed
from ..sources import Source
from ._checks import active_steps, number, verify_span
from ._source_kernels import COMMON, spike_in_common
from .waveforms import Waveform, waveform

if TYPE_CHECKING:
    from .._engine import Engine
    from .._parts import Part
    from ..population import Population


@dataclass(frozen=True, eq=False)
class Correlated(Source):
    """Multiple interaction process: each channel copies the events of one Poisson process of rate / correlation, each
    event with probability `correlation`.

    Each train is Poisson of the rate, and the counts of any two have that correlation coefficient: exactly
    c (1 - m) / (1 - c m) in one step, with m = rate dt / c the probability of an event.

    Units: rate in spikes/s, one for all, or a waveform; times in ms.
    Raises: ParameterError, also where rate dt > correlation; ShapeError, DTypeError.
    Source: Kuhn, Aertsen and Rotter 2003, Neural Comput. 15, section 2.2 (in continuous time).

    >>> import spikeloom as sl
    >>> net = sl.network.Network(dt=0.1, seed=1)
    >>> trains = net.population(100, sl.network.devices.Correlated(rate=20.0, correlation=0.1))
    """

    rate: Waveform | float
    correlation: float
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        if self.wave.size > 1:
            raise ShapeError("Correlated.rate", expected="one rate for all channels", got=f"{self.wave.size} rates")
        if self.wave.extremes()[0] < 0:
            raise ParameterError("Correlated.rate", expected="a rate >= 0 (spikes/s)", got=self.wave.extremes()[0])
        expected = "a number above 0 and at most 1"
        if number("Correlated.correlation", self.correlation, expected, 0.0, above=True) > 1:
            raise ParameterError("Correlated.correlation", expected=expected, got=self.correlation)
        verify_span("Correlated", self.start, self.stop)

    @cached_property
    def wave(self) -> Waveform:
        """The rate."""
        return waveform("Correlated.rate", self.rate)

    def states(self, population: Population) -> dict[str, NDArray[Any]]:
        """None; checks the rate."""
        label, dt = f"rate of {population.name}", population.owner.dt
        self.wave.verify(label, population.size, dt)
        if self.wave.extremes()[1] * dt * 1e-3 > self.correlation:
            expected = f"at most correlation / dt = {self.correlation / dt * 1e3:g} spikes/s"
            raise ParameterError(label, expected=expected, got=self.wave.extremes()[1])
        active_steps(population.name, self.start, self.stop, dt)
        return {}

    def channels(self, engine: Engine, part: Part, population: Population, run: int) -> list[Unit]:
        """One kernel, and what follows the waveform."""
        low, high = part.bounds[population.number]
        dt, c = engine.network.dt, self.correlation
        values, followers = self.wave.follow(dt, 0, lambda rates: rates, dt * 1e-3 / c)
        seed = subseed(engine.network.seed, POPULATION, population.number, run)
        start, stop = active_steps(population.name, self.start, self.stop, dt)
        table = Table.of(
            COMMON, fired=population.fired[run], events=values, start=start, stop=stop, seed=seed,
            copies=round(c * 2.0**32),
        )  # fmt: skip
        return [*followers, Unit(native(spike_in_common), table, low, high)]
