"""The kernels that take pairs from connection rules, in the kernel language (see `_words.py`).

A rule draws pairs of a source and a target into a block, and calls a sink whenever the block is full. Of the sinks,
`count_pairs` counts the synapses of each row, `place_pairs` puts them there, `list_pairs` lists them, and `add_pairs`
lets a spike arrive at them. Rules are run once with each sink, and draw the same pairs, because random numbers depend
on what is drawn and not on when.
"""

from __future__ import annotations

from typing import Any

from ..compile import layout
from ._words import (
    at,
    call,
    float64_at,
    int32_at,
    int64,
    int64_at,
    load,
    real,
    real_at,
    store,
    target_at,
    uint16_at,
)

# Pairs in a block.
BLOCK = 4096

SINK = layout(
    "sources",  # block: sources and targets by index in the views that are connected
    "targets",
    "entities",  # what random numbers are drawn from: each synapse has its own pair of entity and index
    "indices",
    "weights",
    "delays",
    "own",  # out: how many pairs of the block are of this part
    "exact",  # whether all pairs are
    "pre_map",  # index in the population by index in the view; 0 where it is first + step * index
    "pre_first",
    "pre_step",
    "post_map",
    "post_first",
    "post_step",
    "low",  # targets of this part
    "high",
    "select",  # addresses of kernels; those of weights and delays are 0 where all synapses have the same
    "weigh",  # where it is 0, what stands in the block already
    "delay",
    "weight_kind",
    "weight_numbers",  # two of the distribution, lowest, highest; or the weight of all
    "weight_values",  # by entity * entity_stride + index * index_stride, like those of delays
    "entity_stride",
    "index_stride",
    "first_delay",  # the shortest, or that of all, in steps
    "delay_kind",
    "delay_values",  # thresholds, or a delay for each synapse, or two numbers
    "delay_guide",
    "pre_positions",
    "post_positions",
    "box",
    "seed",
    "first_row",
    "row_places",  # by row: how many synapses (count), or where the next one goes (place)
    "first_slot",  # of the inputs of these targets, in the part's buffer
    "class_of_delay",
    "out_sources",
    "out_targets",
    "out_weights",
    "out_delays",  # as classes in `place_pairs`
    "count",
    "capacity",
)


def in_population(map_: Any, first: Any, step: Any, index: Any) -> Any:
    """Index in the population of what has an index in a view."""
    return load(int64_at(map_), index) if map_ != 0 else first + step * index


