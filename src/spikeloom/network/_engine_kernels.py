"""The kernels that make a network advance, in the kernel language (see `_words.py`).

A network is divided into parts, each with neurons of every population. A part has a list of units, kernels that are
called once a step: arriving spikes are delivered, devices add to inputs, populations are updated, and `collect` writes
who spiked into the part's outbox. After an interval, which no delay is shorter than, all threads meet, and each part
copies the outboxes of all parts, in the order of steps and populations, into its queues of spikes in flight.
"""

from __future__ import annotations

from typing import Any

from ._words import (
    at,
    bool_at,
    call,
    call_plain,
    fetch_add,
    int32,
    int32_at,
    int64,
    int64_at,
    load,
    load_acquire,
    pause,
    prefetch,
    real_at,
    store,
    target_at,
)

# Entries of the table of `advance`, one table per thread.
ADVANCE = (
    "parts",  # tables of this thread's parts
    "part_count",
    "first",  # the step to begin with
    "steps",
    "interval",
    "threads",
    "meeting",  # count of arrivals, shared by all threads
    "yielding",  # address of the function that yields to the scheduler
    "reached",  # out: steps that were run
    "reason",  # out: why it stopped, see STOPPED
    "stops",  # shared: for each thread, two numbers of intervals at whose end it wants to stop
    "thread",
    "met",  # how often the threads have met in this call; 0 at the beginning
    "pending",  # whether the last interval's spikes still have to be copied
    "pending_steps",
)
STOPPED = ("done", "queue", "log", "nan")

# Entries of the table of a part.
PART = (
    "units",  # address of kernel, table, lo, hi for each
    "unit_count",
    "queues",  # tables of its queues
    "queue_count",
    "control",  # int64: see CONTROL
    "boxes",  # tables of the outboxes of all parts, also of other ranks
    "box_count",
    "lanes",  # populations times independent runs
    "log_capacity",
    "log_per_step",  # at most so many spikes are logged in a step
    "queue_capacity",
)
# What a part's kernels tell each other.
CONTROL = ("parity", "start", "count", "logged", "nan_unit")


