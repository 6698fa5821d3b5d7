"""Poisson spikes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...compile import Table, invoke, native
from ...errors import ParameterError
from .._parts import Unit
from .._seeds import POPULATION, subseed
from ..sources import Source
from ._checks import active_steps, real_numbers, verify_span
from ._poisson_kernels import EACH, INPUT, NUMBERS, ROOM, TABULATE, poisson_each, poisson_input, tabulate_poisson
from ._source_kernels import CHANCE, INTERVAL, spike_after_intervals, spike_by_chance
from .device import Device, Span, Target
from .waveforms import Constant, Numbers, Waveform, channels_of, waveform

if TYPE_CHECKING:
    from .._engine import Engine
    from .._parts import Part
    from ..population import Population

# Counts are numbers of 16 bits.
_MOST = 5e4


@dataclass(frozen=True, eq=False)
class Poisson(Device, Source):
    """Poisson spike trains, each independent: as input of neurons, or as a population whose channels spike.

    `connect(Poisson(rate), view, weight=w)` gives each neuron a train of its own, with any number of spikes in a step;
    `population(n, Poisson(rate))` makes n channels that are recorded and connected as neurons are, with at most one
    spike per step, of probability rate dt. The rate is one number, [n] with one for each neuron or channel, or a
    waveform. Rates of channels are read and set between runs as a state, `channels["rate"]`. Trains are on from `start`
    to `stop`: spikes have times t with start < t <= stop.

    Units: rate in spikes/s, times in ms. Raises: ParameterError, ShapeError, DTypeError; as a population for
    rate dt > 1.

    >>> import spikeloom as sl
    >>> net = sl.network.Network(dt=0.1, seed=1)
    >>> cells = net.population(10, sl.CurrentLIF())
    >>> _ = net.connect(sl.network.Poisson(8000.0), cells, weight=0.1, delay=1.5)
    >>> inputs = net.population(100, sl.network.Poisson(20.0))
    """

    rate: Waveform | Numbers
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        if self.wave.extremes()[0] < 0:
            raise ParameterError("Poisson.rate", expected="rates >= 0 (spikes/s)", got=self.wave.extremes()[0])
        verify_span("Poisson", self.start, self.stop)

    @cached_property
    def wave(self) -> Waveform:
        """The rate."""
        return waveform("Poisson.rate", self.rate)

    def verify(self, target: Target) -> None:
        dt = target.view.network.dt
        self.wave.verify(f"rate of {target.name}", len(target.view), dt)
        active_steps(target.name, self.start, self.stop, dt)
        if self.wave.extremes()[1] * dt * 1e-3 > _MOST:
            expected = f"at most {_MOST / dt * 1e3:g} spikes/s"
            raise ParameterError(f"rate of {target.name}", expected=expected, got=self.wave.extremes()[1])

    def units(self, engine: Engine, part: Part, target: Target, run: int) -> list[Unit]:
        """One kernel where all have one rate and otherwise another, and what follows the waveform."""
        if self.wave.extremes()[1] == 0:
            return []
        make = self._alike if self.wave.size == 1 else self._each
        return [unit for span in target.spans(part) for unit in make(engine, part, target, run, span)]

    def _common(self, engine: Engine, part: Part, target: Target, run: int) -> dict[str, int]:
        start, stop = active_steps(target.name, self.start, self.stop, engine.network.dt)
        inputs = part.input_address(target.population, target.receptor, run)
        return {"inputs": inputs, "delay": target.delay, "start": start, "stop": stop, "seed": target.seed(run)}

    def _alike(self, engine: Engine, part: Part, target: Target, run: int, span: Span) -> list[Unit]:
        dt = engine.network.dt
        values, followers = self.wave.follow(dt, target.delay, lambda rates: rates, dt * 1e-3)
        most = self.wave.extremes()[1] * dt * 1e-3
        # As many outcomes as `tabulate_poisson` looks at, and room to fill up the last limits.
        size = 2 * (int(12 * math.sqrt(most)) + 24) + 10
        numbers, limits = np.zeros(len(NUMBERS), dtype=np.int64), np.full(size, 65535, dtype=np.uint16)
        bounds, chances = np.zeros(size, dtype=np.int64), np.zeros(size)
        tabulate = Table.of(
            TABULATE, expected=values, former=np.full(1, np.nan), numbers=numbers, limits=limits, bounds=bounds,
            chances=chances,
        )  # fmt: skip
        several = len(target.weight) > 1 or not span.full
        weights = span.spread(target.weight) if several else target.weight
        table = Table.of(
            INPUT, weights=weights.astype(engine.dtype), weighted=several, numbers=numbers, limits=limits,
            bounds=bounds, room=np.empty(ROOM, dtype=np.int32), **self._common(engine, part, target, run),
        )  # fmt: skip
        tabulator = Unit(native(tabulate_poisson, "float64"), tabulate)
        invoke(*tabulator[:2])
        before = [*followers, tabulator] if followers else []
        return [*before, Unit(native(poisson_input, engine.dtype), table, span.low, span.high)]

    def _each(self, engine: Engine, part: Part, target: Target, run: int, span: Span) -> list[Unit]:
        dt = engine.network.dt
        values, followers = self.wave.follow(dt, target.delay, span.spread, dt * 1e-3)
        weights = span.spread(target.weight).astype(engine.dtype)
        table = Table.of(
            EACH, weights=weights, expected=values, draws=np.empty(len(values)),
            **self._common(engine, part, target, run),
        )  # fmt: skip
        return [*followers, Unit(native(poisson_each, engine.dtype), table, span.low, span.high)]

    def states(self, population: Population) -> dict[str, NDArray[Any]]:
        """The rates of the channels, if they are no waveform."""
        verify_chance(self.wave, population)
        active_steps(population.name, self.start, self.stop, population.owner.dt)
        if not isinstance(self.wave, Constant):
            return {}
        rates = np.tile(self.wave.value, (population.owner.batch, population.size // self.wave.size))
        # The step of each channel's next spike, and the rate that it was drawn for.
        return {"rate": rates, "due": np.full(rates.shape, -1, np.int32), "drawn": np.full(rates.shape, -1.0)}

    def check(self, population: Population) -> None:
        if "rate" in population.states:
            rates = real_numbers(f"rate of {population.name}", population.states["rate"])
            verify_rates(Constant(rates.ravel()), population)

    def channels(self, engine: Engine, part: Part, population: Population, run: int) -> list[Unit]:
        """One kernel, and what follows the waveform."""
        low, high = part.bounds[population.number]
        dt = engine.network.dt
        seed = subseed(engine.network.seed, POPULATION, population.number, run)
        start, stop = active_steps(population.name, self.start, self.stop, dt)
        common = {"fired": population.fired[run], "factor": np.array([dt * 1e-3]), "start": start, "stop": stop}
        if "rate" in population.states:
            due, drawn = population.states["due"][run], population.states["drawn"][run]
            rates = population.states["rate"][run, low:high]
            table = Table.of(INTERVAL, rates=rates, seed=seed, due=due, drawn=drawn, **common)
            return [Unit(native(spike_after_intervals, "float64"), table, low, high)]
        rates, followers = self.wave.follow(dt, 0, lambda values: channels_of(values, low, high))
        table = Table.of(CHANCE, rates=rates, seed=seed, **common)
        return [*followers, Unit(native(spike_by_chance, "float64"), table, low, high)]


def verify_chance(wave: Waveform, population: Population) -> None:
    """Raise where rates do not fit the channels, or are no probabilities of a spike in a step."""
    wave.verify(f"rate of {population.name}", population.size, population.owner.dt)
    verify_rates(wave, population)


def verify_rates(wave: Waveform, population: Population) -> None:
    """Raise for rates below 0, or above one spike per step."""
    label, dt = f"rate of {population.name}", population.owner.dt
    if wave.extremes()[0] < 0:
        raise ParameterError(label, expected="rates >= 0 (spikes/s)", got=wave.extremes()[0])
    if wave.extremes()[1] * dt * 1e-3 > 1:
        expected = f"at most one spike per step, {1e3 / dt:g} spikes/s with dt = {dt:g} ms"
        raise ParameterError(label, expected=expected, got=wave.extremes()[1], do="take a smaller dt, or more channels")
