"""Recorders: what is kept of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..compile import Table, native
from ..errors import ParameterError
from ..neurons import Neuron
from ._checks import is_real
from ._recorder_kernels import COUNT, SAMPLE, count_spikes, sample

if TYPE_CHECKING:
    from ._engine import Engine
    from ._parts import Part, Unit
    from .population import View
    from .projection import Projection

# Bytes that a recorder writes before Python takes them.
_ROOM = 64 << 20
# Bins of a rate before Python takes them.
_BINS = 1 << 15


@dataclass(frozen=True)
class Rate:
    """What `Network.record` takes for a population's mean rate in bins of so many ms, under the name "rate"."""

    bin: float = 1.0


class Recorder(ABC):
    """Abstract: keeps something of every step, from kernels that are called after the neurons have advanced.

    A run consists of slices: `begin`, the kernels once a step, `end`. What is recorded does not depend on where slices
    end. `pieces` are what slices have recorded and nobody has taken yet: arrays [batch, time, columns].
    """

    name: str
    unit: str
    # Steps between two samples; a sample is of the step that ends at a multiple of them.
    every: int
    # What each column is of.
    columns: NDArray[np.int64]
    dtype: np.dtype[Any]

    def __init__(self) -> None:
        self.pieces: list[NDArray[Any]] = []

    def units(self, engine: Engine, part: Part, run: int) -> list[Unit]:
        """The kernels; none by default."""
        return []

    @abstractmethod
    def begin(self, first: int, steps: int) -> int:
        """Before up to `steps` steps are run in one go: make room; return for how many there is."""

    @abstractmethod
    def end(self, first: int, steps: int) -> None:
        """After `steps` steps were run: take what kernels have written."""

    def carried(self) -> dict[str, NDArray[Any]]:
        """What a checkpoint keeps."""
        return {"pieces": np.concatenate(self.pieces, axis=1)} if self.pieces else {}

    def carry_on(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what a checkpoint has kept."""
        self.pieces = [arrays["pieces"]] if "pieces" in arrays else []

    def samples(self, first: int, steps: int) -> int:
        """How many samples fall into some steps."""
        return (first + steps) // self.every - first // self.every


class StateRecorder(Recorder):
    """A state variable of some neurons, after every n-th step."""

    def __init__(self, view: View, variable: str, every: int) -> None:
        super().__init__()
        self.view, self.name, self.every = view, variable, every
        self.state = view.population.states[variable]
        self.unit = _unit(view, variable)
        self.columns, self.dtype = view.indices, self.state.dtype
        self.capacity = max(1, _ROOM // max(1, len(self.state) * len(view) * self.dtype.itemsize))
        # Memory is used when it is written.
        self.rows = np.empty((len(self.state), self.capacity, len(view)), dtype=self.dtype)
        self.origin = np.zeros(1, dtype=np.int64)

    def units(self, engine: Engine, part: Part, run: int) -> list[Unit]:
        """One kernel that copies the part's columns."""
        from ._parts import Unit

        neurons, columns = _in_part(self.view, part)
        if not len(columns):
            return []
        dense = _is_range(neurons) and _is_range(columns)
        table = Table.of(
            SAMPLE, every=self.every, origin=self.origin, state=self.state[run], rows=self.rows[run],
            width=len(self.view), neurons=0 if dense else neurons, columns=0 if dense else columns,
            first_neuron=int(neurons[0]), first_column=int(columns[0]),
        )  # fmt: skip
        return [Unit(native(sample, value=str(self.dtype)), table, 0, len(columns))]

    def begin(self, first: int, steps: int) -> int:
        """Rows are counted from the first sample on."""
        wait = -(first + 1) % self.every
        self.origin[0] = first + wait
        return min(steps, wait + self.capacity * self.every)

    def end(self, first: int, steps: int) -> None:
        """Copy the rows that were written."""
        if count := self.samples(first, steps):
            self.pieces.append(self.rows[:, :count].copy())


class RateRecorder(Recorder):
    """The mean rate of some neurons, bin after bin, in spikes/s; of bins that were seen from their beginning."""

    def __init__(self, view: View, every: int, now: int) -> None:
        super().__init__()
        self.view, self.name, self.unit, self.every = view, "rate", "1/s", every
        self.columns, self.dtype = np.zeros(1, dtype=np.int64), np.dtype(np.float64)
        network = view.network
        self.scale = 1e3 / (len(view) * every * network.dt)
        self.first_bin = -(-now // every)
        self.origin = np.zeros(1, dtype=np.int64)
        # Of the bin that is not complete yet, by run.
        self.partial = np.zeros(network.batch, dtype=np.int64)
        self.counts: dict[tuple[int, int], NDArray[np.int64]] = {}

    def units(self, engine: Engine, part: Part, run: int) -> list[Unit]:
        """One kernel that counts for the part."""
        from ._parts import Unit

        neurons, _ = _in_part(self.view, part)
        if not len(neurons):
            return []
        counts = self.counts[part.number, run] = np.zeros(_BINS, dtype=np.int64)
        table = Table.of(
            COUNT, every=self.every, origin=self.origin, fired=self.view.population.fired[run], counts=counts,
            neurons=0 if _is_range(neurons) else neurons, first_neuron=int(neurons[0]),
        )  # fmt: skip
        return [Unit(native(count_spikes), table, 0, len(neurons))]

    def begin(self, first: int, steps: int) -> int:
        """Bins are counted from that of the first step on."""
        self.origin[0] = first // self.every
        for counts in self.counts.values():
            counts[:] = 0
        return min(steps, _BINS * self.every - first % self.every)

    def end(self, first: int, steps: int) -> None:
        """Add up what the parts have counted."""
        done = self.samples(first, steps)
        total = np.zeros((len(self.partial), done + 1), dtype=np.int64)
        for (_, run), counts in self.counts.items():
            total[run] += counts[: done + 1] if done < _BINS else np.append(counts, 0)
        total = self.view.network.ranks.sum(total)
        total[:, 0] += self.partial
        self.partial = total[:, done].copy()
        kept = total[:, max(0, self.first_bin - first // self.every) : done]
        if kept.shape[1]:
            self.pieces.append((kept * self.scale)[:, :, None])

    def carried(self) -> dict[str, NDArray[Any]]:
        """Also the bin that is not complete."""
        return super().carried() | {"partial": self.partial, "first bin": np.array([self.first_bin])}

    def carry_on(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        super().carry_on(arrays)
        self.partial, self.first_bin = arrays["partial"].copy(), int(arrays["first bin"][0])


class WeightRecorder(Recorder):
    """The weights of a projection, after every n-th step, in the order of `Projection.synapses`."""

    def __init__(self, projection: Projection, every: int) -> None:
        super().__init__()
        self.projection, self.name, self.unit, self.every = projection, "weight", "1", every
        self.columns, self.dtype = np.arange(len(projection), dtype=np.int64), np.dtype(projection.real)
        self.order: NDArray[np.int64] | None = None

    def begin(self, first: int, steps: int) -> int:
        """A slice ends where a sample is taken."""
        return min(steps, self.every - first % self.every)

    def end(self, first: int, steps: int) -> None:
        """Take the sample."""
        if self.samples(first, steps):
            self.pieces.append(self._weights()[None, None])

    def _weights(self) -> NDArray[Any]:
        learning = self.projection.learning
        if learning is None:
            return self.projection.synapses().weight
        if self.order is None:
            # Pairs are drawn once, not for every sample.
            self.order = self.projection.by_source(self.projection.synapses())
        weights = np.empty(len(self.columns), dtype=self.dtype)
        weights[self.order] = learning.weights()
        return weights


def _unit(view: View, variable: str) -> str:
    neuron = view.population.neuron
    return neuron.states[variable].unit if isinstance(neuron, Neuron) else "1"


def _in_part(view: View, part: Part) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Which neurons of a view are in a part, and at which places of the view."""
    low, high = part.bounds[view.population.number]
    columns = np.flatnonzero((view.indices >= low) & (view.indices < high)).astype(np.int32)
    return view.indices[columns].astype(np.int32), columns


def _is_range(numbers: NDArray[np.int32]) -> bool:
    return bool((np.diff(numbers) == 1).all())


def whole_steps(what: str, value: float | None, dt: float) -> int:
    """An interval in steps; every step where none is given. Raises: ParameterError."""
    if value is None:
        return 1
    good = is_real(value) and 0 < value < float("inf")
    steps = round(value / dt) if good else 0
    if steps < 1 or abs(value / dt - steps) > 1e-6 * steps:
        raise ParameterError(what, expected=f"a multiple of dt = {dt:g} ms, at least dt", got=value)
    return steps
