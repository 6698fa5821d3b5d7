"""Spikes with gamma-distributed intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...compile import Table, native
from ...errors import ParameterError, ShapeError
from .._parts import Unit
from .._seeds import POPULATION, subseed
from ..sources import Source
from ._checks import active_steps, real_numbers, verify_span
from ._source_kernels import GAMMA, spike_after_gamma
from .poisson import verify_chance
from .waveforms import Numbers, Waveform, channels_of, waveform

if TYPE_CHECKING:
    from .._engine import Engine
    from .._parts import Part
    from ..population import Population


@dataclass(frozen=True, eq=False)
class Gamma(Source):
    """Renewal spike trains with gamma-distributed intervals: mean 1 / rate, coefficient of variation 1 / sqrt(shape).

    Shape 1 is Poisson, above 1 more regular, below 1 in bursts. Trains begin in equilibrium, so that their rate is the
    same from the beginning. With a waveform the intervals are those of the expected number of spikes. A spike that
    falls into the same step as the one before it comes in the next step.

    Units: rate in spikes/s, times in ms. Numbers, or [n] with one for each channel. The states `left`, expected spikes
    until the next one, and `drawn`, intervals so far, are those of the population.
    Raises: ParameterError, also for rate dt > 1; ShapeError, DTypeError.
    Source: Cox 1962, "Renewal theory", sections 2.2 and 5.1; intervals are drawn after Marsaglia and Tsang 2000, ACM
    Trans. Math. Softw. 26.

    >>> import spikeloom as sl
    >>> net = sl.network.Network(dt=0.1, seed=1)
    >>> trains = net.population(100, sl.network.devices.Gamma(rate=20.0, shape=4.0))
    """

    rate: Waveform | Numbers
    shape: Numbers
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        shape = np.atleast_1d(real_numbers("Gamma.shape", self.shape))
        if self.wave.extremes()[0] < 0:
            raise ParameterError("Gamma.rate", expected="rates >= 0 (spikes/s)", got=self.wave.extremes()[0])
        if shape.ndim > 1 or not shape.size:
            raise ShapeError("Gamma.shape", expected="a number or [n]", got=list(shape.shape))
        if (shape < 0.05).any() or (shape > 1e6).any():
            raise ParameterError("Gamma.shape", expected="shapes between 0.05 and 1e6", got=self.shape)
        verify_span("Gamma", self.start, self.stop)
        object.__setattr__(self, "shape", shape)

    @cached_property
    def wave(self) -> Waveform:
        """The rate."""
        return waveform("Gamma.rate", self.rate)

    def states(self, population: Population) -> dict[str, NDArray[Any]]:
        verify_chance(self.wave, population)
        if (size := len(self.shape)) not in (1, population.size):  # type: ignore[arg-type]
            expected = f"one for all, or one for each of {population.size}"
            raise ShapeError(f"shape of {population.name}", expected=expected, got=size)
        active_steps(population.name, self.start, self.stop, population.owner.dt)
        sizes = (population.owner.batch, population.size)
        return {"left": np.zeros(sizes), "drawn": np.zeros(sizes, dtype=np.int64)}

    def channels(self, engine: Engine, part: Part, population: Population, run: int) -> list[Unit]:
        """One kernel, and what follows the waveform."""
        low, high = part.bounds[population.number]
        dt = engine.network.dt
        values, followers = self.wave.follow(dt, 0, lambda rates: channels_of(rates, low, high), dt * 1e-3)
        shapes = np.ascontiguousarray(channels_of(np.asarray(self.shape), low, high))
        start, stop = active_steps(population.name, self.start, self.stop, dt)
        table = Table.of(
            GAMMA, fired=population.fired[run], expected=values, start=start, stop=stop, shapes=shapes,
            seed=subseed(engine.network.seed, POPULATION, population.number, run),
            left=population.states["left"][run], drawn=population.states["drawn"][run],
        )  # fmt: skip
        return [*followers, Unit(native(spike_after_gamma, "float64"), table, low, high)]
