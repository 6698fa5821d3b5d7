"""Spikes in flight: taken out of an engine, and put into another one of the same network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compile import Table, invoke, native
from ._engine_kernels import CONTROL, NO_STEP, PART, QUEUE
from ._words import int32, int32_at, int64, int64_at, load, store

if TYPE_CHECKING:
    from ._engine import Engine
    from ._parts import Box, Queue


class InFlight(NamedTuple):
    """Who spiked within the longest delay: step, population times runs, neuron; ordered by them."""

    step: NDArray[np.int32]
    lane: NDArray[np.int32]
    neuron: NDArray[np.int32]

    @classmethod
    def of(cls, columns: NDArray[np.int64]) -> InFlight:
        """In order, each once, from rows of step, lane and neuron."""
        unique = np.unique(columns.T.reshape(-1, 3), axis=0).astype(np.int32)
        return cls(*(np.ascontiguousarray(column) for column in unique.T))

    def between(self, first: int, last: int) -> InFlight:
        """Those of steps first ... last - 1."""
        lo, hi = np.searchsorted(self.step, [first, last])
        return InFlight(*(column[lo:hi] for column in self))


def taken_out(engine: Engine, now: int) -> InFlight:
    """The spikes before step `now` that may still arrive somewhere; the engine stays as it is."""
    # Every part has all spikes in its queues.
    queues = engine.parts[0].queues
    longest = np.zeros(engine.lanes, dtype=np.int64)
    for queue in queues:
        reached = queue.table.kept[QUEUE.row_of_lane] >= 0
        longest[reached] = np.maximum(longest[reached], queue.rows.bundle.longest)
    found = [np.zeros((3, 0), dtype=np.int64)]
    found += [_in_queue(engine, queue, now - engine.pending) for queue in queues]
    if engine.pending:
        found += [_in_box(engine, box, now - engine.pending) for box in engine.boxes]
    columns = np.concatenate(found, axis=1)
    return InFlight.of(columns[:, columns[0] >= now - longest[columns[1]]])


def _in_box(engine: Engine, box: Box, first: int) -> NDArray[np.int64]:
    """The spikes of the last interval, which no queue has yet."""
    parity = int(engine.parts[0].control[CONTROL.parity])
    places = box.places[parity][: engine.pending * engine.lanes + 1].astype(np.int64)
    rows = np.repeat(np.arange(len(places) - 1), np.diff(places))
    ids = box.ids[parity][: places[-1]].astype(np.int64)
    return np.stack([first + rows // engine.lanes, rows % engine.lanes, ids])


def _in_queue(engine: Engine, queue: Queue, until: int) -> NDArray[np.int64]:
    """Those of the steps before `until` that are not too old."""
    bundle, table = queue.rows.bundle, queue.table
    begin, ring = table.kept[QUEUE.begin], table[QUEUE.ring_mask]
    steps = np.arange(max(0, until - bundle.longest), until)
    counts = begin[(steps + 1) & ring] - begin[steps & ring]
    slots = (int(begin[steps[0] & ring] if len(steps) else 0) + np.arange(int(counts.sum()))) & table[QUEUE.mask]
    rows, base = (table.kept[entry][slots].astype(np.int64) for entry in (QUEUE.rows, QUEUE.base))
    places = {p.number: place for place, p in enumerate(engine.populations)}
    firsts = np.array(sorted(bundle.first_row.values()), dtype=np.int64)
    numbers = np.array(sorted(bundle.first_row, key=lambda number: bundle.first_row[number]), dtype=np.int64)
    which = np.searchsorted(firsts, rows, side="right") - 1
    population = np.array([places[number] for number in numbers])[which] if len(rows) else rows
    lanes = population * engine.batch + base // engine.parts[0].inputs
    return np.stack([np.repeat(steps, counts), lanes, rows - firsts[which] if len(rows) else rows])


def put_in(engine: Engine, spikes: InFlight, now: int) -> None:
    """Make an engine that was just built, and will begin with step `now`, deliver what is in flight."""
    for part in engine.parts:
        for queue in part.queues:
            first = max(0, queue.rows.bundle.since, now - queue.rows.bundle.longest)
            _fill(engine, queue, spikes.between(first, now), first, now)


def _fill(engine: Engine, queue: Queue, spikes: InFlight, first: int, now: int) -> None:
    while queue.capacity < len(spikes.step):
        queue.resize(queue.capacity * 2)
    places = np.zeros((now - first) * engine.lanes + 1, dtype=np.int32)
    slots = (spikes.step.astype(np.int64) - first) * engine.lanes + spikes.lane
    places[1:] = np.cumsum(np.bincount(slots, minlength=len(places) - 1))
    ids = np.ascontiguousarray(spikes.neuron)
    box = Table(ids, ids, places, places)
    boxes, control = np.array([box.address], dtype=np.int64), np.zeros(len(CONTROL), dtype=np.int64)
    # As a part that has one outbox, of which `take_in` reads only this.
    part = Table.of(PART, control=control, boxes=boxes, box_count=1, lanes=engine.lanes)
    invoke(queue.take_in, queue.table, part.address, now - first, first)
    invoke(native(catch_up), queue.table, first, now, now)


def catch_up(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Of the spikes of steps lo ... hi - 1 skip the segments that have arrived before `step`."""
    due, cursor, place = (
        int32_at(load(table, QUEUE.due)),
        int64_at(load(table, QUEUE.cursor)),
        int64_at(load(table, QUEUE.place)),
    )
    begin, soon = int64_at(load(table, QUEUE.begin)), int64_at(load(table, QUEUE.soon))
    mask, ring = load(table, QUEUE.mask), load(table, QUEUE.ring_mask)
    segments = int32_at(load(table, QUEUE.segments))
    emitted = lo
    while emitted < hi:
        k, stop = load(begin, emitted & ring), load(begin, (emitted + 1) & ring)
        earliest = int64(NO_STEP)
        while k < stop:
            j = k & mask
            c, p = load(cursor, j), load(place, j)
            when = emitted + int64(load(segments, 2 * c + 1))
            while when < step:
                p += int64(load(segments, 2 * c))
                c += 1
                when = emitted + int64(load(segments, 2 * c + 1))
            store(cursor, j, c)
            store(place, j, p)
            store(due, j, int32(when))
            earliest = min(earliest, when)
            k += 1
        store(soon, emitted & ring, earliest)
        emitted += 1
