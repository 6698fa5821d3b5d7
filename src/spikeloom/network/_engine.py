"""The engine: a network laid out for its kernels, and the loop that runs them."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ..compile import Table, invoke, native, step_kernel
from ..neurons import Neuron
from ._engine_kernels import (
    ADVANCE,
    COLLECT,
    CONTROL,
    PART,
    QUEUE,
    STOPPED,
    advance,
    collect,
    take_in,
)
from ._in_flight import InFlight, put_in, taken_out
from ._partition import edges_of
from ._rows import RowBuilder, Rows, bundles_of, slots_of
from ._seeds import POPULATION, subseed
from ._shared_run import run_on_ranks
from ._watch import watch_units
from .population import Population

if TYPE_CHECKING:
    from .network import Network

# Spikes that fit into a queue at first; it grows when full.
_QUEUE = 1 << 10
# Most spikes of one interval that an outbox has room for.
_BOX = 1 << 22
# Neurons for which a second part is worth its overhead.
_PART = 512


class Unit(NamedTuple):
    """A kernel that a part calls once a step."""

    address: int
    table: Table
    low: int = 0
    high: int = 0


class Spikes(NamedTuple):
    """Spikes in the order in which they happened: step, population times runs, neuron."""

    step: NDArray[np.int32]
    lane: NDArray[np.int32]
    neuron: NDArray[np.int32]


@dataclass
class Box:
    """The outbox of a part: who spiked, by step of the interval and lane; two, in turns."""

    ids: tuple[NDArray[np.int32], NDArray[np.int32]]
    places: tuple[NDArray[np.int32], NDArray[np.int32]]

    @classmethod
    def of(cls, capacity: int, interval: int, lanes: int) -> Box:
        """An empty one."""
        ids = tuple(np.empty(capacity, dtype=np.int32) for _ in range(2))
        places = tuple(np.zeros(interval * lanes + 1, dtype=np.int32) for _ in range(2))
        return cls(ids, places)  # type: ignore[arg-type]

    def table(self) -> Table:
        """As kernels see it."""
        return Table(*self.ids, *self.places)


@dataclass
class Queue:
    """Spikes in flight to one part over the rows of one bundle."""

    rows: Rows
    deliver: int
    take_in: int
    table: Table
    capacity: int = 0


@dataclass
class Part:
    """Some neurons of every population, and the synapses on them."""

    number: int
    bounds: dict[int, tuple[int, int]]
    slots: dict[tuple[int, str], int]
    # Inputs of one run; the buffer holds those of all runs, one after the other.
    inputs: int
    buffer: NDArray[Any]
    box: Box
    control: NDArray[np.int64] = field(default_factory=lambda: np.array([0, 0, 0, 0, -1, 0, 0], dtype=np.int64))
    rows: list[Rows] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    log: tuple[NDArray[np.int32], ...] = ()
    log_per_step: int = 0
    table: Table = field(default_factory=Table)
    kept: list[Any] = field(default_factory=list)

    def neurons(self) -> int:
        """How many it has."""
        return sum(high - low for low, high in self.bounds.values())

    def input_address(self, population: Population, name: str, run: int) -> int:
        """Where input `name` of neuron 0 of the population would be; that of the part's first is in the buffer."""
        slot = run * self.inputs + self.slots[population.number, name] - self.bounds[population.number][0]
        return int(self.buffer.ctypes.data) + slot * self.buffer.itemsize


