"""The loop over events, in the kernel language (see `_words.py`).

What happens at the same time, or within a tolerance after it, is one instant: all that arrives is added, then the
threshold is looked at, then those who spike are reset, then their next spikes are foreseen. Without delay, what arrives
in consequence is another instant at the same time.
"""

from __future__ import annotations

from typing import Any

from ._event_driven_heaps import launch, restore, settle
from ._event_driven_tables import COUNTS, KIND, LOOP
from ._words import call, float64_at, int64, int64_at, load, math, store, uint8, uint8_at


def touch(table: Any, unit: Any) -> None:
    """Something happens to unit `unit` now: bring it up to date, once in an instant."""
    counts, marks = int64_at(load(table, LOOP.counts)), int64_at(load(table, LOOP.marks))
    if load(marks, unit) != load(counts, COUNTS.instant):
        store(marks, unit, load(counts, COUNTS.instant))
        store(int64_at(load(table, LOOP.touched)), load(counts, COUNTS.touched), unit)
        store(counts, COUNTS.touched, load(counts, COUNTS.touched) + 1)
        kind = int64_at(load(int64_at(load(table, LOOP.kinds)), load(int64_at(load(table, LOOP.kind_of)), unit)))
        call(load(kind, KIND.move), kind, unit - load(kind, KIND.first), 0, 0)


def arrive(table: Any) -> None:
    """Add all that arrives now, in the order in which it set out."""
    clock, counts = float64_at(load(table, LOOP.clock)), int64_at(load(table, LOOP.counts))
    now, late = load(clock, 0), load(clock, 0) + load(clock, 2)
    kind_of, kinds = int64_at(load(table, LOOP.kind_of)), int64_at(load(table, LOOP.kinds))
    times, synapses = float64_at(load(table, LOOP.flight_time)), int64_at(load(table, LOOP.flight_synapse))
    stops, origins = int64_at(load(table, LOOP.flight_stop)), float64_at(load(table, LOOP.flight_origin))
    targets, weights = int64_at(load(table, LOOP.targets)), float64_at(load(table, LOOP.weights))
    delays, inputs = float64_at(load(table, LOOP.delays)), int64_at(load(table, LOOP.inputs))
    while load(counts, COUNTS.in_flight) > 0 and load(times, 0) <= late:
        synapse, stop, origin = load(synapses, 0), load(stops, 0), load(origins, 0)
        begin = synapse
        while synapse < stop and origin + load(delays, synapse) <= late:
            unit = load(targets, synapse)
            touch(table, unit)
            kind = int64_at(load(kinds, load(kind_of, unit)))
            i, size = unit - load(kind, KIND.first), load(kind, KIND.dims)
            # What arrives at the end of the refractory period is still in it.
            refractory = (
                now <= load(float64_at(load(kind, KIND.until)), i) and load(float64_at(load(kind, KIND.t_ref)), i) > 0.0
            )
            row = load(int64_at(load(kind, KIND.variant)), i) * load(kind, KIND.input_count) + load(inputs, synapse)
            jump, states = float64_at(load(kind, KIND.jumps)), float64_at(load(kind, KIND.states))
            row = (2 * row + (1 if refractory else 0)) * size
            weight, d = load(weights, synapse), int64(0)
            while d < size:
                store(states, i * size + d, load(states, i * size + d) + weight * load(jump, row + d))
                d += 1
            synapse += 1
        store(counts, COUNTS.delivered, load(counts, COUNTS.delivered) + synapse - begin)
        if synapse < stop:
            store(synapses, 0, synapse)
            store(times, 0, origin + load(delays, synapse))
            settle(table, int64(0))
        else:
            last = load(counts, COUNTS.in_flight) - 1
            store(counts, COUNTS.in_flight, last)
            if last > 0:
                numbers = int64_at(load(table, LOOP.flight_number))
                store(times, 0, load(times, last))
                store(numbers, 0, load(numbers, last))
                store(synapses, 0, load(synapses, last))
                store(stops, 0, load(stops, last))
                store(origins, 0, load(origins, last))
                settle(table, int64(0))


def measure(table: Any, unit: Any) -> Any:
    """How far unit `unit`, which is up to date, is above its threshold."""
    kind = int64_at(load(int64_at(load(table, LOOP.kinds)), load(int64_at(load(table, LOOP.kind_of)), unit)))
    i, size, distance = unit - load(kind, KIND.first), load(kind, KIND.dims), 0.0
    if size > 0:
        states, margin = float64_at(load(kind, KIND.states)), float64_at(load(kind, KIND.margin))
        row, d = load(int64_at(load(kind, KIND.variant)), i) * size, int64(0)
        while d < size:
            distance += load(margin, row + d) * load(states, i * size + d)
            d += 1
        distance -= load(float64_at(load(kind, KIND.theta)), i)
    return distance


