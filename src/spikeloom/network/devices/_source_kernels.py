"""The kernels of sources, in the kernel language (see `network/_words.py`).

Each sets `fired`, a byte per channel, for the channels `lo` ... `hi` - 1; what differs from channel to channel begins
with channel `lo`, except for states.
"""

from __future__ import annotations

from typing import Any

from .._words import (
    at,
    exp,
    first_word,
    float64,
    float64_at,
    int32,
    int32_at,
    int64,
    load,
    log,
    math,
    normal,
    second_word,
    store,
    uint8,
    uint8_at,
    word,
)

# Entries: fired, chances, start, stop, seed.


def spike_by_chance(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Spike with a probability."""
    fired, chances = at(uint8_at(load(table, 0)), lo), float64_at(load(table, 1))
    on = (step >= load(table, 2)) & (step < load(table, 3))
    seed, now = word(load(table, 4)), word(step)
    i = int64(0)
    if on:
        while i < hi - lo:
            limit = int64(load(chances, i) * 4294967296.0)
            store(fired, i, uint8(int64(first_word(seed, int32(0), word(lo + i), now)) < limit))
            i += 1
    while i < hi - lo:
        store(fired, i, uint8(0))
        i += 1


# Entries: fired, chances of the common process, start, stop, seed, chance of a copy in units of 2^-32.


def spike_in_common(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Each channel copies the events of one process, each event with a probability."""
    fired, limit = at(uint8_at(load(table, 0)), lo), load(table, 5)
    on = (step >= load(table, 2)) & (step < load(table, 3))
    seed, now = word(load(table, 4)), word(step)
    event = int64(load(float64_at(load(table, 1)), 0) * 4294967296.0)
    i = int64(0)
    if on & (int64(first_word(seed, int32(1), int32(0), now)) < event):
        while i < hi - lo:
            store(fired, i, uint8(int64(first_word(seed, int32(0), word(lo + i), now)) < limit))
            i += 1
    while i < hi - lo:
        store(fired, i, uint8(0))
        i += 1


# Entries: fired, the first spike (in steps, as a real number), steps between spikes, start, stop.


def spike_regularly(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Spike where one of the times first + k interval lies in the step, or at its end."""
    fired = at(uint8_at(load(table, 0)), lo)
    first, interval = float64_at(load(table, 1)), float64_at(load(table, 2))
    on = (step >= load(table, 3)) & (step < load(table, 4))
    # So that a time on the grid, off by its rounding, stays at the end of its step.
    end = float64(step) + 1.0 + 1e-6
    i = int64(0)
    while i < hi - lo:
        gone = math.floor((end - load(first, i)) / load(interval, i))
        before = math.floor((end - 1.0 - load(first, i)) / load(interval, i))
        store(fired, i, uint8(on & (gone >= 0.0) & (gone > before)))
        i += 1


# Entries: fired, steps of the spikes in order, their channels, how many.


def spike_as_listed(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Spike at given steps."""
    fired, steps, channels = uint8_at(load(table, 0)), int32_at(load(table, 1)), int32_at(load(table, 2))
    count = load(table, 3)
    i = lo
    while i < hi:
        store(fired, i, uint8(0))
        i += 1
    below, above = int64(0), count
    while below < above:
        middle = (below + above) >> 1
        if int64(load(steps, middle)) < step:
            below = middle + 1
        else:
            above = middle
    going = below < count
    while going:
        going = int64(load(steps, below)) == step
        if going:
            store(fired, int64(load(channels, below)), uint8(1))
            below += 1
            going = below < count


# Entries: fired, expected spikes per step, start, stop, seed, shapes, and two states: what is left until the next spike,
# in expected spikes, and how many intervals were drawn.


def spike_after_gamma(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Spike when a gamma-distributed number of spikes, 1 in the mean, was expected since the last."""
    fired, expected = uint8_at(load(table, 0)), float64_at(load(table, 1))
    on = (step >= load(table, 2)) & (step < load(table, 3))
    seed, shapes = word(load(table, 4)), float64_at(load(table, 5))
    left, drawn = float64_at(load(table, 6)), int64_at(load(table, 7))
    i = lo
    while i < hi:
        spiked = False
        if on:
            number = load(drawn, i)
            rest = load(left, i) - load(expected, i - lo)
            while (number == 0) | ((rest <= 0.0) & (not spiked)):
                # The first is a uniformly drawn part of an interval that is long in proportion to its chance to be met,
                # whose shape is greater by 1. Marsaglia and Tsang's way to draw needs a shape of 1 at least.
                shape = load(shapes, i - lo) + (1.0 if number == 0 else 0.0)
                d = (shape if shape >= 1.0 else shape + 1.0) - 1.0 / 3.0
                attempt, sought, v = int32(0), True, 1.0
                while sought:
                    z = float64(normal(seed, attempt, word(i), word(number)))
                    u = float64(first_word(seed, int32(attempt + int32(1)), word(i), word(number)))
                    v = 1.0 + z / math.sqrt(9.0 * d)
                    v = v * v * v
                    if v > 0.0:
                        sought = log((u + 0.5) * 2.0**-32) >= 0.5 * z * z + d - d * v + d * log(v)
                    attempt = int32(attempt + int32(2))
                u = (float64(second_word(seed, int32(-1), word(i), word(number))) + 0.5) * 2.0**-32
                size = d * v / load(shapes, i - lo)
                if shape < 1.0:
                    size = size * exp(log(u) / shape)
                if number == 0:
                    rest = u * size - load(expected, i - lo)
                else:
                    rest += size
                    spiked = True
                number += 1
            store(drawn, i, number)
            store(left, i, rest)
        store(fired, i, uint8(spiked))
        i += 1