def select_own(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Keep those of the `hi` pairs of the block whose target is of this part."""
    sources, targets = int32_at(load(table, SINK.sources)), int32_at(load(table, SINK.targets))
    entities, indices = int32_at(load(table, SINK.entities)), int32_at(load(table, SINK.indices))
    post_map, post_first = load(table, SINK.post_map), load(table, SINK.post_first)
    post_step = load(table, SINK.post_step)
    low, high = load(table, SINK.low), load(table, SINK.high)
    own = hi
    if load(table, SINK.exact) == 0:
        own = int64(0)
        k = int64(0)
        while k < hi:
            post = in_population(post_map, post_first, post_step, int64(load(targets, k)))
            # Without a branch: what is not kept is written over by the next.
            store(sources, own, load(sources, k))
            store(targets, own, load(targets, k))
            store(entities, own, load(entities, k))
            store(indices, own, load(indices, k))
            own += int64((post >= low) & (post < high))
            k += 1
    store(table, SINK.own, own)


def count_pairs(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Count the synapses of each row."""
    call(load(table, SINK.select), table, int64(0), hi, int64(0))
    own = load(table, SINK.own)
    sources = int32_at(load(table, SINK.sources))
    pre_map, pre_first, pre_step = load(table, SINK.pre_map), load(table, SINK.pre_first), load(table, SINK.pre_step)
    counts = at(int64_at(load(table, SINK.row_places)), load(table, SINK.first_row))
    k = int64(0)
    while k < own:
        pre = in_population(pre_map, pre_first, pre_step, int64(load(sources, k)))
        store(counts, pre, load(counts, pre) + 1)
        k += 1


def place_pairs(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Put the synapses into their rows, with weight and class of delay."""
    call(load(table, SINK.select), table, int64(0), hi, int64(0))
    own = load(table, SINK.own)
    sources, targets = int32_at(load(table, SINK.sources)), int32_at(load(table, SINK.targets))
    weights, delays = real_at(load(table, SINK.weights)), int32_at(load(table, SINK.delays))
    pre_map, pre_first, pre_step = load(table, SINK.pre_map), load(table, SINK.pre_first), load(table, SINK.pre_step)
    post_map, post_first = load(table, SINK.post_map), load(table, SINK.post_first)
    post_step = load(table, SINK.post_step)
    places = at(int64_at(load(table, SINK.row_places)), load(table, SINK.first_row))
    shift = load(table, SINK.first_slot) - load(table, SINK.low)
    out_targets, out_weights = target_at(load(table, SINK.out_targets)), real_at(load(table, SINK.out_weights))
    out_classes = uint16_at(load(table, SINK.out_delays))
    class_of_delay = int32_at(load(table, SINK.class_of_delay))
    weighted, classed = load(table, SINK.out_weights) != 0, load(table, SINK.out_delays) != 0
    drawn, first_delay = load(table, SINK.delay) != 0, load(table, SINK.first_delay)
    if weighted & (load(table, SINK.weigh) != 0):
        call(load(table, SINK.weigh), table, int64(0), own, int64(0))
    if drawn:
        call(load(table, SINK.delay), table, int64(0), own, int64(0))
    k = int64(0)
    while k < own:
        post = in_population(post_map, post_first, post_step, int64(load(targets, k)))
        pre = in_population(pre_map, pre_first, pre_step, int64(load(sources, k)))
        q = load(places, pre)
        store(places, pre, q + 1)
        store(out_targets, q, post + shift)
        if weighted:
            store(out_weights, q, load(weights, k))
        if classed:
            delay = int64(load(delays, k)) if drawn else first_delay
            store(out_classes, q, load(class_of_delay, delay))
        k += 1


def list_pairs(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """List pairs by index in the views, with weights and delays where they differ; count what there is no room for."""
    count, capacity = load(table, SINK.count), load(table, SINK.capacity)
    sources, targets = int32_at(load(table, SINK.sources)), int32_at(load(table, SINK.targets))
    weights, delays = real_at(load(table, SINK.weights)), int32_at(load(table, SINK.delays))
    out_sources, out_targets = int32_at(load(table, SINK.out_sources)), int32_at(load(table, SINK.out_targets))
    out_weights, out_delays = real_at(load(table, SINK.out_weights)), int32_at(load(table, SINK.out_delays))
    weigh, delay = load(table, SINK.weigh), load(table, SINK.delay)
    if count + hi <= capacity:
        if weigh != 0:
            call(weigh, table, int64(0), hi, int64(0))
        if delay != 0:
            call(delay, table, int64(0), hi, int64(0))
        k = int64(0)
        while k < hi:
            store(out_sources, count + k, load(sources, k))
            store(out_targets, count + k, load(targets, k))
            if weigh != 0:
                store(out_weights, count + k, load(weights, k))
            if delay != 0:
                store(out_delays, count + k, load(delays, k))
            k += 1
    store(table, SINK.count, count + hi)


def add_pairs(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Add the weights of the synapses to the inputs of their targets."""
    call(load(table, SINK.select), table, int64(0), hi, int64(0))
    own = load(table, SINK.own)
    targets, weights = int32_at(load(table, SINK.targets)), real_at(load(table, SINK.weights))
    post_map, post_first = load(table, SINK.post_map), load(table, SINK.post_first)
    post_step = load(table, SINK.post_step)
    inputs, shift = real_at(load(table, SINK.out_weights)), load(table, SINK.first_slot) - load(table, SINK.low)
    weigh = load(table, SINK.weigh)
    if weigh != 0:
        call(weigh, table, int64(0), own, int64(0))
    same = real(load(float64_at(load(table, SINK.weight_numbers)), 0))
    k = int64(0)
    while k < own:
        slot = in_population(post_map, post_first, post_step, int64(load(targets, k))) + shift
        store(inputs, slot, load(inputs, slot) + (load(weights, k) if weigh != 0 else same))
        k += 1
