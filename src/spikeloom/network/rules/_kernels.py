"""The kernels of connection rules, in the kernel language (see `network/_words.py`).

Each draws all pairs whose target has an index from `lo` to `hi` in the view, at least; sinks leave out the rest.
"""

from __future__ import annotations

from typing import Any

from .._words import call, first_word, int32, int32_at, int64, int64_at, load, second_word, store, word

# Entries of the table of every rule; those of its own follow.
RULE = ("sources", "targets", "entities", "indices", "room", "sink", "sink_table", "seed", "n_pre", "n_post", "shift")
OWN = len(RULE)


def in_degrees(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Each target draws its sources independently, as many as the table says."""
    sources, targets = int32_at(load(table, 0)), int32_at(load(table, 1))
    entities, indices = int32_at(load(table, 2)), int32_at(load(table, 3))
    room, sink, sink_table = load(table, 4), load(table, 5), int64_at(load(table, 6))
    seed, n = word(load(table, 7)), load(table, 8)
    degrees, excluded = int64_at(load(table, 11)), int64_at(load(table, 12))
    barred = load(table, 12) != 0
    full = int64(0)
    target = lo
    while target < hi:
        entity = int32(target)
        degree = load(degrees, target)
        # The source that the target itself is: drawn from the others, which are numbered on without it.
        self_ = load(excluded, target) if barred else n
        choices = n - 1 if self_ < n else n
        k = int64(0)
        while k < degree:
            stop = min(degree, k + 2 * ((room - full) >> 1))
            # Two sources from the two words of one draw.
            while k < stop:
                pair = int32(k >> 1)
                a = (int64(first_word(seed, int32(0), entity, pair)) * choices) >> 32
                b = (int64(second_word(seed, int32(0), entity, pair)) * choices) >> 32
                a = a + 1 if a >= self_ else a
                b = b + 1 if b >= self_ else b
                store(sources, full, int32(a))
                store(targets, full, entity)
                store(entities, full, entity)
                store(indices, full, int32(k))
                store(sources, full + 1, int32(b))
                store(targets, full + 1, entity)
                store(entities, full + 1, entity)
                store(indices, full + 1, int32(k + 1))
                full += 2
                k += 2
            if k > degree:
                full -= 1
            if full + 2 > room:
                call(sink, sink_table, int64(0), full, int64(0))
                full = int64(0)
        target += 1
    call(sink, sink_table, int64(0), full, int64(0))