class Engine:
    """Built once from a network; rebuilt when the network changes."""

    def __init__(self, network: Network, threads: int) -> None:
        self.network, self.threads = network, threads
        self.dtype = str(network.dtype).removeprefix("torch.")
        self.batch, self.populations = network.batch, list(network.populations)
        self.lanes = len(self.populations) * self.batch
        self.bundles = bundles_of(network.projections)
        shortest = min((b.shortest for b in self.bundles), default=1 << 30)
        widest = max(1, sum(p.size for p in self.populations) * self.batch)
        looking = min((device.longest_interval for device, _ in network.devices), default=1000)
        self.interval = max(1, min(shortest, _BOX // widest, 1000, looking))
        self.longest = max((b.longest for b in self.bundles), default=1)
        # As many parts on each rank; outboxes of all ranks, those of others are filled by what they send.
        self.ranks, total = network.ranks, network.ranks.size * threads
        self.edges = edges_of([p.size for p in self.populations], total)
        self.boxes = [self._box(number) for number in range(total)]
        self.parts = self._parts(threads)
        self._in_parallel(self._build_rows, self.parts)
        for part in self.parts:
            self._equip(part)
        self._connect_boxes()
        self.pending = 0

    def _parts(self, count: int) -> list[Part]:
        found = []
        for number in range(count * self.ranks.number, count * (self.ranks.number + 1)):
            bounds = {p.number: (e[number], e[number + 1]) for p, e in zip(self.populations, self.edges, strict=True)}
            slots, size = slots_of(self.populations, bounds)
            # Also of a part without inputs, since a spike in a queue tells its run by where the inputs begin.
            size = max(size, 16)
            buffer = np.zeros(size * self.batch + 16, dtype=self.dtype)
            found.append(Part(number, bounds, slots, size, buffer, self.boxes[number]))
        return found

    def _box(self, number: int) -> Box:
        neurons = sum(edges[number + 1] - edges[number] for edges in self.edges) * self.batch
        return Box.of(neurons * self.interval, self.interval, self.lanes)

    def bounds_of(self, rank: int) -> dict[int, tuple[int, int]]:
        """Which neurons of each population a rank has."""
        first, last = rank * self.threads, (rank + 1) * self.threads
        return {p.number: (e[first], e[last]) for p, e in zip(self.populations, self.edges, strict=True)}

    def _in_parallel(self, work: Callable[[Part], None], parts: Sequence[Part]) -> None:
        with ThreadPoolExecutor(max(1, min(len(parts), self.threads))) as pool:
            list(pool.map(work, parts))

    def _build_rows(self, part: Part) -> None:
        for bundle in self.bundles:
            part.rows.append(RowBuilder(bundle, part.bounds, part.slots, part.inputs, self.dtype).build())

    def _equip(self, part: Part) -> None:
        part.queues = [self._queue(part, rows) for rows in part.rows]
        part.units = [Unit(q.deliver, q.table) for q in part.queues]
        for device, target in self.network.devices:
            for run in range(self.batch):
                part.units += device.units(self, part, target, run)
        for population in self.populations:
            if part.bounds[population.number][0] < part.bounds[population.number][1]:
                for run in range(self.batch):
                    part.units += self.update_units(part, population, run)
                    part.units += watch_units(self, part, population, run)
        part.units.append(self._collector(part))
        for device, target in self.network.devices:
            for run in range(self.batch):
                part.units += device.late_units(self, part, target, run)
        for recorder in self.network.recorders:
            for run in range(self.batch):
                part.units += recorder.units(self, part, run)

    def update_units(self, part: Part, population: Population, run: int) -> list[Unit]:
        """The step of one population."""
        neuron = population.neuron
        if not isinstance(neuron, Neuron):
            return neuron.channels(self, part, population, run)
        values = population.parameters
        tensors = frozenset(n for n, v in values.items() if isinstance(v, torch.Tensor) and v.dim())
        kernel = step_kernel(neuron, tensors, self.network.dtype, spikes=neuron.spiking)
        constants = kernel.constants(neuron, values, self.network.dtype)
        given: dict[str, Any] = {f"state_{name}": array[run] for name, array in population.states.items()}
        given |= {f"in_{name}": part.input_address(population, name, run) for name in neuron.inputs}
        for name, value in constants.items():
            given[name] = value[run] if value.ndim > 1 and len(value) > 1 else value.reshape(-1)
        given["fired"] = population.fired[run]
        given["seed"] = subseed(self.network.seed, POPULATION, population.number, run)
        low, high = part.bounds[population.number]
        return [Unit(kernel.address, Table(*(given[name] for name in kernel.entries)), low, high)]

    def _queue(self, part: Part, rows: Rows) -> Queue:
        bundle = rows.bundle
        ring = 1 << (bundle.longest + self.interval + 1).bit_length()
        lanes = np.full(self.lanes, -1, dtype=np.int64)
        bases = np.zeros(self.lanes, dtype=np.int64)
        for place, population in enumerate(self.populations):
            for run in range(self.batch):
                lanes[place * self.batch + run] = bundle.first_row.get(population.number, -1)
                bases[place * self.batch + run] = run * part.inputs
        begin, soon = np.zeros(ring, dtype=np.int64), np.full(ring, 0x7FFFFFFF, dtype=np.int64)
        take = native(take_in)
        table = Table.of(
            QUEUE, begin=begin, soon=soon, ring_mask=ring - 1, longest=bundle.longest, segments=rows.segments,
            targets=rows.targets, weights=rows.weights, buffer=part.buffer, row_of_lane=lanes, take_in=take,
            base_of_lane=bases, row_segment=rows.row_segment, row_place=rows.row_place,
        )  # fmt: skip
        queue = Queue(rows, native(rows.deliver, self.dtype, target=rows.target), take, table)
        self.resize(queue, _QUEUE)
        return queue

    def resize(self, queue: Queue, capacity: int) -> None:
        """More room, with what is in flight."""
        kinds = (np.int32, np.int32, np.int64, np.int64, np.int64)
        old = queue.table.kept[:5]
        mask, former = capacity - 1, queue.capacity
        begin = queue.table.kept[QUEUE.begin]
        for place, kind in enumerate(kinds):
            array = np.zeros(capacity, dtype=kind)
            if former:
                used = np.arange(max(0, int(begin.max()) - former), int(begin.max()))
                array[used & mask] = old[place][used & (former - 1)]
            queue.table[place] = array
        queue.table[QUEUE.mask] = mask
        queue.table[QUEUE.found] = np.empty(capacity, dtype=np.int64)
        queue.capacity = capacity

    def _collector(self, part: Part) -> Unit:
        lanes = [(p, run) for p in self.populations for run in range(self.batch)]
        fired = np.array([p.fired[run].ctypes.data for p, run in lanes], dtype=np.int64)
        lows = np.array([part.bounds[p.number][0] for p, _ in lanes], dtype=np.int64)
        highs = np.array([part.bounds[p.number][1] for p, _ in lanes], dtype=np.int64)
        logged = [self.network.logged(p) for p, _ in lanes]
        wanted = np.array([0 if mask is None else mask.ctypes.data for mask in logged], dtype=np.int64)
        part.kept += [fired, lows, highs, logged, wanted]
        sizes = (highs - lows)[[mask is not None for mask in logged]]
        most = int(sizes.sum())
        capacity = max(1 << 16, 4 * int(most) * self.interval)
        part.log = tuple(np.empty(capacity, dtype=np.int32) for _ in range(3))
        part.log_per_step = int(most)
        table = Table(part.control, *part.box.ids, *part.box.places, self.lanes, fired, lows, highs, wanted, *part.log)
        assert len(table.numbers) == len(COLLECT)
        return Unit(native(collect), table)

    def _connect_boxes(self) -> None:
        boxes = [box.table() for box in self.boxes]
        for part in self.parts:
            units = np.array([n for u in part.units for n in (u.address, u.table.address, u.low, u.high)], np.int64)
            queues = np.array([q.table.address for q in part.queues] or [0], np.int64)
            inboxes = np.array([box.address for box in boxes], np.int64)
            part.kept += [units, queues, inboxes, boxes]
            part.table = Table.of(
                PART, units=units, unit_count=len(part.units), queues=queues, queue_count=len(part.queues),
                control=part.control, boxes=inboxes, box_count=len(boxes), lanes=self.lanes,
                log_capacity=len(part.log[0]), log_per_step=part.log_per_step,
            )  # fmt: skip

    def run(self, first: int, steps: int, threads: int) -> tuple[int, str]:
        """Run up to `steps` steps; returns how many were run, and why it stopped."""
        return (self.advance if self.ranks.size == 1 else partial(run_on_ranks, self))(first, steps, threads)

    def advance(self, first: int, steps: int, threads: int) -> tuple[int, str]:
        """The same, for the parts of this rank; if there are others, at most an interval."""
        for device, target in self.network.devices:
            device.begin(target, first)
        for population in self.populations:
            if not isinstance(population.neuron, Neuron):
                population.neuron.check(population)
        meeting, stops = np.zeros(8, np.int64), np.zeros(16 * threads, np.int64)
        tables = []
        for thread in range(threads):
            own = [part.table for part in self.parts[thread::threads]]
            addresses = np.array([table.address for table in own], np.int64)
            table = Table.of(
                ADVANCE, parts=addresses, part_count=len(own), first=first, steps=steps, interval=self.interval,
                threads=threads, meeting=meeting, yielding=_yielding(), stops=stops, thread=thread,
                pending=self.pending, remote=self.ranks.size > 1,
            )  # fmt: skip
            tables.append(table)
        address = native(advance)
        if threads == 1:
            invoke(address, tables[0])
        else:
            pool = _pool(threads - 1)
            others = [pool.submit(invoke, address, table) for table in tables[1:]]
            invoke(address, tables[0])
            for other in others:
                other.result()
        done, reason = tables[0][ADVANCE.reached], STOPPED[tables[0][ADVANCE.reason]]
        self.pending = tables[0][ADVANCE.pending]
        if reason == "queue":
            for part in self.parts:
                for queue in part.queues:
                    self.resize(queue, queue.capacity * 2)
        return done, reason

    def take_log(self) -> Spikes:
        """The recorded spikes since the last time, in order."""
        found = []
        for part in self.parts:
            count = int(part.control[CONTROL.logged])
            found.append(np.stack([array[:count] for array in (part.log[2], part.log[1], part.log[0])]))
            part.control[CONTROL.logged] = 0
        if len(found) == 1:
            return Spikes(*found[0].copy())
        merged = np.concatenate(found, axis=1)
        # Each log is in order already, and parts are in the order of neurons: merging runs is all there is to do.
        when = merged[0].astype(np.int64) * self.lanes + merged[1]
        return Spikes(*merged[:, np.argsort(when, kind="stable")])

    def in_flight(self, now: int) -> InFlight:
        """The spikes before step `now` that are still to arrive."""
        return taken_out(self, now)

    def resume(self, spikes: InFlight, now: int) -> None:
        """Begin with step `now`, with spikes in flight; before the first run."""
        put_in(self, spikes, now)

    def memory(self) -> int:
        """Bytes of synapses."""
        return sum(rows.bytes for part in self.parts for rows in part.rows)


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="spikeloom-network")


@cache
def _yielding() -> int:
    """Address of the function of the system that lets another thread go first."""
    if sys.platform == "win32":
        function = ctypes.WinDLL("kernel32").SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    address: int = ctypes.cast(function, ctypes.c_void_p).value or 0
    return address
