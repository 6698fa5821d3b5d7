"""PyNN's current sources."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pyNN.parameters import ParameterSpace, Sequence
from pyNN.standardmodels import electrodes

from .. import random
from ..network import AlternatingCurrent, Device, DirectCurrent, Network, StepCurrent
from . import simulator
from .cells import unchanged
from .populations import Population

# Purpose of the random numbers of `NoisyCurrentSource`.
_NOISE = 0x1E
# Numbers that a current takes in memory at most, where it is given step by step.
_ROOM = 4_000_000


class CurrentSource:
    """A current that flows into all cells that it is injected into; times are rounded to steps."""

    default_parameters: dict[str, Any]
    get_schema: Any
    # Whether the device knows the current at all times.
    endless = True

    def __init__(self, **parameters: Any) -> None:
        state = simulator.state
        self.cells: list[tuple[Population, int]] = []
        self.number = len(state.current_sources)
        # Steps from which on there were these values.
        self._history: list[tuple[int, dict[str, Any]]] = []
        space = ParameterSpace(self.default_parameters, self.get_schema(), shape=(1,))
        space.update(**parameters)
        self.set_native_parameters(space)
        state.current_sources.append(self)

    def forget(self) -> None:
        """A run begins anew, with the values as they are now."""
        self._history = [(0, self.now)]

    def prepare(self, network: Network) -> None:
        """Nothing: currents are attached when all is built."""

    def get_native_parameters(self) -> Any:
        """As they are now."""
        values = {k: Sequence(v) if np.ndim(v) else v for k, v in self._history[-1][1].items()}
        return ParameterSpace(values, self.get_schema(), shape=(1,))

    def get_parameters(self) -> dict[str, Any]:
        """As they are now."""
        return dict(self._history[-1][1])

    def set_native_parameters(self, parameters: Any) -> None:
        """Set some of them, from now on."""
        parameters.evaluate(simplify=True)
        now = simulator.state.step
        values = dict(self._history[-1][1]) if self._history else {}
        for name, value in parameters.items():
            values[name] = np.asarray(value.value, dtype=float) if isinstance(value, Sequence) else float(value)
        values = self.checked(values)
        if self._history and self._history[-1][0] == now:
            self._history.pop()
        self._history.append((now if self._history else 0, values))
        simulator.state.currents_changed = True

    def checked(self, values: dict[str, Any]) -> dict[str, Any]:
        """Parameters that fit together. Raises: ValueError."""
        return values

    def inject_into(self, cells: Any) -> None:
        """Let it flow into cells: a population, view, assembly or list of cells."""
        for cell in cells:
            if not cell.celltype.injectable:
                raise TypeError("Can't inject current into a spike source.")
        self.cells += [(cell.parent, int(cell.parent.id_to_index(cell))) for cell in cells]
        simulator.state.currents_changed = True

    @property
    def room(self) -> int:
        """For how many steps a device is made at most."""
        return 1 << 30

    def attach(self, now: int, until: int) -> None:
        """Let a device act on the cells."""
        for population in {id(p): p for p, _ in self.cells}.values():
            mine = np.array([index for p, index in self.cells if p is population])
            # A current that is injected twice flows twice.
            indices, times = np.unique(mine, return_counts=True)
            if population.built is None:
                continue
            weight = times * population.celltype.per_nanoampere
            weight = float(weight[0]) if (weight == weight[0]).all() else weight
            network = population.built.owner
            for device in self.devices(now, until):
                network.connect(device, population.built[indices], weight=weight, receptor="i")

    @abstractmethod
    def devices(self, now: int, until: int) -> list[Device]:
        """What makes the current from step `now` to step `until`, at least; none where there is none."""

    @abstractmethod
    def values_at(self, values: dict[str, Any], steps: NDArray[np.int64]) -> NDArray[np.float64]:
        """The current in the steps that begin after so many steps."""

    @property
    def now(self) -> dict[str, Any]:
        """The parameters as they are now."""
        return self._history[-1][1]

    def span(self, values: dict[str, Any]) -> tuple[int, int]:
        """First step, and the one after the last."""
        dt = simulator.state.dt
        return round(max(values["start"], 0.0) / dt), round(min(values["stop"], dt * 2**40) / dt)

    def limits(self) -> dict[str, float]:
        """`start` and `stop` of a device."""
        start, stop = self.span(self.now)
        time_of = simulator.state.time_of
        return {"start": time_of(start), "stop": time_of(stop) if stop < 1 << 39 else np.inf}

    def record(self) -> None:
        """Keep the current, for `get_data`; it is known anyway."""

    def _get_data(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        state = simulator.state
        steps = np.arange(state.step + 1)
        amplitudes = np.zeros(len(steps))
        for begin, values in self._history:
            amplitudes[begin:] = self.values_at(values, steps[begin:])
        return np.round(steps * state.dt, 9), amplitudes

    def within(self, values: dict[str, Any], steps: NDArray[np.int64], amplitudes: Any) -> NDArray[np.float64]:
        """0 outside of start and stop."""
        start, stop = self.span(values)
        return np.where((steps >= start) & (steps < stop), amplitudes, 0.0)


class DCSource(CurrentSource, electrodes.DCSource):
    """A constant current."""

    __doc__ = electrodes.DCSource.__doc__
    translations = unchanged(electrodes.DCSource)

    def devices(self, now: int, until: int) -> list[Device]:
        start, stop = self.span(self.now)
        return [DirectCurrent(self.now["amplitude"], **self.limits())] if start < stop else []

    def values_at(self, values: dict[str, Any], steps: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.within(values, steps, values["amplitude"])


class ACSource(CurrentSource, electrodes.ACSource):
    """A sinusoidal current whose phase is that at its start."""

    __doc__ = electrodes.ACSource.__doc__
    translations = unchanged(electrodes.ACSource)

    def devices(self, now: int, until: int) -> list[Device]:
        values = self.now
        start, stop = self.span(values)
        phase = values["phase"] - 0.36 * values["frequency"] * start * simulator.state.dt
        wave = {name: values[name] for name in ("amplitude", "frequency", "offset")}
        return [AlternatingCurrent(phase=phase, **wave, **self.limits())] if start < stop else []

    def values_at(self, values: dict[str, Any], steps: NDArray[np.int64]) -> NDArray[np.float64]:
        since = (steps - self.span(values)[0]) * simulator.state.dt * 1e-3
        angle = 2 * np.pi * values["frequency"] * since + np.deg2rad(values["phase"])
        return self.within(values, steps, values["offset"] + values["amplitude"] * np.sin(angle))


class StepCurrentSource(CurrentSource, electrodes.StepCurrentSource):
    """A current that changes at given times."""

    __doc__ = electrodes.StepCurrentSource.__doc__
    translations = unchanged(electrodes.StepCurrentSource)

    def checked(self, values: dict[str, Any]) -> dict[str, Any]:
        times, amplitudes = values["times"], values["amplitudes"]
        if (times < 0).any() or (np.diff(times) <= 0).any():
            raise ValueError(f"times of StepCurrentSource must be increasing and at least 0 ms, got {times}")
        if len(times) != len(amplitudes):
            raise ValueError(
                f"StepCurrentSource needs as many amplitudes as times, got {len(amplitudes)} and {len(times)}"
            )
        dt = simulator.state.dt
        steps = np.rint(times / dt)
        # Of several in one step the last one counts.
        last = np.append(np.diff(steps) > 0, True)[: len(steps)]
        return {**values, "times": np.round(steps[last] * dt, 9), "amplitudes": amplitudes[last]}

    def devices(self, now: int, until: int) -> list[Device]:
        times, amplitudes = self.now["times"], self.now["amplitudes"]
        return [StepCurrent(times, amplitudes)] if len(times) else []

    def values_at(self, values: dict[str, Any], steps: NDArray[np.int64]) -> NDArray[np.float64]:
        begin = np.rint(values["times"] / simulator.state.dt)
        return np.append(0.0, values["amplitudes"])[np.searchsorted(begin, steps, side="right")]


class NoisyCurrentSource(CurrentSource, electrodes.NoisyCurrentSource):
    """A normally distributed current, drawn anew once in `dt`; all cells receive the same."""

    __doc__ = electrodes.NoisyCurrentSource.__doc__
    translations = unchanged(electrodes.NoisyCurrentSource)
    endless = False

    @property
    def room(self) -> int:
        """As its numbers stand in memory for each cell."""
        lowest: dict[int, tuple[int, int]] = {}
        for population, index in self.cells:
            low, high = lowest.get(id(population), (index, index))
            lowest[id(population)] = min(low, index), max(high, index)
        return max(100, _ROOM // max(1, sum(high - low + 1 for low, high in lowest.values())))

    def devices(self, now: int, until: int) -> list[Device]:
        steps = np.arange(now, until)
        current = self.values_at(self.now, steps)
        changes = np.flatnonzero(np.diff(current, prepend=np.nan) != 0)
        if not len(changes):
            return []
        return [StepCurrent(np.round(steps[changes] * simulator.state.dt, 9), current[changes])]

    def values_at(self, values: dict[str, Any], steps: NDArray[np.int64]) -> NDArray[np.float64]:
        state = simulator.state
        held = max(1, state.steps(values["dt"]))
        drawn = torch.as_tensor((steps - self.span(values)[0]) // held)
        seed = state.network.seed if state.network is not None else state.seed
        noise = random.normal(seed, _NOISE + 32 * self.number, drawn.clamp(min=0), 0).double().numpy()
        return self.within(values, steps, values["mean"] + values["stdev"] * noise)
