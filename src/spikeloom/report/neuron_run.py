"""One neuron under one current: its variables over time and its rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from spikeloom.errors import ParameterError
from spikeloom.neurons import Neuron
from spikeloom.nn import record
from spikeloom.parameters import Shown

# Share of the time before the current begins and after it ends.
_BEFORE, _AFTER = 0.1, 0.9
_PULSES = 8
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
    """A neuron from rest under an input from a tenth to nine tenths of the time, as its class wants to be `shown`.

    `i` is the first input and `duration` the time in ms where the class's own are not wanted. Noise is drawn from
    `seed`. Raises: ParameterError, NonFiniteError.
    """
    shown = Shown(*neuron.shown)
    steps = _steps(neuron, duration)
    drive = _current(shown.i if i is None else i, steps, pulses=shown.pulses)
    others = [_current(shown.others, steps, pulses=False) for _ in list(neuron.inputs)[1:]]
    with torch.random.fork_rng(devices=[]), record(neuron, *neuron.states) as trace:
        torch.manual_seed(seed)
        output = neuron(drive, *others)
    times = torch.arange(1, len(drive) + 1, dtype=torch.float64) * _dt(neuron)
    return Run(times, drive[:, 0, 0], output[:, 0, 0], {name: value[:, 0, 0] for name, value in trace.items()})


@torch.no_grad()
def rates(neuron: Neuron, currents: Tensor, *, duration: float | None = None, seed: int = 0) -> Tensor:
    """Spikes per second of a neuron from rest under each input; of one that does not spike, its last output.

    A neuron that is shown with pulses gets those, and one that does not spike gives its largest output then.

    Shapes: currents [n] -> [n]. Raises: ParameterError, NonFiniteError.
    """
    shown, steps = Shown(*neuron.shown), _steps(neuron, duration)
    x = currents.double().expand(steps, 1, len(currents)).contiguous()
    if shown.pulses:
        x = x * _current(1.0, steps, pulses=True)
    others = [torch.full_like(x, shown.others) for _ in list(neuron.inputs)[1:]]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        y = neuron(x, *others)
    if not neuron.spiking and shown.pulses:
        largest: Tensor = y.amax(0)[0]
        return largest
    found: Tensor = (y != 0).sum(0)[0].double() * 1000 / (steps * _dt(neuron)) if neuron.spiking else y[-1, 0]
    return found


def _dt(neuron: Neuron) -> float:
    return float(torch.as_tensor(neuron.param_values()["dt"]).flatten()[0])


def _steps(neuron: Neuron, duration: float | None) -> int:
    wanted = Shown(*neuron.shown).duration if duration is None else duration
    steps = wanted / _dt(neuron)
    if not 1 <= steps <= _STEPS:
        expected = f"from one step, {_dt(neuron):g} ms, to {_STEPS} of them"
        raise ParameterError("duration", expected=expected, got=f"{wanted:g} ms", do="choose another duration or dt")
    return round(steps)


def _current(i: float, steps: int, *, pulses: bool) -> Tensor:
    if not math.isfinite(i):
        raise ParameterError("current", expected="a finite number", got=i)
    drive = torch.zeros(steps, 1, 1, dtype=torch.float64)
    first, end = round(_BEFORE * steps), round(_AFTER * steps)
    drive[slice(first, end, max(1, (end - first) // _PULSES) if pulses else None)] = i
    return drive
