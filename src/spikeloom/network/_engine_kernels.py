"""The kernels that make a network advance, in the kernel language (see `_words.py`).

A network is divided into parts, each with neurons of every population. A part has a list of units, kernels that are
called once a step: arriving spikes are delivered, devices add to inputs, populations are updated, and `collect` writes
who spiked into the part's outbox. After an interval, which no delay is shorter than, all threads meet, and each part
copies the outboxes of all parts, in the order of steps and populations, into its queues of spikes in flight.
"""

from __future__ import annotations

from typing import Any

from ..compile import layout
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
    store,
)

ADVANCE = layout(
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
    "pending",  # the last so many steps' spikes still have to be taken in
    "remote",  # whether outboxes of other ranks have to be filled before that: then there is one interval only
)
STOPPED = ("done", "queue", "log", "nan")
QUEUE_FULL, LOG_FULL, NAN_FOUND = 1, 2, 3

PART = layout(
    "units",  # address of kernel, table, lo, hi for each
    "unit_count",
    "queues",  # tables of its queues
    "queue_count",
    "control",  # see CONTROL
    "boxes",  # tables of the outboxes of all parts, also of other ranks
    "box_count",
    "lanes",  # populations times independent runs
    "log_capacity",
    "log_per_step",  # at most so many spikes are logged in a step
)
# What a part's kernels tell each other: which of the two outboxes is in use, the first step of the interval, spikes in
# the outbox and in the log, and the number of a watch that has found NaN, or -1, where and in which step.
CONTROL = layout("parity", "start", "count", "logged", "nan_unit", "nan_neuron", "nan_step")
# An outbox: neurons by parity, then by parity where the spikes of each step and lane begin.
BOX = layout("ids", "ids_odd", "places", "places_odd")


