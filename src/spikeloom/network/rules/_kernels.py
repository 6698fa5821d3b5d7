"""The kernels of connection rules, in the kernel language (see `network/_words.py`).

Each draws all pairs whose target has an index from `first_target` to `last_target` in the view. Its range are targets,
or sources where the rule is one of `by_source`. What is drawn for one of them depends on it alone.
"""

from __future__ import annotations

from typing import Any

from ...compile import layout
from .._draw_kernels import PAIRS, fine_chance
from .._words import (
    call,
    first_word,
    float64_at,
    int32,
    int32_at,
    int64,
    int64_at,
    load,
    log64,
    second_word,
    store,
    word,
)

RULE = layout(
    "sources",  # the block
    "targets",
    "entities",
    "indices",
    "room",
    "sink",
    "sink_table",
    "seed",
    "n_pre",
    "n_post",
    "first_target",
    "last_target",
    "own",  # table of the rule
)
# Targets after which a source begins anew, so that parts need not draw what is before theirs.
STRETCH = 1024


def put(table: Any, full: Any, source: Any, target: Any, entity: Any, index: Any) -> Any:
    """Add a pair to the block, which is passed on when full; returns how many it has."""
    store(int32_at(load(table, RULE.sources)), full, int32(source))
    store(int32_at(load(table, RULE.targets)), full, int32(target))
    store(int32_at(load(table, RULE.entities)), full, int32(entity))
    store(int32_at(load(table, RULE.indices)), full, int32(index))
    full += 1
    return passed_on(table, full) if full == load(table, RULE.room) else full


def passed_on(table: Any, full: Any) -> Any:
    """Hand the block to the sink; returns how many pairs it has then."""
    call(load(table, RULE.sink), int64_at(load(table, RULE.sink_table)), int64(0), full, int64(0))
    return int64(0)


DEGREES = layout(
    "degrees",  # by target
    "excluded",  # by target: the source that it must not have, or the number of sources; 0: none has one
    "stamps",  # without multapses: by source, in which draw it was last chosen; then the number of draws
)


def in_degrees(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Each target draws its sources independently, as many as the table says."""
    sources, targets = int32_at(load(table, RULE.sources)), int32_at(load(table, RULE.targets))
    entities, indices = int32_at(load(table, RULE.entities)), int32_at(load(table, RULE.indices))
    room, own = load(table, RULE.room), int64_at(load(table, RULE.own))
    seed, n = word(load(table, RULE.seed)), load(table, RULE.n_pre)
    degrees, excluded = int64_at(load(own, DEGREES.degrees)), int64_at(load(own, DEGREES.excluded))
    barred = load(own, DEGREES.excluded) != 0
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
                a = (int64(first_word(seed, int32(PAIRS), entity, pair)) * choices) >> 32
                b = (int64(second_word(seed, int32(PAIRS), entity, pair)) * choices) >> 32
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
                full = passed_on(table, full)
        target += 1
    passed_on(table, full)


def distinct_in_degrees(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Each target draws as many different sources as the table says, or those that it leaves out if they are fewer."""
    own = int64_at(load(table, RULE.own))
    seed, n = word(load(table, RULE.seed)), load(table, RULE.n_pre)
    degrees, excluded = int64_at(load(own, DEGREES.degrees)), int64_at(load(own, DEGREES.excluded))
    stamps = int64_at(load(own, DEGREES.stamps))
    full = int64(0)
    target = lo
    while target < hi:
        degree = load(degrees, target)
        self_ = load(excluded, target) if load(own, DEGREES.excluded) != 0 else n
        choices = n - 1 if self_ < n else n
        few = 2 * degree <= choices
        wanted = degree if few else choices - degree
        stamp = load(stamps, n) + 1
        store(stamps, n, stamp)
        chosen = int64(0)
        attempt = int32(0)
        while chosen < wanted:
            a = (int64(first_word(seed, int32(PAIRS), int32(target), attempt)) * choices) >> 32
            a = a + 1 if a >= self_ else a
            attempt = int32(attempt + int32(1))
            if load(stamps, a) != stamp:
                store(stamps, a, stamp)
                if few:
                    full = put(table, full, a, target, target, chosen)
                chosen += 1
        if not few:
            a = int64(0)
            k = int64(0)
            while a < n:
                if (load(stamps, a) != stamp) & (a != self_):
                    full = put(table, full, a, target, target, k)
                    k += 1
                a += 1
        target += 1
    passed_on(table, full)


BERNOULLI = layout(
    "scale",
    "excluded",
    "skips",  # room
    "chunk",  # so many are drawn at once
)


def bernoulli(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Each source draws how many targets it leaves out before the next: a geometric number."""
    own = int64_at(load(table, RULE.own))
    seed, n = word(load(table, RULE.seed)), load(table, RULE.n_post)
    first, last = load(table, RULE.first_target), load(table, RULE.last_target)
    scale, excluded = load(float64_at(load(own, BERNOULLI.scale)), 0), int64_at(load(own, BERNOULLI.excluded))
    skips, chunk = int64_at(load(own, BERNOULLI.skips)), load(own, BERNOULLI.chunk)
    full = int64(0)
    source = lo
    while source < hi:
        self_ = load(excluded, source) if load(own, BERNOULLI.excluded) != 0 else n
        begin = first - first % STRETCH
        while begin < last:
            end = min(begin + STRETCH, last)
            target = begin
            draw = begin
            while target < end:
                # By number of the draw, not by where it leads, so that LLVM can vectorise this loop.
                k = int64(0)
                while k < chunk:
                    u = fine_chance(seed, int32(PAIRS), int32(source), int32(draw + k))
                    store(skips, k, int64(min(log64(u) * scale, 4e9)))
                    k += 1
                draw += chunk
                k = int64(0)
                while (k < chunk) & (target < end):
                    target += load(skips, k)
                    if (target >= first) & (target < end) & (target != self_):
                        full = put(table, full, source, target, source, target)
                    target += 1
                    k += 1
            begin += STRETCH
        source += 1
    passed_on(table, full)


ALL = layout("excluded")


def all_pairs(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Each source with each target."""
    own, n = int64_at(load(table, RULE.own)), load(table, RULE.n_post)
    excluded = int64_at(load(own, ALL.excluded))
    full = int64(0)
    source = lo
    while source < hi:
        self_ = load(excluded, source) if load(own, ALL.excluded) != 0 else n
        target = load(table, RULE.first_target)
        while target < load(table, RULE.last_target):
            if target != self_:
                full = put(table, full, source, target, source, target)
            target += 1
        source += 1
    passed_on(table, full)


LISTED_PAIRS = layout("sources", "targets", "count")


def listed_pairs(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Pairs from arrays, numbered in their order."""
    own = int64_at(load(table, RULE.own))
    sources, targets = int32_at(load(own, LISTED_PAIRS.sources)), int32_at(load(own, LISTED_PAIRS.targets))
    first, last = load(table, RULE.first_target), load(table, RULE.last_target)
    full = int64(0)
    k = int64(0)
    while k < load(own, LISTED_PAIRS.count):
        target = int64(load(targets, k))
        if (target >= first) & (target < last):
            full = put(table, full, load(sources, k), target, int64(0), k)
        k += 1
    passed_on(table, full)
