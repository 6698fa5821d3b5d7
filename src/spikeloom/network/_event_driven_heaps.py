"""The two heaps of the loop over events, in the kernel language (see `_words.py`).

One has all neurons and channels by the time of their next spike, as it is foreseen; it knows the place of each. The
other has the spikes in flight by the next time at which they arrive somewhere.
"""

from __future__ import annotations

from typing import Any

from ._event_driven_tables import COUNTS, LOOP
from ._words import float64_at, int64_at, load, store


def restore(table: Any, unit: Any) -> None:
    """Unit `unit` has another next spike: put it where it belongs in the heap; equal times in the order of units."""
    nexts, heap, place = (
        float64_at(load(table, LOOP.next)),
        int64_at(load(table, LOOP.heap)),
        int64_at(load(table, LOOP.place)),
    )
    units = load(table, LOOP.units)
    time, here = load(nexts, unit), load(place, unit)
    up = True
    while up and here > 0:
        above = (here - 1) >> 1
        other = load(heap, above)
        t = load(nexts, other)
        up = time < t or (time == t and unit < other)
        if up:
            store(heap, here, other)
            store(place, other, here)
            here = above
    down = True
    while down:
        below = 2 * here + 1
        down = below < units
        if down:
            other = load(heap, below)
            t = load(nexts, other)
            if below + 1 < units:
                right = load(heap, below + 1)
                s = load(nexts, right)
                if s < t or (s == t and right < other):
                    below, other, t = below + 1, right, s
            down = t < time or (t == time and other < unit)
            if down:
                store(heap, here, other)
                store(place, other, here)
                here = below
    store(heap, here, unit)
    store(place, unit, here)


def settle(table: Any, place: Any) -> None:
    """The spike in flight at place `place` has another time: move it up or down to where it belongs."""
    times, numbers = float64_at(load(table, LOOP.flight_time)), int64_at(load(table, LOOP.flight_number))
    synapses, stops = int64_at(load(table, LOOP.flight_synapse)), int64_at(load(table, LOOP.flight_stop))
    origins, count = float64_at(load(table, LOOP.flight_origin)), load(int64_at(load(table, LOOP.counts)), 0)
    here = place
    time, number = load(times, here), load(numbers, here)
    synapse, stop, origin = load(synapses, here), load(stops, here), load(origins, here)
    going = True
    while going:
        other = (here - 1) >> 1
        going = False
        if here > 0:
            t = load(times, other)
            going = time < t or (time == t and number < load(numbers, other))
        if not going:
            other = 2 * here + 1
            if other < count:
                t = load(times, other)
                if other + 1 < count:
                    s = load(times, other + 1)
                    if s < t or (s == t and load(numbers, other + 1) < load(numbers, other)):
                        other, t = other + 1, s
                going = t < time or (t == time and load(numbers, other) < number)
        if going:
            store(times, here, load(times, other))
            store(numbers, here, load(numbers, other))
            store(synapses, here, load(synapses, other))
            store(stops, here, load(stops, other))
            store(origins, here, load(origins, other))
            here = other
    store(times, here, time)
    store(numbers, here, number)
    store(synapses, here, synapse)
    store(stops, here, stop)
    store(origins, here, origin)


def launch(table: Any, unit: Any) -> None:
    """A spike of unit `unit` sets out now."""
    counts, row = int64_at(load(table, LOOP.counts)), int64_at(load(table, LOOP.row_start))
    first, stop = load(row, unit), load(row, unit + 1)
    if first < stop:
        now, here = load(float64_at(load(table, LOOP.clock)), 0), load(counts, COUNTS.in_flight)
        store(float64_at(load(table, LOOP.flight_time)), here, now + load(float64_at(load(table, LOOP.delays)), first))
        store(int64_at(load(table, LOOP.flight_number)), here, load(counts, COUNTS.launched))
        store(int64_at(load(table, LOOP.flight_synapse)), here, first)
        store(int64_at(load(table, LOOP.flight_stop)), here, stop)
        store(float64_at(load(table, LOOP.flight_origin)), here, now)
        store(counts, COUNTS.in_flight, here + 1)
        store(counts, COUNTS.launched, load(counts, COUNTS.launched) + 1)
        settle(table, here)