def advance(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Run intervals until all steps are done, or something is full."""
    parts, part_count = int64_at(load(table, ADVANCE.parts)), load(table, ADVANCE.part_count)
    first, interval = load(table, ADVANCE.first), load(table, ADVANCE.interval)
    pending = load(table, ADVANCE.pending)
    now, last = first, first + load(table, ADVANCE.steps)
    met, reason = int64(0), int64(0)
    going = True
    while going:
        if pending > 0:
            if has_room(parts, part_count, now, pending):
                take_all_in(parts, part_count, now, pending)
                pending = int64(0)
            else:
                reason = int64(QUEUE_FULL)
        if reason != 0 or now >= last:
            going = False
        else:
            size = min(interval, last - now)
            wish = run_interval(parts, part_count, now, size, interval)
            met += 1
            reason = meet(table, met, wish)
            now += size
            pending = size
            going = reason == 0 and load(table, ADVANCE.remote) == 0
    store(table, ADVANCE.reached, now - first)
    store(table, ADVANCE.reason, reason)
    store(table, ADVANCE.pending, pending)


def run_interval(parts: Any, part_count: Any, now: Any, size: Any, interval: Any) -> Any:
    """Call all units of all parts in each step; return the reason to stop at the end, or 0."""
    wish = int64(0)
    p = int64(0)
    while p < part_count:
        part = int64_at(load(parts, p))
        control = int64_at(load(part, PART.control))
        units, unit_count = int64_at(load(part, PART.units)), load(part, PART.unit_count)
        store(control, CONTROL.start, now)
        store(control, CONTROL.count, int64(0))
        t = now
        while t < now + size:
            u = int64(0)
            while u < 4 * unit_count:
                call(load(units, u), int64_at(load(units, u + 1)), load(units, u + 2), load(units, u + 3), t)
                u += 4
            t += 1
        # There must be room for the longest interval to come.
        most = load(part, PART.log_per_step) * interval
        if load(control, CONTROL.logged) + most > load(part, PART.log_capacity):
            wish = max(wish, int64(LOG_FULL))
        if load(control, CONTROL.nan_unit) >= 0:
            wish = int64(NAN_FOUND)
        p += 1
    return wish


def meet(table: Any, met: Any, wish: Any) -> Any:
    """Wait until all threads are at the end of their interval number `met`; return the reason to stop, or 0.

    Each thread has two places for its wish, in turns: it cannot overwrite one that another has still to read.
    """
    threads = load(table, ADVANCE.threads)
    stops, meeting = int64_at(load(table, ADVANCE.stops)), int64_at(load(table, ADVANCE.meeting))
    if wish != 0:
        # A number for each interval and wish; places are cache lines apart.
        store(stops, 8 * (2 * load(table, ADVANCE.thread) + (met & 1)), 4 * met + wish)
    if threads > 1:
        fetch_add(meeting, int64(1))
        spins = int64(0)
        while load_acquire(meeting) < met * threads:
            pause()
            spins += 1
            if spins > 2000:
                call_plain(load(table, ADVANCE.yielding))
    reason = int64(0)
    q = int64(0)
    while q < threads:
        found = load(stops, 8 * (2 * q + (met & 1)))
        if found >> 2 == met:
            reason = max(reason, found & 3)
        q += 1
    return reason


def has_room(parts: Any, part_count: Any, now: Any, pending: Any) -> Any:
    """Whether all queues can take in the spikes of the last `pending` steps; the same in all threads."""
    room = True
    p = int64(0)
    while p < part_count:
        part = int64_at(load(parts, p))
        boxes, parity = int64_at(load(part, PART.boxes)), load(int64_at(load(part, PART.control)), CONTROL.parity)
        total = int64(0)
        b = int64(0)
        while b < load(part, PART.box_count):
            places = int32_at(load(int64_at(load(boxes, b)), BOX.places + parity))
            total += load(places, pending * load(part, PART.lanes))
            b += 1
        q = int64(0)
        while q < load(part, PART.queue_count):
            queue = int64_at(load(int64_at(load(part, PART.queues)), q))
            begin, ring = int64_at(load(queue, QUEUE.begin)), load(queue, QUEUE.ring_mask)
            oldest = load(begin, (now - load(queue, QUEUE.longest)) & ring)
            newest = load(begin, (now - pending) & ring)
            if newest - oldest + total > load(queue, QUEUE.mask) + 1:
                room = False
            q += 1
        p += 1
    return room


def take_all_in(parts: Any, part_count: Any, now: Any, pending: Any) -> None:
    """Copy the spikes of the last `pending` steps into the queues of this thread's parts."""
    p = int64(0)
    while p < part_count:
        part = int64_at(load(parts, p))
        q = int64(0)
        while q < load(part, PART.queue_count):
            queue = int64_at(load(int64_at(load(part, PART.queues)), q))
            call(load(queue, QUEUE.take_in), queue, load(parts, p), pending, now - pending)
            q += 1
        control = int64_at(load(part, PART.control))
        store(control, CONTROL.parity, int64(1) - load(control, CONTROL.parity))
        p += 1


# Later than any step.
NO_STEP = 0x7FFFFFFF
# A queue: spikes in flight to the targets of one part, from sources with rows of one kind.
QUEUE = layout(
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
    "uniform",  # whether weights are per segment
    "own",  # table of the rule, where synapses are plastic
)


COLLECT = layout(
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
    control = int64_at(load(table, COLLECT.control))
    parity = load(control, CONTROL.parity)
    ids, places = int32_at(load(table, COLLECT.ids_even + parity)), int32_at(load(table, COLLECT.places_even + parity))
    lanes = load(table, COLLECT.lanes)
    fired, lows, highs = (
        int64_at(load(table, COLLECT.fired)),
        int64_at(load(table, COLLECT.lows)),
        int64_at(load(table, COLLECT.highs)),
    )
    logged = int64_at(load(table, COLLECT.logged))
    log_id, log_lane, log_step = (
        int32_at(load(table, COLLECT.log_id)),
        int32_at(load(table, COLLECT.log_lane)),
        int32_at(load(table, COLLECT.log_step)),
    )
    row = (step - load(control, CONTROL.start)) * lanes
    count, log = load(control, CONTROL.count), load(control, CONTROL.logged)
    lane = int64(0)
    while lane < lanes:
        store(places, row + lane, int32(count))
        words, low, end = int64_at(load(fired, lane)), load(lows, lane) >> 3, load(highs, lane)
        # A part without neurons may begin anywhere.
        high = (end + 7) >> 3 if load(lows, lane) < end else low
        wanted = load(logged, lane)
        w = low
        # Eight neurons in a word, of which mostly none has spiked; there is room for whole groups of eight words.
        while w < high:
            group = at(words, w)
            some = load(group, 0) | load(group, 1) | load(group, 2) | load(group, 3)
            some |= load(group, 4) | load(group, 5) | load(group, 6) | load(group, 7)
            stop = min(w + 8, high) if some != 0 else w
            k = w
            while k < stop:
                if load(words, k) != 0:
                    i = 8 * k
                    while i < min(8 * k + 8, end):
                        if load(bool_at(load(fired, lane)), i) != 0:
                            store(ids, count, int32(i))
                            count += 1
                            if wanted != 0 and load(bool_at(wanted), i) != 0:
                                store(log_id, log, int32(i))
                                store(log_lane, log, int32(lane))
                                store(log_step, log, int32(step))
                                log += 1
                        i += 1
                k += 1
            w += 8
        lane += 1
    store(places, row + lanes, int32(count))
    store(control, CONTROL.count, count)
    store(control, CONTROL.logged, log)
