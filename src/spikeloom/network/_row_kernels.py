"""The kernels that build rows of synapses, in the kernel language (see `_words.py`).

A rule draws pairs of a source and a target into a block, and calls a sink whenever the block is full. Of the sinks,
`count_pairs` counts the synapses of each row, `place_pairs` puts them there, and `list_pairs` lists them. Rules are run
once with each sink, and draw the same pairs, because random numbers depend on what is drawn and not on when. At the end
`sort_row` orders each row by class, which is a delay, and in rows of uniform weights a weight.
"""

from __future__ import annotations

from typing import Any

from ._words import (
    at,
    first_word,
    float64,
    float64_at,
    int32,
    int32_at,
    int64,
    int64_at,
    load,
    math,
    normal,
    real,
    real_at,
    store,
    target_at,
    uint16_at,
    uint32_at,
    word,
)

# Pairs in a block.
BLOCK = 4096

# Entries of the table of a sink. Sources and targets are numbered as in the views that are connected.
SINK = (
    "sources",  # block
    "targets",
    "entities",  # what random numbers are drawn from: each synapse has its own pair of entity and index
    "indices",
    "pre_map",  # index in the population by index in the view; 0 where it is first + step * index
    "pre_first",
    "pre_step",
    "post_map",
    "post_first",
    "post_step",
    "low",  # targets of this part
    "high",
    "first_row",
    "row_places",  # by row: how many synapses (count), or where the next one goes (place)
    "first_slot",  # of the inputs of these targets, in the part's buffer
    "out_targets",
    "out_weights",
    "out_classes",
    "weight_kind",
    "weight_values",
    "delay_kind",
    "delay_values",  # constant: one delay; table: thresholds; array: a delay for each index
    "delay_guide",
    "class_of_delay",
    "seed",
    "first_delay",  # the shortest of a table
    "out_sources",  # list
    "out_delays",
    "out_count",
)
WEIGHT_KINDS = ("constant", "array", "normal", "uniform", "lognormal", "exponential", "table")
DELAY_KINDS = ("constant", "table", "array")
# Purposes of the random numbers of a projection.
PAIRS, WEIGHTS, DELAYS, EXTRA = range(4)


