"""The kernels that draw weights and delays of the pairs of a block, in the kernel language (see `_words.py`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._row_kernels import SINK
from ._words import (
    exp64,
    first_word,
    float64,
    float64_at,
    int32,
    int32_at,
    int64,
    load,
    log64,
    math,
    normal,
    real,
    real_at,
    second_word,
    store,
    uint32_at,
    word,
)

# Kinds of weights and of delays.
LISTED, NORMAL, UNIFORM, LOGNORMAL, EXPONENTIAL = range(5)
TABLE, DISTANCE = 1, 2
# Purposes of the random numbers of a projection; those of attempt n at a weight are WEIGHTS + 4 n.
PAIRS, WEIGHTS, DELAYS, EXTRA = range(4)


def chance(seed: Any, purpose: Any, entity: Any, index: Any) -> Any:
    """Uniform in (0, 1), a multiple of 2^-33."""
    return (float64(first_word(seed, purpose, entity, index)) + 0.5) * 2.0**-32


def fine_chance(seed: Any, purpose: Any, entity: Any, index: Any) -> Any:
    """Uniform in (0, 1] with all the bits of a float64, for chances that are multiplied often."""
    low = (float64(second_word(seed, purpose, entity, index)) + 0.5) * 2.0**-32
    return (float64(first_word(seed, purpose, entity, index)) + low) * 2.0**-32


def normal_value(a: Any, b: Any, seed: Any, purpose: Any, entity: Any, index: Any) -> Any:
    """Mean a, standard deviation b."""
    return a + b * float64(normal(seed, purpose, entity, index))


def uniform_value(a: Any, b: Any, seed: Any, purpose: Any, entity: Any, index: Any) -> Any:
    """Between a and b."""
    return a + (b - a) * chance(seed, purpose, entity, index)


def exponential_value(a: Any, seed: Any, purpose: Any, entity: Any, index: Any) -> Any:
    """Mean a."""
    return -a * log64(chance(seed, purpose, entity, index))


def drawn_value(kind: Any, a: Any, b: Any, seed: Any, purpose: Any, entity: Any, index: Any) -> Any:
    """A draw from a distribution of any kind."""
    if kind == NORMAL:
        return normal_value(a, b, seed, purpose, entity, index)
    if kind == UNIFORM:
        return uniform_value(a, b, seed, purpose, entity, index)
    if kind == LOGNORMAL:
        return exp64(normal_value(a, b, seed, purpose, entity, index))
    return exponential_value(a, seed, purpose, entity, index)


def draw_weights(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Weights of the first `hi` pairs; where one is out of bounds it is drawn again."""
    entities, indices = int32_at(load(table, SINK.entities)), int32_at(load(table, SINK.indices))
    weights, kind = real_at(load(table, SINK.weights)), load(table, SINK.weight_kind)
    numbers, values = float64_at(load(table, SINK.weight_numbers)), real_at(load(table, SINK.weight_values))
    seed = word(load(table, SINK.seed))
    k = int64(0)
    if kind == LISTED:
        by_entity, by_index = load(table, SINK.entity_stride), load(table, SINK.index_stride)
        while k < hi:
            n = int64(load(entities, k)) * by_entity + int64(load(indices, k)) * by_index
            store(weights, k, load(values, n))
            k += 1
    else:
        a, b, first = load(numbers, 0), load(numbers, 1), int32(WEIGHTS)
        # Rounded as weights are, so that what is within the bounds before it is rounded is so afterwards.
        lowest, highest = real(load(numbers, 2)), real(load(numbers, 3))
        if kind == NORMAL:
            # By far the most frequent, in a loop that LLVM vectorises.
            while k < hi:
                w = normal_value(a, b, seed, first, load(entities, k), load(indices, k))
                store(weights, k, real(w))
                k += 1
        else:
            while k < hi:
                w = drawn_value(kind, a, b, seed, first, load(entities, k), load(indices, k))
                store(weights, k, real(w))
                k += 1
        k = int64(0)
        while k < hi:
            purpose = first
            while not ((load(weights, k) >= lowest) & (load(weights, k) <= highest)):
                purpose = int32(purpose + int32(4))
                store(weights, k, real(drawn_value(kind, a, b, seed, purpose, load(entities, k), load(indices, k))))
            k += 1


def squared_way(x: Any, period: Any) -> Any:
    """The square of a difference of coordinates; where the space has a period, of the shortest way around."""
    way = x - period * np.floor(x / period + 0.5) if period > 0.0 else x
    return way * way


def distance(a: Any, i: Any, b: Any, j: Any, box: Any) -> Any:
    """Between point i of a and point j of b."""
    x = squared_way(load(a, 3 * i) - load(b, 3 * j), load(box, 0))
    y = squared_way(load(a, 3 * i + 1) - load(b, 3 * j + 1), load(box, 1))
    z = squared_way(load(a, 3 * i + 2) - load(b, 3 * j + 2), load(box, 2))
    return math.sqrt(x + y + z)


def draw_delays(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Delays of the first `hi` pairs, in steps."""
    entities, indices = int32_at(load(table, SINK.entities)), int32_at(load(table, SINK.indices))
    delays, kind, first = (
        int32_at(load(table, SINK.delays)),
        load(table, SINK.delay_kind),
        load(table, SINK.first_delay),
    )
    seed = word(load(table, SINK.seed))
    k = int64(0)
    if kind == LISTED:
        values = int32_at(load(table, SINK.delay_values))
        by_entity, by_index = load(table, SINK.entity_stride), load(table, SINK.index_stride)
        while k < hi:
            n = int64(load(entities, k)) * by_entity + int64(load(indices, k)) * by_index
            store(delays, k, load(values, n))
            k += 1
    elif kind == TABLE:
        thresholds, guide = uint32_at(load(table, SINK.delay_values)), int32_at(load(table, SINK.delay_guide))
        while k < hi:
            x = int64(first_word(seed, int32(DELAYS), load(entities, k), load(indices, k)))
            d = int64(load(guide, x >> 24))
            while x > int64(load(thresholds, d)):
                d += 1
            store(delays, k, int32(first + d))
            k += 1
    else:
        sources, targets = int32_at(load(table, SINK.sources)), int32_at(load(table, SINK.targets))
        pre, post = float64_at(load(table, SINK.pre_positions)), float64_at(load(table, SINK.post_positions))
        box, numbers = float64_at(load(table, SINK.box)), float64_at(load(table, SINK.delay_values))
        base, slowness = load(numbers, 0), load(numbers, 1)
        while k < hi:
            way = distance(pre, int64(load(sources, k)), post, int64(load(targets, k)), box)
            store(delays, k, int32(first + int64(math.floor(base + way * slowness + 0.5))))
            k += 1