def advance(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Run intervals until all steps are done, or something is full."""
    parts, part_count = int64_at(load(table, 0)), load(table, 1)
    first, steps, interval = load(table, 2), load(table, 3), load(table, 4)
    threads, meeting, yielding = load(table, 5), int64_at(load(table, 6)), load(table, 7)
    stops, thread = int64_at(load(table, 10)), load(table, 11)
    met = load(table, 12)
    pending, pending_steps = load(table, 13), load(table, 14)
    now, last = first, first + steps
    reason = int64(0)
    going = True
    while going:
        if pending != 0:
            p = int64(0)
            room = True
            while p < part_count:
                part = int64_at(load(parts, p))
                control = int64_at(load(part, 4))
                boxes = int64_at(load(part, 5))
                lanes = load(part, 7)
                total = int64(0)
                b = int64(0)
                while b < load(part, 6):
                    box = int64_at(load(boxes, b))
                    places = int32_at(load(box, 2 + load(control, 0)))
                    total += load(places, pending_steps * lanes)
                    b += 1
                q = int64(0)
                while q < load(part, 3):
                    queue = int64_at(load(int64_at(load(part, 2)), q))
                    oldest = load(int64_at(load(queue, 5)), (now - load(queue, 9)) & load(queue, 8))
                    newest = load(int64_at(load(queue, 5)), (now - pending_steps) & load(queue, 8))
                    if newest - oldest + total > load(queue, 7) + 1:
                        room = False
                    q += 1
                p += 1
            if not room:
                reason = int64(1)
                going = False
            else:
                p = int64(0)
                while p < part_count:
                    part = int64_at(load(parts, p))
                    q = int64(0)
                    while q < load(part, 3):
                        queue = int64_at(load(int64_at(load(part, 2)), q))
                        call(load(queue, 15), queue, load(parts, p), pending_steps, now - pending_steps)
                        q += 1
                    control = int64_at(load(part, 4))
                    store(control, 0, int64(1) - load(control, 0))
                    p += 1
                pending = int64(0)
        if going and now >= last:
            going = False
        if going:
            size = min(interval, last - now)
            wish = int64(0)
            p = int64(0)
            while p < part_count:
                part = int64_at(load(parts, p))
                control = int64_at(load(part, 4))
                units, unit_count = int64_at(load(part, 0)), load(part, 1)
                store(control, 1, now)
                store(control, 2, int64(0))
                t = now
                while t < now + size:
                    u = int64(0)
                    while u < unit_count:
                        k = 4 * u
                        call(load(units, k), int64_at(load(units, k + 1)), load(units, k + 2), load(units, k + 3), t)
                        u += 1
                    t += 1
                if load(control, 3) + load(part, 9) * interval > load(part, 8):
                    wish = max(wish, int64(2))
                if load(control, 4) >= 0:
                    wish = int64(3)
                p += 1
            met += 1
            if wish != 0:
                store(stops, 4 * (2 * thread + (met & 1)), 4 * met + wish)
            if threads > 1:
                fetch_add(meeting, int64(1))
                spins = int64(0)
                while load_acquire(meeting) < met * threads:
                    pause()
                    spins += 1
                    if spins > 2000:
                        call_plain(yielding)
            q = int64(0)
            while q < threads:
                found = load(stops, 4 * (2 * q + (met & 1)))
                if found >> 2 == met:
                    going = False
                    reason = max(reason, found & 3)
                q += 1
            now += size
            pending, pending_steps = int64(1), size
    store(table, 8, now - first)
    store(table, 9, reason)
    store(table, 13, pending)
    store(table, 14, pending_steps)


# Entries of the table of a queue: spikes in flight to the targets of one part, from sources with rows of one kind.
QUEUE = (
    "rows",
    "due",  # step at whose beginning the next segment arrives
    "cursor",  # which segment that is
    "place",  # where its synapses begin
    "base",  # where the inputs of the spike's run begin in the buffer
    "begin",  # by step of emission: where the spikes of that step begin
    "soon",  # by step of emission: the earliest due
    "mask",  # capacity - 1; a power of two
    "ring_mask",  # of begin and soon
    "longest",  # delay
    "segments",  # count and delay of each
    "targets",
    "weights",  # per synapse, or per segment
    "buffer",
    "row_of_lane",  # -1 where the lane has no rows here
    "take_in",  # address of the kernel that copies spikes into the queue
    "base_of_lane",
    "row_segment",  # by row: the first segment
    "row_place",  # by row: the first synapse
    "found",  # room for the indices of what is due
)


def take_in(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Copy the spikes of `hi` steps from `step` on from all outboxes; `lo` is the table of the part."""
    part = int64_at(lo)
    boxes, box_count, lanes = int64_at(load(part, 5)), load(part, 6), load(part, 7)
    parity = load(int64_at(load(part, 4)), 0)
    rows, due, cursor = int32_at(load(table, 0)), int32_at(load(table, 1)), int64_at(load(table, 2))
    place, base = int64_at(load(table, 3)), int64_at(load(table, 4))
    begin, soon = int64_at(load(table, 5)), int64_at(load(table, 6))
    mask, ring = load(table, 7), load(table, 8)
    segments = int32_at(load(table, 10))
    row_of_lane, base_of_lane = int64_at(load(table, 14)), int64_at(load(table, 16))
    row_segment, row_place = int64_at(load(table, 17)), int64_at(load(table, 18))
    head = load(begin, step & ring)
    s = int64(0)
    while s < hi:
        emitted = step + s
        store(begin, emitted & ring, head)
        earliest = int64(0x7FFFFFFF)
        lane = int64(0)
        while lane < lanes:
            first_row = load(row_of_lane, lane)
            offset = load(base_of_lane, lane)
            b = int64(0)
            while first_row >= 0 and b < box_count:
                box = int64_at(load(boxes, b))
                ids, places = int32_at(load(box, parity)), int32_at(load(box, 2 + parity))
                k, stop = int64(load(places, s * lanes + lane)), int64(load(places, s * lanes + lane + 1))
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
    """Add the weights of all synapses at which a spike arrives now, one weight for each synapse."""
    due, cursor, place = int32_at(load(table, 1)), int64_at(load(table, 2)), int64_at(load(table, 3))
    base, begin, soon = int64_at(load(table, 4)), int64_at(load(table, 5)), int64_at(load(table, 6))
    mask, ring, longest = load(table, 7), load(table, 8), load(table, 9)
    segments, targets = int32_at(load(table, 10)), target_at(load(table, 11))
    weights, buffer = real_at(load(table, 12)), real_at(load(table, 13))
    found = int64_at(load(table, 19))
    emitted = step - longest
    while emitted < step:
        slot = emitted & ring
        if load(soon, slot) == step:
            k, stop = load(begin, slot), load(begin, (emitted + 1) & ring)
            # First find and fetch, then add: what comes from main memory is asked for all at once.
            count = int64(0)
            while k < stop:
                j = k & mask
                if int64(load(due, j)) == step:
                    store(found, count, j)
                    count += 1
                    p = load(place, j)
                    prefetch(at(targets, p))
                    prefetch(at(weights, p))
                    prefetch(at(weights, p + 16))
                    prefetch(at(segments, 2 * load(cursor, j)))
                k += 1
            n = int64(0)
            while n < count:
                j = load(found, n)
                c, p = load(cursor, j), load(place, j)
                inputs = at(buffer, load(base, j))
                when = step
                while when == step:
                    stop = p + int64(load(segments, 2 * c))
                    while p < stop:
                        target = int64(load(targets, p))
                        store(inputs, target, load(inputs, target) + load(weights, p))
                        p += 1
                    c += 1
                    when = emitted + int64(load(segments, 2 * c + 1))
                store(cursor, j, c)
                store(place, j, p)
                store(due, j, int32(when))
                n += 1
            k, stop = load(begin, slot), load(begin, (emitted + 1) & ring)
            earliest = int64(0x7FFFFFFF)
            while k < stop:
                earliest = min(earliest, int64(load(due, k & mask)))
                k += 1
            store(soon, slot, earliest)
        emitted += 1


def deliver_uniform(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Add the weights of all synapses at which a spike arrives now, one weight for each segment."""
    due, cursor, place = int32_at(load(table, 1)), int64_at(load(table, 2)), int64_at(load(table, 3))
    base, begin, soon = int64_at(load(table, 4)), int64_at(load(table, 5)), int64_at(load(table, 6))
    mask, ring, longest = load(table, 7), load(table, 8), load(table, 9)
    segments, targets = int32_at(load(table, 10)), target_at(load(table, 11))
    weights, buffer = real_at(load(table, 12)), real_at(load(table, 13))
    emitted = step - longest
    while emitted < step:
        slot = emitted & ring
        if load(soon, slot) == step:
            k, stop_k = load(begin, slot), load(begin, (emitted + 1) & ring)
            earliest = int64(0x7FFFFFFF)
            while k < stop_k:
                j = k & mask
                when = int64(load(due, j))
                if when == step:
                    following = (k + 2) & mask
                    prefetch(at(targets, load(place, following)))
                    c, p = load(cursor, j), load(place, j)
                    inputs = at(buffer, load(base, j))
                    while when == step:
                        stop = p + int64(load(segments, 2 * c))
                        w = load(weights, c)
                        while p < stop:
                            target = int64(load(targets, p))
                            store(inputs, target, load(inputs, target) + w)
                            p += 1
                        c += 1
                        when = emitted + int64(load(segments, 2 * c + 1))
                    store(cursor, j, c)
                    store(place, j, p)
                    store(due, j, int32(when))
                earliest = min(earliest, when)
                k += 1
            store(soon, slot, earliest)
        emitted += 1


# Entries of the table of `collect`.
COLLECT = (
    "control",
    "ids_even",  # outbox
    "ids_odd",
    "places_even",  # by step of the interval and lane: where its spikes begin
    "places_odd",
    "lanes",
    "fired",  # by lane: address of bytes
    "lows",  # by lane
    "highs",
    "logged",  # by lane: address of a byte per neuron that says whether its spikes are logged; 0 for none
    "log_id",
    "log_lane",
    "log_step",
)


def collect(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Write who spiked in this step into the outbox, and into the log what is recorded."""
    control = int64_at(load(table, 0))
    parity = load(control, 0)
    ids, places = int32_at(load(table, 1 + parity)), int32_at(load(table, 3 + parity))
    lanes = load(table, 5)
    fired, lows, highs = int64_at(load(table, 6)), int64_at(load(table, 7)), int64_at(load(table, 8))
    logged = int64_at(load(table, 9))
    log_id, log_lane, log_step = int32_at(load(table, 10)), int32_at(load(table, 11)), int32_at(load(table, 12))
    row = (step - load(control, 1)) * lanes
    count, log = load(control, 2), load(control, 3)
    lane = int64(0)
    while lane < lanes:
        store(places, row + lane, int32(count))
        flags, low, high = load(fired, lane), load(lows, lane), load(highs, lane)
        bytes_, whole = bool_at(flags), int64_at(flags)
        wanted = load(logged, lane)
        i = low
        while i < high:
            # Eight neurons at once, of which mostly none has spiked; parts begin at multiples of eight.
            if i + 8 <= high and load(whole, i >> 3) == 0:
                i += 8
            else:
                stop = min(i + 8, high)
                while i < stop:
                    if load(bytes_, i) != 0:
                        store(ids, count, int32(i))
                        count += 1
                        if wanted != 0 and load(bool_at(wanted), i) != 0:
                            store(log_id, log, int32(i))
                            store(log_lane, log, int32(lane))
                            store(log_step, log, int32(step))
                            log += 1
                    i += 1
        lane += 1
    store(places, row + lanes, int32(count))
    store(control, 2, count)
    store(control, 3, log)