def count_pairs(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Count the `hi` pairs of the block whose target is of this part."""
    sources, targets = int32_at(load(table, 0)), int32_at(load(table, 1))
    pre_map, pre_first, pre_step = load(table, 4), load(table, 5), load(table, 6)
    post_map, post_first, post_step = load(table, 7), load(table, 8), load(table, 9)
    low, high = load(table, 10), load(table, 11)
    counts = at(int64_at(load(table, 13)), load(table, 12))
    k = int64(0)
    while k < hi:
        post = int64(load(targets, k))
        post = load(int64_at(post_map), post) if post_map != 0 else post_first + post_step * post
        if (post >= low) & (post < high):
            pre = int64(load(sources, k))
            pre = load(int64_at(pre_map), pre) if pre_map != 0 else pre_first + pre_step * pre
            store(counts, pre, load(counts, pre) + 1)
        k += 1


def place_pairs(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Put the `hi` pairs of the block into their rows, with weight and delay."""
    sources, targets = int32_at(load(table, 0)), int32_at(load(table, 1))
    entities, indices = int32_at(load(table, 2)), int32_at(load(table, 3))
    pre_map, pre_first, pre_step = load(table, 4), load(table, 5), load(table, 6)
    post_map, post_first, post_step = load(table, 7), load(table, 8), load(table, 9)
    low, high = load(table, 10), load(table, 11)
    places = at(int64_at(load(table, 13)), load(table, 12))
    first_slot = load(table, 14)
    out_targets, out_weights = target_at(load(table, 15)), real_at(load(table, 16))
    out_classes = uint16_at(load(table, 17))
    weighted, classed = load(table, 16) != 0, load(table, 17) != 0
    weight_kind, weight_values = load(table, 18), float64_at(load(table, 19))
    delay_kind = load(table, 20)
    thresholds, delays = uint32_at(load(table, 21)), int32_at(load(table, 21))
    guide = int32_at(load(table, 22))
    class_of_delay = int32_at(load(table, 23))
    seed, first_delay = word(load(table, 24)), load(table, 25)
    k = int64(0)
    while k < hi:
        post = int64(load(targets, k))
        post = load(int64_at(post_map), post) if post_map != 0 else post_first + post_step * post
        if (post >= low) & (post < high):
            pre = int64(load(sources, k))
            pre = load(int64_at(pre_map), pre) if pre_map != 0 else pre_first + pre_step * pre
            q = load(places, pre)
            store(places, pre, q + 1)
            store(out_targets, q, first_slot + post - low)
            entity, index = load(entities, k), load(indices, k)
            if weighted:
                w = load(weight_values, 0)
                if weight_kind == 1:
                    w = load(weight_values, int64(index))
                elif weight_kind == 6:
                    # A table of quantiles, and in between straight lines.
                    u = float64(first_word(seed, int32(1), entity, index)) * 2.0**-16
                    n = int64(u)
                    w = load(weight_values, n) + (u - float64(n)) * (
                        load(weight_values, n + 1) - load(weight_values, n)
                    )
                elif weight_kind >= 2:
                    lowest, highest = load(weight_values, 2), load(weight_values, 3)
                    attempt = int32(0)
                    again = True
                    while again:
                        purpose = int32(int32(1) + int32(attempt << int32(2)))
                        if weight_kind == 2:
                            w = load(weight_values, 0) + load(weight_values, 1) * float64(
                                normal(seed, purpose, entity, index)
                            )
                        else:
                            u = (float64(first_word(seed, purpose, entity, index)) + 0.5) * 2.0**-32
                            if weight_kind == 3:
                                w = load(weight_values, 0) + (load(weight_values, 1) - load(weight_values, 0)) * u
                            elif weight_kind == 4:
                                z = float64(normal(seed, purpose, entity, index))
                                w = math.exp(load(weight_values, 0) + load(weight_values, 1) * z)
                            else:
                                w = -load(weight_values, 0) * math.log(u)
                        attempt = int32(attempt + int32(1))
                        again = not ((w >= lowest) & (w <= highest)) and attempt < int32(100000)
                store(out_weights, q, real(w))
            if classed:
                delay = first_delay
                if delay_kind == 1:
                    x = first_word(seed, int32(2), entity, index)
                    d = int64(load(guide, int64(x) >> 24))
                    while int64(x) > int64(load(thresholds, d)):
                        d += 1
                    delay = first_delay + d
                elif delay_kind == 2:
                    delay = int64(load(delays, int64(index)))
                store(out_classes, q, load(class_of_delay, delay))
        k += 1


def list_pairs(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """List the `hi` pairs of the block by index in the views, with entity and index."""
    counter = int64_at(load(table, 28))
    at_ = load(counter, 0)
    capacity = load(counter, 1)
    k = int64(0)
    while k < hi:
        if at_ < capacity:
            entry = 0
            while entry < 4:
                store(int32_at(load(int64_at(load(table, 26)), entry)), at_, load(int32_at(load(table, entry)), k))
                entry += 1
        at_ += 1
        k += 1
    store(counter, 0, at_)


# Entries of the table of `sort_rows`.
SORT = (
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
    row_place, rows, classes = int64_at(load(table, 0)), load(table, 1), load(table, 2)
    class_delay, class_weight = int32_at(load(table, 3)), real_at(load(table, 4))
    targets, weights = target_at(load(table, 5)), real_at(load(table, 6))
    weighted, classed = load(table, 6) != 0, load(table, 7) != 0
    synapse_class = uint16_at(load(table, 7))
    segments, segment_weights = int32_at(load(table, 8)), real_at(load(table, 9))
    uniform = load(table, 9) != 0
    row_segment = int64_at(load(table, 10))
    room_targets, room_weights = target_at(load(table, 11)), real_at(load(table, 12))
    histogram = int64_at(load(table, 13))
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
    store(int64_at(load(table, 14)), 0, segment)
