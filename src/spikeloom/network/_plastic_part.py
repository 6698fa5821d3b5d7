"""Plastic synapses of one part: columns over rows, and the kernels of the rule on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..compile import Table, invoke, native
from ..errors import ParameterError
from ._delivery_kernels import deliver
from ._parts import Part, Queue, Unit
from ._plastic_kernels import (
    COLUMNS,
    DECAY,
    LAG,
    NORMALISE,
    TELL,
    advance_traces,
    count_columns,
    lag,
    measure_columns,
    normalise_columns,
    place_columns,
    shifted_advance,
    tell,
)
from ._rows import Rows

if TYPE_CHECKING:
    from .learning import Learning

# Positions of synapses within a part are kept in 32 bits.
_MOST = (1 << 31) - 1


@dataclass
class Columns:
    """For each neuron of a part its synapses in the order of rows, as positions there and differences of segments."""

    start: NDArray[np.int64]
    synapse: NDArray[np.int32]
    segment: NDArray[Any]
    # Of each segment: its source in the population, and its delay as the engine counts.
    source: NDArray[np.int32]
    delay: NDArray[np.int32]

    @classmethod
    def of(cls, rows: Rows, low: int, high: int, slot: int) -> Columns:
        """Built from rows whose targets are the neurons low ... high - 1, the first of them at a slot."""
        count, neurons, segments = len(rows.weights), high - low, len(rows.segments)
        if count > _MOST:
            do = "use more threads or ranks, or several projections"
            raise ParameterError("plastic synapses", expected=f"at most {_MOST} for a thread", got=count, do=do)
        start, before = np.zeros(neurons + 1, dtype=np.int64), np.zeros(neurons, dtype=np.int64)
        source, delay = np.zeros(segments, dtype=np.int32), np.zeros(segments, dtype=np.int32)
        widest = np.zeros(1, dtype=np.int64)
        table = Table.of(
            COLUMNS, segments=rows.segments, row_segment=rows.row_segment, rows=rows.bundle.rows, targets=rows.targets,
            shift=slot - low, low=low, start=start, before=before, source=source, delay=delay, widest=widest,
        )  # fmt: skip
        invoke(native(count_columns, target=rows.target), table, hi=count)
        start[:] = np.cumsum(start)
        invoke(native(measure_columns, target=rows.target), table)
        kind = "uint16" if widest[0] < 1 << 16 else "int32"
        found = cls(start, np.empty(count, np.int32), np.empty(count, kind), source, delay)
        before[:] = 0
        nexts = start.copy()
        table[COLUMNS.start], table[COLUMNS.synapse], table[COLUMNS.segment] = nexts, found.synapse, found.segment
        invoke(native(place_columns, target=rows.target, column=kind), table)
        return found


@dataclass
class PlasticPart:
    """What a part keeps of one plastic projection."""

    learning: Learning
    part: Part
    rows: Rows
    columns: Columns
    table: Table
    # By name: presynaptic traces [batch, segments], synapse states [synapses].
    arrays: dict[str, NDArray[Any]]
    # The decays of what is kept divided by them, and their inverses; threads are not at the same step.
    now: NDArray[Any]

    @classmethod
    def of(cls, learning: Learning, part: Part, rows: Rows) -> PlasticPart:
        """With weights and states as the projection has them at the beginning; see `Learning.adopt`."""
        projection, rule, real = learning.projection, learning.rule, rows.weights.dtype
        number, batch = projection.post.population.number, projection.pre.network.batch
        low, high = part.bounds[number]
        slot = part.slots[number, projection.receptor]
        columns = Columns.of(rows, low, high, slot)
        arrays = {name: np.zeros((batch, len(rows.segments)), dtype=real) for name in rule.pre_traces}
        arrays |= {n: np.full(len(rows.weights), v, dtype=real) for n, v in rule.at_rest().items()}
        now = np.ones(2 * max(1, len(learning.source.scaled)), dtype=real)
        made = cls(learning, part, rows, columns, Table(), arrays, now)
        made.table = made._table(slot - low)
        return made

    @property
    def bounds(self) -> tuple[int, int]:
        """Which neurons of the population it has."""
        return self.part.bounds[self.learning.projection.post.population.number]

    def _table(self, shift: int) -> Table:
        learning, columns = self.learning, self.columns
        post = learning.projection.post.population
        entries: dict[str, Any] = {
            "weights": self.rows.weights, "column_start": columns.start, "column_synapse": columns.synapse,
            "column_segment": columns.segment, "segment_source": columns.source,
            "segment_count": len(self.rows.segments), "inputs_of_run": self.part.inputs, "shift": shift,
            "low": self.bounds[0], "batch": len(post.fired), "fired": learning.told, "size": post.size,
            "fired_stride": post.fired.strides[0], "learning": int(learning.on), "now": self.now,
            "constants": learning.constants, "seeds": learning.seeds, "every": learning.every,
            "sources": learning.projection.pre.population.size, "late": int(learning.late),
        }  # fmt: skip
        entries |= {f"all_{n}": array for n, array in {**self.arrays, **learning.arrays}.items()}
        states = {n: learning.lagged.get(n, post.states[s.of]) for n, s in learning.rule.post_states.items()}
        entries |= {f"all_{n}": array for n, array in states.items()}
        for name in learning.rule.inputs:
            entries[f"all_{name}"] = self.part.input_address(post, learning.receptor(name), 0)
        entries |= {f"share_{name}": share for name, share in learning.shares.items()}
        return Table(*(entries[name] for name in learning.source.entries))

    def kernel(self, text: str, name: str) -> int:
        """Address of a kernel of the rule."""
        return native(name, str(self.rows.weights.dtype), texts={name: text}, **self.kinds)

    @property
    def kinds(self) -> dict[str, str]:
        """Types that kernels leave open."""
        return {"target": self.rows.target, "column": str(self.columns.segment.dtype)}

    def deliver(self, queue: Queue) -> Unit:
        """Spikes that arrive are delivered, and learnt from."""
        texts = {"add_arrivals": self.learning.source.add_arrivals()}
        return Unit(native(deliver, str(self.rows.weights.dtype), texts=texts, **self.kinds), queue.table)

    def units(self, queue: Queue) -> list[Unit]:
        """All that happens in a step, in order."""
        source, (low, high) = self.learning.source, self.bounds
        events = [Unit(self.kernel(source.events(), "learn_events"), self.table, low, high)]
        settle = [Unit(self.kernel(source.settle(), "learn_settle"), self.table, low, high)]
        if "on_step" in source.programs:
            settle.append(Unit(self.kernel(source.sweep("on_step"), "learn_sweep"), self.table, low, high))
        advance, arrive = self._advance(), [self.deliver(queue)]
        first = [*self._told(), *self._lagged()]
        if self.learning.late:
            return [*first, *events, *settle, *advance, *arrive]
        return [*first, *advance, *events, *arrive, *settle]

    def _told(self) -> list[Unit]:
        """The way of the neuron's spikes back to its synapses, if it takes time."""
        learning = self.learning
        if learning.ring is None:
            return []
        fired = learning.projection.post.population.fired
        table = Table.of(
            TELL, fired=fired, told=learning.told, ring=learning.ring, back=learning.back, stride=fired.strides[0],
            batch=len(fired),
        )  # fmt: skip
        return [Unit(native(tell), table, *self.bounds)]

    def _lagged(self) -> list[Unit]:
        """States of the neuron that are read late."""
        learning, real = self.learning, str(self.rows.weights.dtype)
        post, found = learning.projection.post.population, []
        for name, lags in learning.lags.items():
            state = post.states[learning.rule.post_states[name].of]
            table = Table.of(
                LAG, state=state, lagged=learning.lagged[name], lags=lags, late=len(lags) - 1, batch=len(state),
                size=post.size,
            )  # fmt: skip
            found.append(Unit(native(lag, real), table, *self.bounds))
        return found

    def _advance(self) -> list[Unit]:
        """The decay of traces; where spikes arrive at the end of a step, that of the next step's time."""
        learning = self.learning
        low, high = self.bounds
        entries: list[Any] = [self.now]
        for name in learning.source.scaled:
            array = self.arrays.get(name)
            factors = learning.factors[name]
            where: tuple[Any, ...]
            if array is None:
                size = learning.arrays[name].shape[1]
                mine = learning.arrays[name].ctypes.data + low * learning.arrays[name].itemsize
                where = (mine, high - low, len(learning.arrays[name]), size)
            else:
                where = (array, array.size, 1, array.size)
            given = dict(zip(("array", "count", "stretches", "stride"), where, strict=True))
            entries += Table.of(DECAY, **given, period=len(factors) - 1, factors=factors).kept
        if len(entries) == 1:
            return []
        kernel = native(shifted_advance if learning.late else advance_traces, str(self.rows.weights.dtype))
        return [Unit(kernel, Table(*entries), 0, len(learning.source.scaled))]

    def sweep(self, name: str) -> None:
        """Do what a handler says at all synapses, now."""
        address = self.kernel(self.learning.source.sweep(name), "learn_sweep")
        invoke(address, self.table, *self.bounds)

    def normalise(self, total: float) -> None:
        """Scale the weights on each neuron to a total."""
        (low, high), weights = self.bounds, self.rows.weights
        neurons = max(1, high - low)
        post, receptor = self.learning.projection.post.population, self.learning.projection.receptor
        table = Table.of(
            NORMALISE, targets=self.rows.targets, weights=weights, slot=self.part.slots[post.number, receptor],
            total=np.array([total]), sums=np.zeros(neurons), factors=np.ones(neurons, weights.dtype),
            neurons=neurons,
        )  # fmt: skip
        invoke(native(normalise_columns, str(weights.dtype), target=self.rows.target), table, hi=len(weights))

    def of_synapses(self, name: str) -> NDArray[Any]:
        """Weights, "w", or a state of each synapse, in the order of rows."""
        return self.rows.weights if name == "w" else self.arrays[name]

    def receive(self, receptor: str, values: NDArray[Any]) -> None:
        """Add to an input of the neurons, of which `values` has those of the population."""
        part, number = self.part, self.learning.projection.post.population.number
        low, high = self.bounds
        for run in range(len(self.learning.seeds)):
            slot = run * part.inputs + part.slots[number, receptor]
            part.buffer[slot : slot + high - low] += values[low:high].astype(part.buffer.dtype)

    def synapses(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Of each synapse, in the order of rows: source and target in their populations, delay as the engine counts."""
        columns, (low, _) = self.columns, self.bounds
        counts = self.rows.segments[:, 0].astype(np.int64)
        segment = np.repeat(np.arange(len(counts)), counts)
        slot = self.part.slots[self.learning.projection.post.population.number, self.learning.projection.receptor]
        post = np.asarray(self.rows.targets).astype(np.int64) - slot + low
        return columns.source[segment].astype(np.int64), post, columns.delay[segment].astype(np.int64)
