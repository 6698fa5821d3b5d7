"""The kernels of Poisson input, in the kernel language (see `network/_words.py`).

A Poisson number is drawn from 16 random bits, of which four come from one draw: outcome k has as many of the 65536
values as fit into its probability, and what is left of all probabilities together is drawn with 32 bits of its own.
That is exact to 2^-44, and looks at half as many bits and thresholds as a draw from 32 bits.
"""

from __future__ import annotations

from typing import Any

from ...compile import layout
from .._words import (
    at,
    exp64,
    first_word,
    float64,
    float64_at,
    int32,
    int32_at,
    int64,
    int64_at,
    load,
    math,
    real,
    real_at,
    second_word,
    store,
    uint16,
    uint16_at,
    word,
)

# How many limits there are, the least outcome of them, the first value of the rest; how many outcomes, the least.
NUMBERS = layout("limits", "base", "rest", "outcomes", "first")
TABULATE = layout("expected", "former", "numbers", "limits", "bounds", "chances")
# Neuron `lo` has the first of the weights, where there are several, and of the expected numbers.
INPUT = layout(
    "inputs", "weights", "weighted", "delay", "start", "stop", "seed", "numbers", "limits", "bounds", "room"
)  # fmt: skip
EACH = layout("inputs", "weights", "expected", "delay", "start", "stop", "seed", "draws")
# Numbers of 32 bits in the room of `poisson_input`: 256 of 16 random bits each, and as many counts.
ROOM = 256
# Purposes of random numbers; from EACHS on those of `poisson_each`.
COUNTS, REST, EACHS = range(3)


