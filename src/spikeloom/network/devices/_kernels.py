"""The kernels of devices, in the kernel language (see `network/_words.py`)."""

from __future__ import annotations

from typing import Any

from .._words import (
    at,
    first_word,
    int32,
    int32_at,
    int64,
    load,
    one,
    real_at,
    second_word,
    store,
    uint32,
    uint32_at,
    word,
    zero,
)

# Neurons that share the words of 16 draws: the first half takes the first words.
PAIRED = 32


def poisson_input(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Add w times a Poisson number to an input of each neuron; all have the same expectation.

    The number is how many thresholds, the cumulative probabilities in units of 2^-32, a random word exceeds.
    """
    if step >= load(table, 3):
        inputs, thresholds = real_at(load(table, 0)), uint32_at(load(table, 1))
        weight, seed = load(real_at(load(table, 2)), 0), word(load(table, 4))
        count, words = load(table, 5), int32_at(load(table, 6))
        base = load(thresholds, 0)
        group = lo
        now = word(step)
        while group < hi:
            # A block of neurons at a time, so that the thresholds are read once for all of it.
            stop = min(group + 256, hi)
            g = group
            while g < stop:
                e = word(g >> 1)
                k = int32(0)
                low, high = at(words, g - group), at(words, g - group + 16)
                while k < int32(16):
                    entity = int32(e + k)
                    store(low, int64(k), int32(first_word(seed, int32(0), entity, now)))
                    store(high, int64(k), int32(second_word(seed, int32(0), entity, now)))
                    k = int32(k + int32(1))
                g += 32
            i = int64(0)
            row = at(inputs, group)
            size = stop - group
            t1, t2, t3 = load(thresholds, 1), load(thresholds, 2), load(thresholds, 3)
            t4, t5, t6, t7 = load(thresholds, 4), load(thresholds, 5), load(thresholds, 6), load(thresholds, 7)
            while i < size:
                x = uint32(load(words, i))
                n = (one if x > base else zero) + (one if x > t1 else zero)
                n += (one if x > t2 else zero) + (one if x > t3 else zero)
                n += (one if x > t4 else zero) + (one if x > t5 else zero)
                n += (one if x > t6 else zero) + (one if x > t7 else zero)
                store(row, i, load(row, i) + weight * n)
                i += 1
            j = int64(8)
            while j < count:
                t1, t2, t3, t4 = (
                    load(thresholds, j),
                    load(thresholds, j + 1),
                    load(thresholds, j + 2),
                    load(thresholds, j + 3),
                )
                i = int64(0)
                while i < size:
                    x = uint32(load(words, i))
                    n = (one if x > t1 else zero) + (one if x > t2 else zero)
                    n += (one if x > t3 else zero) + (one if x > t4 else zero)
                    store(row, i, load(row, i) + weight * n)
                    i += 1
                j += 4
            group += 256
