"""Kernels of plastic synapses that do not depend on the rule, in the kernel language (see `_words.py`)."""

from __future__ import annotations

from typing import Any

from ..compile import layout
from ._words import (
    at,
    column_at,
    float64,
    float64_at,
    int32,
    int32_at,
    int64,
    int64_at,
    load,
    real,
    real_at,
    store,
    target_at,
    uint8_at,
)

COLUMNS = layout(
    "segments",  # count and delay of each
    "row_segment",
    "rows",
    "targets",
    "shift",  # slot of neuron 0
    "low",  # first neuron of the part
    "start",  # out, by neuron: where its column begins
    "synapse",  # out: which synapse
    "segment",  # out: its segment, less that of the one before
    "before",  # by neuron: the segment of the synapse placed last
    "source",  # out, by segment; 0 where not wanted
    "delay",  # out, by segment
    "widest",  # out: the greatest difference of segments
)


def count_columns(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Count the `hi` synapses by target, into `start` at the neuron's place + 1."""
    targets, start = target_at(load(table, COLUMNS.targets)), int64_at(load(table, COLUMNS.start))
    shift = load(table, COLUMNS.shift) + load(table, COLUMNS.low)
    p = int64(0)
    while p < hi:
        n = int64(load(targets, p)) - shift + 1
        store(start, n, load(start, n) + 1)
        p += 1


def measure_columns(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """The source of each segment, and the greatest difference of segments in a column."""
    segments, row_segment = int32_at(load(table, COLUMNS.segments)), int64_at(load(table, COLUMNS.row_segment))
    targets, before = target_at(load(table, COLUMNS.targets)), int64_at(load(table, COLUMNS.before))
    source, delay = int32_at(load(table, COLUMNS.source)), int32_at(load(table, COLUMNS.delay))
    shift, rows = load(table, COLUMNS.shift) + load(table, COLUMNS.low), load(table, COLUMNS.rows)
    widest, p = int64(0), int64(0)
    row = int64(0)
    while row < rows:
        c, last = load(row_segment, row), load(row_segment, row + 1)
        while c < last:
            store(source, c, int32(row))
            store(delay, c, load(segments, 2 * c + 1))
            stop = p + int64(load(segments, 2 * c))
            while p < stop:
                n = int64(load(targets, p)) - shift
                widest = max(widest, c - load(before, n))
                store(before, n, c)
                p += 1
            c += 1
        row += 1
    store(int64_at(load(table, COLUMNS.widest)), 0, widest)


def place_columns(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """List the synapses of each neuron in the order of rows; `start` is where the next of each neuron goes."""
    segments, row_segment = int32_at(load(table, COLUMNS.segments)), int64_at(load(table, COLUMNS.row_segment))
    targets, before = target_at(load(table, COLUMNS.targets)), int64_at(load(table, COLUMNS.before))
    start, synapse = int64_at(load(table, COLUMNS.start)), int32_at(load(table, COLUMNS.synapse))
    segment = column_at(load(table, COLUMNS.segment))
    shift, rows = load(table, COLUMNS.shift) + load(table, COLUMNS.low), load(table, COLUMNS.rows)
    p = int64(0)
    row = int64(0)
    while row < rows:
        c, last = load(row_segment, row), load(row_segment, row + 1)
        while c < last:
            stop = p + int64(load(segments, 2 * c))
            while p < stop:
                n = int64(load(targets, p)) - shift
                k = load(start, n)
                store(start, n, k + 1)
                store(synapse, k, int32(p))
                store(segment, k, c - load(before, n))
                store(before, n, c)
                p += 1
            c += 1
        row += 1


# Of each variable that decays: address, numbers in a stretch, stretches, from one to the next, steps between sweeps,
# address of its decay by steps since a sweep.
DECAY = layout("array", "count", "stretches", "stride", "period", "factors")


def advance_traces(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Set the decay of the `hi` variables at time `step`; now and then put it into what is stored."""
    now = real_at(load(table, 0))
    k = int64(0)
    while k < hi:
        entry = at(table, 1 + 6 * k)
        period, factors = load(entry, DECAY.period), float64_at(load(entry, DECAY.factors))
        phase = step % period
        if phase == 0:
            array, all_ = real_at(load(entry, DECAY.array)), real(load(factors, period))
            s = int64(0)
            while s < load(entry, DECAY.stretches):
                part = at(array, s * load(entry, DECAY.stride))
                i = int64(0)
                while i < load(entry, DECAY.count):
                    store(part, i, load(part, i) * all_)
                    i += 1
                s += 1
        factor = load(factors, phase)
        store(now, 2 * k, real(factor))
        store(now, 2 * k + 1, real(float64(1.0) / factor))
        k += 1


def shifted_advance(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """As `advance_traces`, for the next step."""
    advance_traces(table, lo, hi, step + 1)


TELL = layout("fired", "told", "ring", "back", "stride", "batch")


def tell(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Copy who spiked into a ring, and from there who did `back` steps ago."""
    stride, batch, back = load(table, TELL.stride), load(table, TELL.batch), load(table, TELL.back)
    run = int64(0)
    while run < batch:
        fired = uint8_at(load(table, TELL.fired) + run * stride)
        told = uint8_at(load(table, TELL.told) + run * stride)
        ring = load(table, TELL.ring)
        written = uint8_at(ring + (step % (back + 1) * batch + run) * stride)
        read = uint8_at(ring + ((step + 1) % (back + 1) * batch + run) * stride)
        j = lo
        while j < hi:
            store(written, j, load(fired, j))
            store(told, j, load(read, j))
            j += 1
        run += 1


LAG = layout("state", "lagged", "lags", "late", "batch", "size")


def lag(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Copy a state of the neurons into a ring, and from there what it was `late` steps ago."""
    size, batch, late = load(table, LAG.size), load(table, LAG.batch), load(table, LAG.late)
    lags, lagged = real_at(load(table, LAG.lags)), real_at(load(table, LAG.lagged))
    state = real_at(load(table, LAG.state))
    run = int64(0)
    while run < batch:
        written = at(lags, (step % (late + 1) * batch + run) * size)
        read = at(lags, ((step + 1) % (late + 1) * batch + run) * size)
        j = lo
        while j < hi:
            store(written, j, load(state, run * size + j))
            store(lagged, run * size + j, load(read, j))
            j += 1
        run += 1


NORMALISE = layout("targets", "weights", "slot", "total", "sums", "factors", "neurons")


def normalise_columns(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Scale the `hi` weights so that those on each neuron sum up to a total; those of neurons without any stay."""
    targets, weights = target_at(load(table, NORMALISE.targets)), real_at(load(table, NORMALISE.weights))
    sums, factors = float64_at(load(table, NORMALISE.sums)), real_at(load(table, NORMALISE.factors))
    slot, total = load(table, NORMALISE.slot), load(float64_at(load(table, NORMALISE.total)), 0)
    # In the order of rows, as they lie in memory; for each neuron that is the order of its column.
    p = int64(0)
    while p < hi:
        j = int64(load(targets, p)) - slot
        store(sums, j, load(sums, j) + float64(load(weights, p)))
        p += 1
    j = int64(0)
    while j < load(table, NORMALISE.neurons):
        found = load(sums, j)
        store(factors, j, real(total / found) if found > 0.0 else real(1.0))
        j += 1
    p = int64(0)
    while p < hi:
        store(weights, p, load(weights, p) * load(factors, int64(load(targets, p)) - slot))
        p += 1
