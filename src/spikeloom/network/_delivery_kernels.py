"""The kernels of spikes in flight, in the kernel language (see `_words.py`): into a queue, and out of it.

What is far apart in memory is asked for before it is needed: waiting for it would be most of the work.
"""

from __future__ import annotations

from typing import Any

from ._engine_kernels import BOX, CONTROL, NO_STEP, PART, QUEUE
from ._words import (
    at,
    int32,
    int32_at,
    int64,
    int64_at,
    load,
    prefetch,
    real_at,
    store,
    target_at,
)


def take_in(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Copy the spikes of `hi` steps from `step` on from all outboxes; `lo` is the table of the part."""
    part = int64_at(lo)
    boxes, box_count, lanes = int64_at(load(part, PART.boxes)), load(part, PART.box_count), load(part, PART.lanes)
    parity = load(int64_at(load(part, PART.control)), CONTROL.parity)
    rows, due, cursor = (
        int32_at(load(table, QUEUE.rows)),
        int32_at(load(table, QUEUE.due)),
        int64_at(load(table, QUEUE.cursor)),
    )
    place, base = int64_at(load(table, QUEUE.place)), int64_at(load(table, QUEUE.base))
    begin, soon = int64_at(load(table, QUEUE.begin)), int64_at(load(table, QUEUE.soon))
    mask, ring = load(table, QUEUE.mask), load(table, QUEUE.ring_mask)
    segments = int32_at(load(table, QUEUE.segments))
    row_of_lane, base_of_lane = int64_at(load(table, QUEUE.row_of_lane)), int64_at(load(table, QUEUE.base_of_lane))
    row_segment, row_place = int64_at(load(table, QUEUE.row_segment)), int64_at(load(table, QUEUE.row_place))
    head = load(begin, step & ring)
    s = int64(0)
    while s < hi:
        emitted = step + s
        store(begin, emitted & ring, head)
        earliest = int64(NO_STEP)
        lane = int64(0)
        while lane < lanes:
            first_row = load(row_of_lane, lane)
            offset = load(base_of_lane, lane)
            b = int64(0)
            while first_row >= 0 and b < box_count:
                box = int64_at(load(boxes, b))
                ids, places = int32_at(load(box, parity)), int32_at(load(box, BOX.places + parity))
                k, stop = int64(load(places, s * lanes + lane)), int64(load(places, s * lanes + lane + 1))
                # Rows are far apart in memory: what is read of them is asked for all at once.
                n = k
                while n < stop:
                    prefetch(at(row_segment, first_row + int64(load(ids, n))))
                    prefetch(at(row_place, first_row + int64(load(ids, n))))
                    n += 1
                n = k
                while n < stop:
                    prefetch(at(segments, 2 * load(row_segment, first_row + int64(load(ids, n)))))
                    n += 1
                while k < stop:
                    row = first_row + int64(load(ids, k))
                    segment = load(row_segment, row)
                    when = emitted + int64(load(segments, 2 * segment + 1))
                    j = head & mask
                    store(rows, j, int32(row))
                    store(due, j, int32(when))
                    store(cursor, j, segment)
                    store(place, j, load(row_place, row))
                    store(base, j, offset)
                    earliest = min(earliest, when)
                    head += 1
                    k += 1
                b += 1
            lane += 1
        store(soon, emitted & ring, earliest)
        s += 1
    store(begin, (step + hi) & ring, head)


def deliver(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Add the weights of all synapses at which a spike arrives now, in the order of emission."""
    begin, soon = int64_at(load(table, QUEUE.begin)), int64_at(load(table, QUEUE.soon))
    due, mask, ring = int32_at(load(table, QUEUE.due)), load(table, QUEUE.mask), load(table, QUEUE.ring_mask)
    found = int64_at(load(table, QUEUE.found))
    emitted = step - load(table, QUEUE.longest)
    while emitted < step:
        slot = emitted & ring
        if load(soon, slot) == step:
            first, stop = load(begin, slot), load(begin, (emitted + 1) & ring)
            count = int64(0)
            k = first
            while k < stop:
                if int64(load(due, k & mask)) == step:
                    store(found, count, k & mask)
                    count += 1
                    fetch_start(table, k & mask)
                k += 1
            n = int64(0)
            while n < count:
                fetch_rest(table, load(found, min(n + 2, count - 1)))
                add_arrivals(table, load(found, n), emitted, step)
                n += 1
            earliest = int64(NO_STEP)
            k = first
            while k < stop:
                earliest = min(earliest, int64(load(due, k & mask)))
                k += 1
            store(soon, slot, earliest)
        emitted += 1


def fetch_start(table: Any, j: Any) -> None:
    """Ask for where a spike's next segment begins, and for what is said of it."""
    c, p = load(int64_at(load(table, QUEUE.cursor)), j), load(int64_at(load(table, QUEUE.place)), j)
    weights = real_at(load(table, QUEUE.weights))
    prefetch(at(int32_at(load(table, QUEUE.segments)), 2 * c))
    prefetch(at(target_at(load(table, QUEUE.targets)), p))
    if load(table, QUEUE.uniform) != 0:
        prefetch(at(weights, c))
    else:
        prefetch(at(weights, p))
        prefetch(at(weights, p + 16))


def fetch_rest(table: Any, j: Any) -> None:
    """Ask for all of the segment, if it is not very long."""
    c, p = load(int64_at(load(table, QUEUE.cursor)), j), load(int64_at(load(table, QUEUE.place)), j)
    targets, weights = target_at(load(table, QUEUE.targets)), real_at(load(table, QUEUE.weights))
    stop = p + min(int64(load(int32_at(load(table, QUEUE.segments)), 2 * c)), int64(2048))
    p += 32
    if load(table, QUEUE.uniform) != 0:
        while p < stop:
            prefetch(at(targets, p))
            p += 32
    else:
        while p < stop:
            prefetch(at(targets, p))
            prefetch(at(weights, p))
            prefetch(at(weights, p + 16))
            p += 32


def add_arrivals(table: Any, j: Any, emitted: Any, step: Any) -> None:
    """Add the weights of a spike's segments that are due, and move its cursor on."""
    cursor, place = int64_at(load(table, QUEUE.cursor)), int64_at(load(table, QUEUE.place))
    segments, targets = int32_at(load(table, QUEUE.segments)), target_at(load(table, QUEUE.targets))
    weights = real_at(load(table, QUEUE.weights))
    inputs = at(real_at(load(table, QUEUE.buffer)), load(int64_at(load(table, QUEUE.base)), j))
    uniform = load(table, QUEUE.uniform) != 0
    c, p = load(cursor, j), load(place, j)
    when = step
    while when == step:
        stop = p + int64(load(segments, 2 * c))
        if uniform:
            w = load(weights, c)
            while p < stop:
                target = int64(load(targets, p))
                store(inputs, target, load(inputs, target) + w)
                p += 1
        else:
            while p < stop:
                target = int64(load(targets, p))
                store(inputs, target, load(inputs, target) + load(weights, p))
                p += 1
        c += 1
        when = emitted + int64(load(segments, 2 * c + 1))
    store(cursor, j, c)
    store(place, j, p)
    store(int32_at(load(table, QUEUE.due)), j, int32(when))
