"""Waveforms: how a rate or a current goes on over time, alike for all neurons or for each its own."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...compile import Table, native
from ...errors import ParameterError, ShapeError
from .._parts import Unit
from ._checks import on_grid, real_numbers
from ._waveform_kernels import HOLD, OSCILLATE, hold, oscillate

Floats = NDArray[np.float64]
Numbers = float | Sequence[float] | Floats | torch.Tensor
# From values along the last axis, [1] or one for each neuron, to those of the neurons that a kernel works on.
Spread = Callable[[Floats], Floats]


class Waveform(ABC):
    """Abstract: a value for each step, one for all neurons, [1], or one for each, [n]."""

    @property
    @abstractmethod
    def size(self) -> int:
        """1, or the number of neurons."""

    @abstractmethod
    def extremes(self) -> tuple[float, float]:
        """Bounds of the values."""

    @abstractmethod
    def follow(self, dt: float, delay: int, spread: Spread, factor: float = 1.0) -> tuple[Floats, list[Unit]]:
        """An array, and the kernels that keep in it `factor` times the values of the step `delay` steps ago.

        `spread` says which values stand where.
        """

    def verify(self, label: str, n: int, dt: float) -> None:
        """Raise where it does not fit n neurons, or the time step."""
        if self.size not in (1, n):
            raise ShapeError(label, expected=f"one for all, or one for each of {n}", got=self.size)


@dataclass(frozen=True, eq=False)
class Constant(Waveform):
    """The same at all times."""

    value: Floats

    @property
    def size(self) -> int:
        return len(self.value)

    def extremes(self) -> tuple[float, float]:
        return float(self.value.min()), float(self.value.max())

    def follow(self, dt: float, delay: int, spread: Spread, factor: float = 1.0) -> tuple[Floats, list[Unit]]:
        return np.ascontiguousarray(spread(self.value * factor)), []


@dataclass(frozen=True, eq=False)
class Piecewise(Waveform):
    """Constant between times: values[k] from times[k] on, 0 before the first; the step that begins then is the first.

    Units: times in ms, multiples of dt; values [k], or [k, n] with one for each of n neurons.
    Raises: ParameterError, ShapeError.

    >>> from spikeloom.network import devices
    >>> drive = devices.Poisson(devices.Piecewise([0.0, 700.0, 710.0], [8.0, 120.0, 8.0]))
    """

    times: Numbers
    values: Numbers

    def __post_init__(self) -> None:
        times, values = real_numbers("times of Piecewise", self.times), real_numbers("values of Piecewise", self.values)
        if times.ndim != 1 or not len(times) or (times < 0).any() or (np.diff(times) <= 0).any():
            raise ParameterError("times of Piecewise", expected="increasing times >= 0 (ms)", got=times.tolist())
        if values.ndim not in (1, 2) or len(values) != len(times) or not values.size:
            expected = f"[{len(times)}], one for each time, or [{len(times)}, n]"
            raise ShapeError("values of Piecewise", expected=expected, got=list(values.shape))
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "values", values.reshape(len(times), -1))

    @property
    def size(self) -> int:
        return int(np.shape(self.values)[1])

    def extremes(self) -> tuple[float, float]:
        return min(0.0, float(np.min(self.values))), max(0.0, float(np.max(self.values)))

    def verify(self, label: str, n: int, dt: float) -> None:
        super().verify(label, n, dt)
        on_grid(f"times of {label}", np.asarray(self.times), dt)

    def follow(self, dt: float, delay: int, spread: Spread, factor: float = 1.0) -> tuple[Floats, list[Unit]]:
        rows = np.concatenate([np.zeros((1, self.size)), np.asarray(self.values) * factor])
        rows = np.ascontiguousarray(spread(rows))
        begin = on_grid("times", np.asarray(self.times), dt)
        values = np.zeros(rows.shape[1])
        table = Table.of(
            HOLD, values=values, begin=begin, pieces=len(begin), rows=rows, size=rows.shape[1], delay=delay,
            last=np.array([-1]),
        )  # fmt: skip
        return values, [Unit(native(hold, "float64"), table)]


@dataclass(frozen=True, eq=False)
class Sinusoid(Waveform):
    """mean + amplitude sin(2 pi frequency t + phase), at the time t at which the step begins.

    Units: frequency in Hz, phase in degrees. Numbers, or arrays [n] with one for each neuron.
    Raises: ParameterError, ShapeError.
    """

    mean: Numbers
    amplitude: Numbers
    frequency: Numbers
    phase: Numbers = 0.0

    def __post_init__(self) -> None:
        arrays = [np.atleast_1d(real_numbers(f"{n} of Sinusoid", getattr(self, n))) for n in self._names]
        if any(a.ndim > 1 for a in arrays) or len({len(a) for a in arrays} - {1}) > 1:
            got = ", ".join(str(list(a.shape)) for a in arrays)
            raise ShapeError("values of Sinusoid", expected="numbers, or arrays of one length [n]", got=got)
        for name, array in zip(self._names, arrays, strict=True):
            object.__setattr__(self, name, array)

    _names = ("mean", "amplitude", "frequency", "phase")

    @property
    def _arrays(self) -> list[Floats]:
        return [np.asarray(getattr(self, name)) for name in self._names]

    @property
    def size(self) -> int:
        return max(len(a) for a in self._arrays)

    def extremes(self) -> tuple[float, float]:
        mean, amplitude = self._arrays[:2]
        return float((mean - abs(amplitude)).min()), float((mean + abs(amplitude)).max())

    def follow(self, dt: float, delay: int, spread: Spread, factor: float = 1.0) -> tuple[Floats, list[Unit]]:
        mean, amplitude, frequency, phase = self._arrays
        mean, amplitude, turns = mean * factor, amplitude * factor, frequency * (2e-3 * math.pi * dt)
        wide = [np.broadcast_to(a, self.size) for a in (mean, amplitude, turns, np.deg2rad(phase))]
        own = [np.ascontiguousarray(spread(a)) for a in wide]
        # What all share is computed once and copied, except where neurons that are left out have zeros of their own.
        shared = self.size == 1 and bool((own[0] == mean).all() and (own[1] == amplitude).all())
        values = np.zeros(len(own[0]))
        table = Table(values, *own, delay, int(shared))
        assert len(table.kept) == len(OSCILLATE)
        return values, [Unit(native(oscillate, "float64"), table, 0, len(values))]


def waveform(label: str, given: Any) -> Waveform:
    """A waveform as it is; a number, or an array with one for each neuron, as a constant one."""
    if isinstance(given, Waveform):
        return given
    array = real_numbers(label, given)
    if array.ndim > 1 or not array.size:
        raise ShapeError(label, expected="a number, [n] or a waveform", got=list(array.shape))
    return Constant(np.atleast_1d(array))


def channels_of(values: Floats, low: int, high: int) -> Floats:
    """Along the last axis, [1] or [n], those of the channels `low` ... `high` - 1."""
    if values.shape[-1] == 1:
        return np.broadcast_to(values, (*values.shape[:-1], high - low))
    return values[..., low:high]
