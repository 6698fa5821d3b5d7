"""The kernel that orders rows of synapses, in the kernel language (see `_words.py`)."""

from __future__ import annotations

from typing import Any

from ..compile import layout
from ._words import int32, int32_at, int64, int64_at, load, real_at, store, target_at, uint16_at

SORT = layout(
    "row_place",  # by row: the first synapse; one more at the end
    "rows",
    "classes",
    "class_delay",
    "class_weight",
    "targets",
    "weights",  # per synapse; 0 in rows of uniform weights
    "synapse_class",
    "segments",  # out: count and delay of each
    "segment_weights",  # out, in rows of uniform weights
    "row_segment",  # out
    "room_targets",
    "room_weights",
    "histogram",
    "segment_count",  # out
)


def sort_rows(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Order the synapses of each row by class, keeping the order within a class, and write its segments."""
    row_place, rows, classes = int64_at(load(table, SORT.row_place)), load(table, SORT.rows), load(table, SORT.classes)
    class_delay, class_weight = int32_at(load(table, SORT.class_delay)), real_at(load(table, SORT.class_weight))
    targets, weights = target_at(load(table, SORT.targets)), real_at(load(table, SORT.weights))
    weighted, classed = load(table, SORT.weights) != 0, load(table, SORT.synapse_class) != 0
    synapse_class = uint16_at(load(table, SORT.synapse_class))
    segments, segment_weights = int32_at(load(table, SORT.segments)), real_at(load(table, SORT.segment_weights))
    uniform = load(table, SORT.segment_weights) != 0
    row_segment = int64_at(load(table, SORT.row_segment))
    room_targets, room_weights = target_at(load(table, SORT.room_targets)), real_at(load(table, SORT.room_weights))
    histogram = int64_at(load(table, SORT.histogram))
    segment = int64(0)
    row = int64(0)
    while row < rows:
        first, stop = load(row_place, row), load(row_place, row + 1)
        store(row_segment, row, segment)
        if stop > first:
            c = int64(0)
            while c < classes:
                store(histogram, c, int64(0))
                c += 1
            k = first
            while k < stop and classed:
                c = int64(load(synapse_class, k))
                store(histogram, c, load(histogram, c) + 1)
                k += 1
            if not classed:
                store(histogram, 0, stop - first)
            total = int64(0)
            c = int64(0)
            while c < classes:
                n = load(histogram, c)
                store(histogram, c, total)
                total += n
                if n > 0:
                    store(segments, 2 * segment, int32(n))
                    store(segments, 2 * segment + 1, load(class_delay, c))
                    if uniform:
                        store(segment_weights, segment, load(class_weight, c))
                    segment += 1
                c += 1
            if classed:
                k = first
                while k < stop:
                    c = int64(load(synapse_class, k))
                    q = load(histogram, c)
                    store(histogram, c, q + 1)
                    store(room_targets, q, load(targets, k))
                    if weighted:
                        store(room_weights, q, load(weights, k))
                    k += 1
                k = first
                while k < stop:
                    store(targets, k, load(room_targets, k - first))
                    if weighted:
                        store(weights, k, load(room_weights, k - first))
                    k += 1
        # Never due.
        store(segments, 2 * segment, int32(0))
        store(segments, 2 * segment + 1, int32(0x3FFFFFFF))
        segment += 1
        row += 1
    store(int64_at(load(table, SORT.segment_count)), 0, segment)