def tabulate_poisson(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """The limits for an expected number, if it is another one than before."""
    expected, former = load(float64_at(load(table, TABULATE.expected)), 0), float64_at(load(table, TABULATE.former))
    if expected != load(former, 0):
        store(former, 0, expected)
        numbers, limits = int64_at(load(table, TABULATE.numbers)), uint16_at(load(table, TABULATE.limits))
        bounds, chances = int64_at(load(table, TABULATE.bounds)), float64_at(load(table, TABULATE.chances))
        mode = int64(expected)
        reach = int64(12.0 * math.sqrt(expected)) + 24
        first, last = max(int64(0), mode - reach), mode + reach
        # Relative to that of the mode; the sum makes them probabilities.
        store(chances, mode - first, 1.0)
        k, p, total = mode, 1.0, 1.0
        while k < last:
            k += 1
            p = p * expected / float64(k)
            store(chances, k - first, p)
            total += p
        k, p = mode, 1.0
        while k > first:
            p = p * float64(k) / expected
            k -= 1
            store(chances, k - first, p)
            total += p
        count, covered, rest, base = int64(0), int64(0), 0.0, first
        k = first
        while k <= last:
            share = load(chances, k - first) / total * 65536.0
            # One value at least is left for the rest.
            cells = min(int64(share), 65535 - covered)
            if cells > 0:
                if count == 0:
                    base = k
                covered += cells
                store(limits, count, uint16(covered - 1))
                count += 1
            rest += share - float64(cells)
            store(chances, k - first, share - float64(cells))
            k += 1
        store(numbers, NUMBERS.rest, covered)
        # Nothing is drawn where nothing can come of it.
        count = count if expected > 0.0 else int64(0)
        while count & 7 != 0:
            store(limits, count, uint16(65535))
            count += 1
        store(numbers, NUMBERS.limits, count)
        store(numbers, NUMBERS.base, base)
        k, p = int64(0), 0.0
        while k <= last - first:
            p += load(chances, k)
            store(bounds, k, int64(p / rest * 4294967296.0 + 0.5))
            k += 1
        store(bounds, last - first, int64(4294967296))
        store(numbers, NUMBERS.outcomes, last - first + 1)
        store(numbers, NUMBERS.first, first)


def draw_bits(words: Any, first: Any, seed: Any, now: Any) -> None:
    """16 random bits for each of 64 neurons from `first` on, which share 16 draws."""
    entities = word(first >> 2)
    k = int32(0)
    while k < int32(16):
        entity = int32(entities + k)
        store(words, int64(k), int32(first_word(seed, int32(COUNTS), entity, now)))
        store(words, int64(k) + 16, int32(second_word(seed, int32(COUNTS), entity, now)))
        k = int32(k + int32(1))


def begin_counts(bits: Any, counts: Any, limits: Any, base: Any, size: Any) -> Any:
    """How many of the first eight limits each value exceeds, from `base` on; returns the largest value."""
    t0, t1, t2, t3 = load(limits, 0), load(limits, 1), load(limits, 2), load(limits, 3)
    t4, t5, t6, t7 = load(limits, 4), load(limits, 5), load(limits, 6), load(limits, 7)
    most = uint16(0)
    i = int64(0)
    while i < size:
        x = load(bits, i)
        n = uint16(uint16(x > t0) + base)
        n = uint16(n + uint16(x > t1))
        n = uint16(n + uint16(x > t2))
        n = uint16(n + uint16(x > t3))
        n = uint16(n + uint16(x > t4))
        n = uint16(n + uint16(x > t5))
        n = uint16(n + uint16(x > t6))
        n = uint16(n + uint16(x > t7))
        store(counts, i, n)
        most = x if x > most else most
        i += 1
    return most


def go_on_counting(bits: Any, counts: Any, limits: Any, size: Any) -> None:
    """The same for four limits more."""
    t0, t1, t2, t3 = load(limits, 0), load(limits, 1), load(limits, 2), load(limits, 3)
    g = int64(0)
    # In loops of a known length, which have no remainder to look after.
    while g < size:
        xs, ns = at(bits, g), at(counts, g)
        i = int64(0)
        while i < 64:
            x = load(xs, i)
            n = uint16(load(ns, i) + uint16(x > t0))
            n = uint16(n + uint16(x > t1))
            n = uint16(n + uint16(x > t2))
            n = uint16(n + uint16(x > t3))
            store(ns, i, n)
            i += 1
        g += 64


def draw_rest(counts: Any, i: Any, u: Any, bounds: Any, outcomes: Any, first: Any) -> None:
    """The outcome that 32 random bits mean, where 16 did not tell."""
    below, above = int64(0), outcomes
    while below < above:
        middle = (below + above) >> 1
        if load(bounds, middle) <= u:
            below = middle + 1
        else:
            above = middle
    store(counts, i, uint16(first + below))


def poisson_input(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Add w times a Poisson number to an input of each neuron; all have the same expectation."""
    emitted = step - load(table, INPUT.delay)
    numbers, limits = int64_at(load(table, INPUT.numbers)), uint16_at(load(table, INPUT.limits))
    count, rest = load(numbers, NUMBERS.limits), uint16(load(numbers, NUMBERS.rest))
    if (emitted >= load(table, INPUT.start)) & (emitted < load(table, INPUT.stop)) & (count > 0):
        inputs, weights = real_at(load(table, INPUT.inputs)), real_at(load(table, INPUT.weights))
        words, bits = int32_at(load(table, INPUT.room)), uint16_at(load(table, INPUT.room))
        counts, seed, now = at(bits, 256), word(load(table, INPUT.seed)), word(emitted)
        base, weight = uint16(load(numbers, NUMBERS.base)), load(weights, 0)
        block = (lo >> 6) << 6
        while block < hi:
            stop = min(block + 256, hi)
            # What the last 64 have is counted as a whole, and added to those that there are.
            size = ((stop - block + 63) >> 6) << 6
            g = int64(0)
            while g < size:
                draw_bits(at(words, g >> 1), block + g, seed, now)
                g += 64
            most = begin_counts(bits, counts, limits, base, size)
            j = int64(8)
            while j < count:
                go_on_counting(bits, counts, at(limits, j), size)
                j += 4
            i = int64(0)
            while (most >= rest) & (i < size):
                if load(bits, i) >= rest:
                    u = int64(first_word(seed, int32(REST), word(block + i), now))
                    bounds, outcomes = int64_at(load(table, INPUT.bounds)), load(numbers, NUMBERS.outcomes)
                    draw_rest(counts, i, u, bounds, outcomes, load(numbers, NUMBERS.first))
                i += 1
            first = max(block, lo)
            row, ns, i = at(inputs, first), at(counts, first - block), int64(0)
            if load(table, INPUT.weighted) != 0:
                own = at(weights, first - lo)
                while i < stop - first:
                    store(row, i, load(row, i) + load(own, i) * real(load(ns, i)))
                    i += 1
            while i < stop - first:
                store(row, i, load(row, i) + weight * real(load(ns, i)))
                i += 1
            block += 256


def poisson_each(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Add w times a Poisson number to an input of each neuron, each with its own expectation.

    Numbers expected to be above 16 are sums of several with 16 each.
    """
    emitted = step - load(table, EACH.delay)
    if (emitted >= load(table, EACH.start)) & (emitted < load(table, EACH.stop)):
        inputs, weights = at(real_at(load(table, EACH.inputs)), lo), real_at(load(table, EACH.weights))
        expected, seed = float64_at(load(table, EACH.expected)), word(load(table, EACH.seed))
        now, draws = word(emitted), float64_at(load(table, EACH.draws))
        # First for all, in a loop that vectorises, what decides whether there is any spike.
        i = int64(0)
        while i < hi - lo:
            u = (float64(first_word(seed, int32(EACHS), word(lo + i), now)) + 0.5) * 2.0**-32
            share = load(expected, i)
            p = exp64(-(share if share < 16.0 else 16.0))
            store(draws, i, u if u > p else 0.0)
            i += 1
        i = int64(0)
        while i < hi - lo:
            u, left, n, purpose = load(draws, i), load(expected, i), int64(0), int32(EACHS)
            while (u > 0.0) | (left > 16.0):
                share = min(left, 16.0)
                p = exp64(-share)
                total, k = p, int64(0)
                # Beyond 200 the probability is below 2^-500.
                while (u > total) & (k < 200):
                    k += 1
                    p = p * share / float64(k)
                    total += p
                n += k
                left -= share
                purpose = int32(purpose + int32(1))
                u = (float64(first_word(seed, purpose, word(lo + i), now)) + 0.5) * 2.0**-32 if left > 0.0 else 0.0
            if n > 0:
                store(inputs, i, load(inputs, i) + load(weights, i) * real(n))
            i += 1
