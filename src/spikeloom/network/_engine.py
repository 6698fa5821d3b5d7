"""The engine: a network laid out for its kernels, and the loop that runs them."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, Any

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
)
from ._in_flight import InFlight, put_in, taken_out
from ._partition import edges_of
from ._parts import Box, Part, Queue, Spikes, Unit
from ._plastic_part import PlasticPart
from ._rows import RowBuilder, bundles_of, slots_of
from ._seeds import POPULATION, subseed
from ._shared_run import run_on_ranks, share_arrays
from ._watch import watch_unit
from .population import Population

if TYPE_CHECKING:
    from .network import Network

# Most spikes of one interval that an outbox has room for.
_BOX = 1 << 22


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
        for projection in network.projections:
            if (learning := projection.learning) is not None:
                learning.adopt([p for part in self.parts for p in part.plastic if p.learning is learning], network.step)

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
        lanes = [(p, run) for p in self.populations for run in range(self.batch)]
        part.queues = [Queue.of(rows, part, self.interval, lanes, self.dtype) for rows in part.rows]
        part.units = [Unit(q.deliver, q.table) for q in part.queues if q.deliver]
        for device, target in self.network.devices:
            for run in range(self.batch):
                part.units += device.units(self, part, target, run)
        part.units += self._plastic_units(part)
        for population in self.populations:
            if part.bounds[population.number][0] < part.bounds[population.number][1]:
                for run in range(self.batch):
                    part.units += self.update_units(part, population, run)
        part.units += [watch_unit(self, part), self._collector(part)]
        for device, target in self.network.devices:
            for run in range(self.batch):
                part.units += device.late_units(self, part, target, run)
        for recorder in self.network.recorders:
            for run in range(self.batch):
                part.units += recorder.units(self, part, run)

    def _plastic_units(self, part: Part) -> list[Unit]:
        found = []
        for queue in part.queues:
            learning = queue.rows.bundle.learning
            if learning is not None:
                plastic = PlasticPart.of(learning, part, queue.rows)
                part.plastic.append(plastic)
                queue.table[QUEUE.own] = plastic.table
                found += plastic.units(queue)
        return found

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
        for projection in self.network.projections:
            if projection.learning is not None:
                projection.learning.begin()
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
                    queue.resize(queue.capacity * 2)
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

    def share(self, population: Population, arrays: Sequence[NDArray[Any]]) -> None:
        """Every rank has all of what belongs to the neurons of a population; the last axis is that of neurons."""
        if self.ranks.size > 1:
            share_arrays(self, [(population.number, array) for array in arrays])

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
