"""The parts of a network: what one thread works on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compile import Table, native
from ._delivery_kernels import take_in
from ._engine_kernels import NO_STEP, QUEUE
from ._rows import Rows
from .population import Population

# Spikes that fit into a queue at first; it grows when full.
_QUEUE = 1 << 10


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
        even, odd = np.empty((2, capacity), dtype=np.int32)
        first, second = np.zeros((2, interval * lanes + 1), dtype=np.int32)
        return cls((even, odd), (first, second))

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

    @classmethod
    def of(cls, rows: Rows, part: Part, interval: int, lanes: list[tuple[Population, int]], real: str) -> Queue:
        """An empty one; lanes are populations and runs."""
        bundle = rows.bundle
        ring = 1 << (bundle.longest + interval + 1).bit_length()
        begin, soon = np.zeros(ring, dtype=np.int64), np.full(ring, NO_STEP, dtype=np.int64)
        take = native(take_in)
        table = Table.of(
            QUEUE, begin=begin, soon=soon, ring_mask=ring - 1, longest=bundle.longest, segments=rows.segments,
            targets=rows.targets, weights=rows.weights, buffer=part.buffer, take_in=take,
            row_of_lane=np.array([bundle.first_row.get(p.number, -1) for p, _ in lanes], dtype=np.int64),
            uniform=bundle.uniform,
            base_of_lane=np.array([run * part.inputs for _, run in lanes], dtype=np.int64),
            row_segment=rows.row_segment, row_place=rows.row_place,
        )  # fmt: skip
        # Plastic synapses have a kernel of their own.
        address = 0 if bundle.learning is not None else native(rows.deliver, real, target=rows.target)
        queue = cls(rows, address, take, table)
        queue.resize(_QUEUE)
        return queue

    def resize(self, capacity: int) -> None:
        """More room, with what is in flight."""
        kinds = (np.int32, np.int32, np.int64, np.int64, np.int64)
        old, begin = self.table.kept[:5], self.table.kept[QUEUE.begin]
        mask, former = capacity - 1, self.capacity
        for place, kind in enumerate(kinds):
            array = np.zeros(capacity, dtype=kind)
            if former:
                used = np.arange(max(0, int(begin.max()) - former), int(begin.max()))
                array[used & mask] = old[place][used & (former - 1)]
            self.table[place] = array
        self.table[QUEUE.mask] = mask
        self.table[QUEUE.found] = np.empty(capacity, dtype=np.int64)
        self.capacity = capacity


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
    plastic: list[Any] = field(default_factory=list)
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
