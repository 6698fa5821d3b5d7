"""One neuron under one current: its variables over time and its rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from spikeloom.errors import ParameterError
from spikeloom.neurons import Neuron
from spikeloom.nn import record

# Share of the time before the current begins and after it ends.
_BEFORE, _AFTER = 0.1, 0.9
_STEPS = 2_000_000


@dataclass(frozen=True)
class Run:
    """One neuron under one current: `times` in ms at the end of each step, `drive`, spikes and states by name, [T]."""

    times: Tensor
    drive: Tensor
    output: Tensor
    states: dict[str, Tensor]

    @property
    def spike_times(self) -> Tensor:
        """Times of the steps with a spike, in ms."""
        return self.times[self.output != 0]

    @property
    def intervals(self) -> Tensor:
        """Times between successive spikes, in ms."""
        return torch.diff(self.spike_times)

    @property
    def rate(self) -> float:
        """Spikes per second while the current flows."""
        flowing = (_AFTER - _BEFORE) * (float(self.times[-1]) if len(self.times) else 0.0)
        return 1000 * len(self.spike_times) / flowing if flowing else math.nan


@torch.no_grad()
def run_neuron(neuron: Neuron, *, i: float | None = None, duration: float | None = None, seed: int = 0) -> Run:
    """A neuron from rest under a constant input from a tenth to nine tenths of the time.

    `i` is the first input, others are 0; `i` and `duration` (ms) are by default what the neuron's class declares as
    `shown`. Noise is drawn from `seed`.
    Raises: ParameterError, NonFiniteError.
    """
    drive = _current(neuron, neuron.shown[0] if i is None else i, _steps(neuron, duration))
    with torch.random.fork_rng(devices=[]), record(neuron, *neuron.states) as trace:
        torch.manual_seed(seed)
        output = neuron(drive, *_silent(neuron, drive))
    times = torch.arange(1, len(drive) + 1, dtype=torch.float64) * _dt(neuron)
    return Run(times, drive[:, 0, 0], output[:, 0, 0], {name: value[:, 0, 0] for name, value in trace.items()})


@torch.no_grad()
def rates(neuron: Neuron, currents: Tensor, *, duration: float | None = None, seed: int = 0) -> Tensor:
    """Spikes per second of a neuron from rest under each constant input; of one that does not spike, its last output.

    Shapes: currents [n] -> [n]. Raises: ParameterError, NonFiniteError.
    """
    steps = _steps(neuron, duration)
    x = currents.double().expand(steps, 1, len(currents)).contiguous()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        y = neuron(x, *_silent(neuron, x))
    found: Tensor = (y != 0).sum(0)[0].double() * 1000 / (steps * _dt(neuron)) if neuron.spiking else y[-1, 0]
    return found


def _dt(neuron: Neuron) -> float:
    return float(torch.as_tensor(neuron.param_values()["dt"]).flatten()[0])


def _steps(neuron: Neuron, duration: float | None) -> int:
    wanted = neuron.shown[1] if duration is None else duration
    steps = wanted / _dt(neuron)
    if not 1 <= steps <= _STEPS:
        expected = f"from one step, {_dt(neuron):g} ms, to {_STEPS} of them"
        raise ParameterError("duration", expected=expected, got=f"{wanted:g} ms", do="choose another duration or dt")
    return round(steps)


def _current(neuron: Neuron, i: float, steps: int) -> Tensor:
    if not math.isfinite(i):
        raise ParameterError("current", expected="a finite number", got=i)
    drive = torch.zeros(steps, 1, 1, dtype=torch.float64)
    drive[round(_BEFORE * steps) : round(_AFTER * steps)] = i
    return drive


def _silent(neuron: Neuron, drive: Tensor) -> list[Tensor]:
    return [torch.zeros_like(drive) for _ in list(neuron.inputs)[1:]]