def spike(table: Any, unit: Any) -> None:
    """Unit `unit` spikes now: reset it, send the spike on its way, write it down."""
    now, counts = load(float64_at(load(table, LOOP.clock)), 0), int64_at(load(table, LOOP.counts))
    kind = int64_at(load(int64_at(load(table, LOOP.kinds)), load(int64_at(load(table, LOOP.kind_of)), unit)))
    i, size = unit - load(kind, KIND.first), load(kind, KIND.dims)
    if size > 0:
        states, room = float64_at(load(kind, KIND.states)), float64_at(load(table, LOOP.room))
        reset, landing = float64_at(load(kind, KIND.reset)), float64_at(load(kind, KIND.landing))
        row, d = load(int64_at(load(kind, KIND.variant)), i) * size, int64(0)
        while d < size:
            total, e = load(landing, i * size + d), int64(0)
            while e < size:
                total += load(reset, (row + d) * size + e) * load(states, i * size + e)
                e += 1
            store(room, d, total)
            d += 1
        d = int64(0)
        while d < size:
            store(states, i * size + d, load(room, d))
            d += 1
        store(float64_at(load(kind, KIND.until)), i, now + load(float64_at(load(kind, KIND.t_ref)), i))
    store(counts, COUNTS.spikes, load(counts, COUNTS.spikes) + 1)
    if load(uint8_at(load(table, LOOP.wanted)), unit) != uint8(0):
        logged = load(counts, COUNTS.logged)
        store(float64_at(load(table, LOOP.log_time)), logged, now)
        store(int64_at(load(table, LOOP.log_unit)), logged, unit)
        store(counts, COUNTS.logged, logged + 1)
    launch(table, unit)


def gather(table: Any, late: Any) -> None:
    """Touch those who are to spike up to the time `late`; rounding may leave them short of the threshold."""
    nexts, heap = float64_at(load(table, LOOP.next)), int64_at(load(table, LOOP.heap))
    short = float64_at(load(table, LOOP.short))
    while load(nexts, load(heap, 0)) <= late:
        unit = load(heap, 0)
        touch(table, unit)
        store(short, unit, min(measure(table, unit), 0.0))
        store(nexts, unit, math.inf)
        restore(table, unit)


def decide(table: Any) -> None:
    """Who of those touched spikes; then when each will next."""
    counts, now = int64_at(load(table, LOOP.counts)), load(float64_at(load(table, LOOP.clock)), 0)
    nexts, short = float64_at(load(table, LOOP.next)), float64_at(load(table, LOOP.short))
    kind_of, kinds = int64_at(load(table, LOOP.kind_of)), int64_at(load(table, LOOP.kinds))
    touched, count, k = int64_at(load(table, LOOP.touched)), load(counts, COUNTS.touched), int64(0)
    while k < count:
        unit = load(touched, k)
        kind = int64_at(load(kinds, load(kind_of, unit)))
        i = unit - load(kind, KIND.first)
        free = load(kind, KIND.dims) == 0 or load(float64_at(load(kind, KIND.until)), i) <= now
        if free and measure(table, unit) - load(short, unit) >= 0.0:
            spike(table, unit)
        store(short, unit, 0.0)
        k += 1
    k = int64(0)
    while k < count:
        unit = load(touched, k)
        kind = int64_at(load(kinds, load(kind_of, unit)))
        before = load(nexts, unit)
        call(load(kind, KIND.foresee), kind, unit - load(kind, KIND.first), 0, 0)
        if load(nexts, unit) != before:
            restore(table, unit)
        k += 1


def run_events(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Instant after instant until the time is over, or for lack of room, or for a pause; why is in the counts."""
    clock, counts, units = (
        float64_at(load(table, LOOP.clock)),
        int64_at(load(table, LOOP.counts)),
        load(table, LOOP.units),
    )
    nexts, heap = float64_at(load(table, LOOP.next)), int64_at(load(table, LOOP.heap))
    times, stopped = float64_at(load(table, LOOP.flight_time)), int64(-1)
    while stopped < 0:
        arrival = load(times, 0) if load(counts, COUNTS.in_flight) > 0 else math.inf
        now = min(load(nexts, load(heap, 0)), arrival)
        full = load(counts, COUNTS.in_flight) + units > load(table, LOOP.flight_room)
        full = full or load(counts, COUNTS.logged) + units > load(table, LOOP.log_room)
        full = full or load(counts, COUNTS.instant) >= load(table, LOOP.pause)
        if not now <= load(clock, 1):
            stopped = int64(0)
        elif full:
            stopped = int64(1)
        elif load(counts, COUNTS.rounds) > load(table, LOOP.most_rounds):
            stopped = int64(2)
        else:
            store(counts, COUNTS.rounds, load(counts, COUNTS.rounds) + 1 if now == load(clock, 0) else int64(0))
            store(clock, 0, now)
            store(counts, COUNTS.instant, load(counts, COUNTS.instant) + 1)
            store(counts, COUNTS.touched, int64(0))
            gather(table, now + load(clock, 2))
            if arrival <= now + load(clock, 2):
                arrive(table)
            decide(table)
    store(counts, COUNTS.stopped, stopped)
