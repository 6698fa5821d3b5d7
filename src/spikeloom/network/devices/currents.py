"""Input currents."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...compile import Table, native
from .._parts import Unit
from ._checks import active_steps, number, on_grid, verify_span
from ._waveform_kernels import CURRENT, NOISE, add_current, draw_noise
from .device import Device, Span, Target
from .waveforms import Floats, Numbers, Piecewise, Sinusoid, Waveform, waveform

if TYPE_CHECKING:
    from .._engine import Engine
    from .._parts import Part


class Current(Device):
    """Abstract: adds weight times a current to an input for currents, from `start` to `stop`.

    A current for the time t acts from the step on that begins at t, and later by the delay, if one is given.
    """

    current = True
    start: float
    stop: float

    @property
    @abstractmethod
    def wave(self) -> Waveform:
        """The current; of noise, its mean."""

    def verify(self, target: Target) -> None:
        dt = target.view.network.dt
        self.wave.verify(target.name, len(target.view), dt)
        active_steps(target.name, self.start, self.stop, dt)

    def units(self, engine: Engine, part: Part, target: Target, run: int) -> list[Unit]:
        """One kernel that adds, and what follows the waveform."""
        found, (start, stop) = [], active_steps(target.name, self.start, self.stop, engine.network.dt)
        for span in target.spans(part):
            values, followers = self.values(engine, target, run, span)
            inputs = part.input_address(target.population, target.receptor, run)
            table = Table.of(
                CURRENT, inputs=inputs, weights=span.spread(target.weight), values=values, delay=target.delay,
                start=start, stop=stop,
            )  # fmt: skip
            found += [*followers, Unit(native(add_current, engine.dtype), table, span.low, span.high)]
        return found

    def values(self, engine: Engine, target: Target, run: int, span: Span) -> tuple[Floats, list[Unit]]:
        """The current of each neuron of the span, and what keeps it up to date."""
        return self.wave.follow(engine.network.dt, target.delay, span.spread)


@dataclass(frozen=True, eq=False)
class DirectCurrent(Current):
    """A constant current, one or [n].

    Units: those of the input. Raises: ParameterError, ShapeError, DTypeError.

    >>> import spikeloom as sl
    >>> net = sl.network.Network(dt=0.1, seed=1)
    >>> cells = net.population(10, sl.LIF())
    >>> _ = net.connect(sl.network.DirectCurrent(1.2, start=100.0, stop=200.0), cells)
    """

    amplitude: Numbers
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        verify_span("DirectCurrent", self.start, self.stop)
        self.wave.extremes()

    @cached_property
    def wave(self) -> Waveform:
        return waveform("DirectCurrent.amplitude", self.amplitude)


@dataclass(frozen=True, eq=False)
class StepCurrent(Current):
    """Constant between times: amplitudes[k] from times[k] on, 0 before the first.

    Units: times in ms, multiples of dt; amplitudes [k], or [k, n] with one for each neuron, in units of the input.
    Raises: ParameterError, ShapeError, DTypeError.
    """

    times: Numbers
    amplitudes: Numbers
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        verify_span("StepCurrent", self.start, self.stop)
        self.wave.extremes()

    @cached_property
    def wave(self) -> Waveform:
        return Piecewise(self.times, self.amplitudes)


@dataclass(frozen=True, eq=False)
class AlternatingCurrent(Current):
    """offset + amplitude sin(2 pi frequency t + phase), at the time t at which the step begins; numbers or [n].

    Units: frequency in Hz, phase in degrees; the others are those of the input.
    Raises: ParameterError, ShapeError, DTypeError.
    """

    amplitude: Numbers
    frequency: Numbers
    phase: Numbers = 0.0
    offset: Numbers = 0.0
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        verify_span("AlternatingCurrent", self.start, self.stop)
        self.wave.extremes()

    @cached_property
    def wave(self) -> Waveform:
        return Sinusoid(self.offset, self.amplitude, self.frequency, self.phase)


@dataclass(frozen=True, eq=False)
class NoiseCurrent(Current):
    """Normally distributed current, drawn anew for each neuron and `interval`, dt if not given.

    Held over intervals of length h, it moves a leaky potential with time constant tau and resistance r by a standard
    deviation of r sd sqrt((1 - q) / (1 + q)), q = exp(-h / tau), looked at where intervals end: for white noise of a
    given strength sd grows as 1 / sqrt(h).

    Units: interval in ms, a multiple of dt; mean and sd, numbers or [n], are those of the input.
    Raises: ParameterError, ShapeError, DTypeError.
    """

    mean: Numbers
    sd: Numbers
    interval: float | None = None
    start: float = 0.0
    stop: float = math.inf

    def __post_init__(self) -> None:
        verify_span("NoiseCurrent", self.start, self.stop)
        number("NoiseCurrent.sd", self.deviation.extremes()[0], "standard deviations >= 0", 0.0)
        if self.interval is not None:
            number("NoiseCurrent.interval", self.interval, "a time > 0 (ms)", 0.0, above=True)
        self.wave.extremes()

    @cached_property
    def wave(self) -> Waveform:
        return waveform("NoiseCurrent.mean", self.mean)

    @cached_property
    def deviation(self) -> Waveform:
        """The standard deviation."""
        return waveform("NoiseCurrent.sd", self.sd)

    def _steps(self, name: str, dt: float) -> int:
        interval = dt if self.interval is None else self.interval
        return int(on_grid(f"interval of {name}", np.array([interval]), dt)[0])

    def verify(self, target: Target) -> None:
        super().verify(target)
        dt = target.view.network.dt
        self.deviation.verify(f"sd of {target.name}", len(target.view), dt)
        self._steps(target.name, dt)

    def values(self, engine: Engine, target: Target, run: int, span: Span) -> tuple[Floats, list[Unit]]:
        dt = engine.network.dt
        (mean, _), (sd, _) = (w.follow(dt, 0, span.spread) for w in (self.wave, self.deviation))
        values = np.zeros(len(mean))
        table = Table.of(
            NOISE, values=values, mean=mean, sd=sd, delay=target.delay, interval=self._steps(target.name, dt),
            last=np.array([-1]), seed=target.seed(run),
        )  # fmt: skip
        return values, [Unit(native(draw_noise, engine.dtype), table, span.low, span.high)]
