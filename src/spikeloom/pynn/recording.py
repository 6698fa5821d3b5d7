"""What is recorded, as PyNN's recorders hand it over."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN import recording

from ..errors import ParameterError
from ..network import Network, Result
from . import simulator

# Steps, cells by index, values [steps, cells].
_Samples = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]


class Recorder(recording.Recorder):
    """Keeps the spikes and samples of a population since the recording began, or was cleared."""

    _simulator = simulator

    def __init__(self, population: Any, file: Any = None) -> None:
        super().__init__(population, file)
        self.forget()

    def forget(self) -> None:
        """All data, and what a network that is gone has recorded."""
        self._spikes: list[tuple[NDArray[np.float64], NDArray[np.int32]]] = []
        self._samples: dict[str, list[_Samples]] = defaultdict(list)
        # What the network records: cells and steps between samples.
        self._asked: dict[str, tuple[NDArray[np.int64], int]] = {}

    def _reset(self) -> None:
        self._clear_simulator()

    def _clear_simulator(self) -> None:
        self._spikes, self._samples = [], defaultdict(list)

    def _record(self, variable: Any, new_ids: set[Any], sampling_interval: float | None = None) -> None:
        state = simulator.state
        if sampling_interval is not None:
            steps = state.steps(sampling_interval)
            if steps < 1 or abs(steps * state.dt - sampling_interval) > 1e-6 * state.dt:
                expected = f"a multiple of the time step, {state.dt:g} ms"
                raise ParameterError("sampling_interval", expected=expected, got=sampling_interval)
            self.sampling_interval = sampling_interval
        if len(self.recorded) == 1 and self.recorded[variable] == new_ids:
            self._recording_start_time = state.t * recording.pq.ms

    @property
    def _start(self) -> int:
        return simulator.state.steps(float(self._recording_start_time))

    @property
    def _interval(self) -> int:
        return simulator.state.steps(self.sampling_interval)

    def _indices(self, variable: Any) -> NDArray[np.int64]:
        first = int(self.population.first_id)
        return np.array(sorted(int(cell) - first for cell in self.recorded[variable]), dtype=np.int64)

    def prepare(self, network: Network) -> None:
        """Let the network record what is wanted."""
        for variable in self.recorded:
            indices, name = self._indices(variable), variable.name
            # The network samples at multiples of an interval.
            every = math.gcd(self._interval, self._start)
            if name != "spikes":
                self._sample(variable)
            asked = self._asked.get(name)
            if asked is not None and asked[1] == every and np.array_equal(asked[0], indices):
                continue
            self._asked[name] = (indices, every)
            self._ask(network, name, indices, every)

    def _ask(self, network: Network, name: str, indices: NDArray[np.int64], every: int) -> None:
        built = self.population.built
        if name == "spikes":
            network.record(built[indices])
            return
        state = self.population.celltype.variables[name]
        # A recording of other cells takes the place of the one before.
        known = network.recordings.sampled
        for former in [each for each in known if each.owner is built and each.recorder.name == state]:
            known.remove(former)
            network.recorders.remove(former.recorder)
        network.record(built[indices], state, every=every * network.dt)

    def _sample(self, variable: Any) -> None:
        """The values now, unless they are known."""
        samples, now = self._samples[variable.name], simulator.state.step
        indices = self._indices(variable)
        if samples and samples[-1][0][-1] == now and np.array_equal(samples[-1][1], indices):
            return
        population = self.population
        if population.built is None:
            values = population.initials[variable.name]
        else:
            values = population.built.states[population.celltype.variables[variable.name]][0]
        samples.append((np.array([now]), indices, values[None, indices].copy()))

    def take(self, result: Result) -> None:
        """Keep what a run has recorded."""
        if self.population.built is None or self.population.built.name not in result:
            return
        found = result[self.population.built.name]
        names = {state: name for name, state in self.population.celltype.variables.items()}
        if found.trains is not None and "spikes" in self._asked:
            mine = np.isin(found.neurons, self._asked["spikes"][0])
            self._spikes.append((np.round(found.times[mine], 9), found.neurons[mine]))
        for state, signal in found.signals.items():
            if len(signal.times):
                steps = np.rint(signal.times / result.dt).astype(np.int64)
                self._samples[names[state]].append((steps, signal.neurons, signal.values))

    def _get_spiketimes(self, ids: Any, clear: bool = False) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        times = np.concatenate([np.zeros(0), *(times for times, _ in self._spikes)])
        neurons = np.concatenate([np.zeros(0, dtype=np.int64), *(neurons for _, neurons in self._spikes)])
        cells = neurons + int(self.population.first_id)
        mine = np.isin(cells, np.array([int(cell) for cell in ids], dtype=np.int64))
        return cells[mine], times[mine]

    def _get_all_signals(self, variable: Any, ids: Any, clear: bool = False) -> tuple[NDArray[Any], None]:
        """[samples, cells] since the recording began; NaN where a cell was not recorded yet."""
        self._sample(variable)
        start, interval = self._start, self._interval
        columns = np.full(self.population.size, -1)
        columns[[int(cell) - int(self.population.first_id) for cell in ids]] = np.arange(len(ids))
        values = np.full(((simulator.state.step - start) // interval + 1, len(ids)), np.nan)
        for steps, cells, sampled in self._samples[variable.name]:
            rows, off = np.divmod(steps - start, interval)
            wanted, there = (off == 0) & (rows >= 0), columns[cells] >= 0
            values[np.ix_(rows[wanted], columns[cells[there]])] = sampled[np.ix_(wanted, there)]
        return values, None

    def _local_count(self, variable: Any, filter_ids: Any = None) -> dict[int, int]:
        ids = self.filter_recorded(variable, filter_ids)
        cells, _ = self._get_spiketimes(ids)
        counts = np.bincount(cells, minlength=int(self.population.last_id) + 1)
        return {int(cell): int(counts[int(cell)]) for cell in ids}
