"""The kernels of sources, in the kernel language (see `network/_words.py`).

Each sets `fired`, a byte per channel, for the channels `lo` ... `hi` - 1; what differs from channel to channel begins
with channel `lo`, except for states.
"""

from __future__ import annotations

from typing import Any

from ...compile import layout
from .._words import (
    at,
    exp,
    first_word,
    float64,
    float64_at,
    int32,
    int32_at,
    int64,
    int64_at,
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

# Rates in spikes/s; `factor` makes them probabilities.
CHANCE = layout("fired", "rates", "factor", "start", "stop", "seed")


def spike_by_chance(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Spike with a probability."""
    factor = load(float64_at(load(table, CHANCE.factor)), 0) * 4294967296.0
    fired, rates = at(uint8_at(load(table, CHANCE.fired)), lo), float64_at(load(table, CHANCE.rates))
    on = (step >= load(table, CHANCE.start)) & (step < load(table, CHANCE.stop))
    seed, now = word(load(table, CHANCE.seed)), word(step)
    i = int64(0)
    if on:
        while i < hi - lo:
            limit = int64(load(rates, i) * factor)
            store(fired, i, uint8(int64(first_word(seed, int32(0), word(lo + i), now)) < limit))
            i += 1
    while i < hi - lo:
        store(fired, i, uint8(0))
        i += 1


# Of each channel: the step of its next spike, and the rate that it was drawn for.
INTERVAL = layout("fired", "rates", "factor", "start", "stop", "seed", "due", "drawn")


def spike_after_intervals(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Spike with a probability, the same in every step: steps up to the next spike are drawn, not each step's spike."""
    fired, rates = at(uint8_at(load(table, INTERVAL.fired)), lo), float64_at(load(table, INTERVAL.rates))
    due, drawn = at(int32_at(load(table, INTERVAL.due)), lo), at(float64_at(load(table, INTERVAL.drawn)), lo)
    factor, seed, now = load(float64_at(load(table, INTERVAL.factor)), 0), word(load(table, INTERVAL.seed)), word(step)
    on = (step >= load(table, INTERVAL.start)) & (step < load(table, INTERVAL.stop))
    some, changed, count = int64(0), int64(0), hi - lo
    i = int64(0)
    while i < count:
        spiked = int64(load(due, i)) == step
        store(fired, i, uint8(spiked))
        some |= int64(spiked)
        changed |= int64(load(rates, i) != load(drawn, i))
        i += 1
    i = int64(0)
    while (i < count) & (not on):
        # What is drawn while they are off does not count.
        store(fired, i, uint8(0))
        store(drawn, i, -1.0)
        i += 1
    i = int64(0)
    while (i < count) & on & (changed != 0):
        if load(rates, i) != load(drawn, i):
            store(drawn, i, load(rates, i))
            wait = steps_to_spike(load(rates, i) * factor, first_word(seed, int32(0), word(lo + i), now))
            store(due, i, int32(step + wait))
            store(fired, i, uint8(wait == 0))
            some |= int64(wait == 0)
        i += 1
    # Eight channels in a word, of which mostly none spikes; parts begin at multiples of 64.
    words = int64_at(load(table, INTERVAL.fired) + lo)
    i = int64(0)
    while (i < count) & on & (some != 0):
        if load(words, i >> 3) != 0:
            stop = min(i + 8, count)
            while i < stop:
                if load(fired, i) != uint8(0):
                    wait = steps_to_spike(load(rates, i) * factor, second_word(seed, int32(0), word(lo + i), now))
                    store(due, i, int32(step + 1 + wait))
                i += 1
            i = stop
        else:
            i += 8


def steps_to_spike(chance: Any, bits: Any) -> Any:
    """Steps without a spike before the next one, from 32 random bits; at most 2^30."""
    found = float64(1 << 30)
    if chance >= 1.0:
        found = float64(0.0)
    elif chance > 0.0:
        found = min(found, math.floor(math.log((float64(bits) + 0.5) * 2.0**-32) / math.log1p(-chance)))
    return int64(found)


# `events` is the probability of an event, `copies` that of a copy in units of 2^-32.
COMMON = layout("fired", "events", "start", "stop", "seed", "copies")


def spike_in_common(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Each channel copies the events of one process, each event with a probability."""
    fired, limit = at(uint8_at(load(table, COMMON.fired)), lo), load(table, COMMON.copies)
    on = (step >= load(table, COMMON.start)) & (step < load(table, COMMON.stop))
    seed, now = word(load(table, COMMON.seed)), word(step)
    event = int64(load(float64_at(load(table, COMMON.events)), 0) * 4294967296.0)
    i = int64(0)
    if on & (int64(first_word(seed, int32(1), int32(0), now)) < event):
        while i < hi - lo:
            store(fired, i, uint8(int64(first_word(seed, int32(0), word(lo + i), now)) < limit))
            i += 1
    while i < hi - lo:
        store(fired, i, uint8(0))
        i += 1


# In steps, as real numbers: the first spike, and the interval.
REGULAR = layout("fired", "first", "interval", "start", "stop")


def spike_regularly(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Spike where one of the times first + k interval lies in the step, or at its end."""
    fired = at(uint8_at(load(table, REGULAR.fired)), lo)
    first, interval = float64_at(load(table, REGULAR.first)), float64_at(load(table, REGULAR.interval))
    on = (step >= load(table, REGULAR.start)) & (step < load(table, REGULAR.stop))
    # So that a time on the grid, off by its rounding, stays at the end of its step.
    end = float64(step) + 1.0 + 1e-6
    i = int64(0)
    while i < hi - lo:
        gone = math.floor((end - load(first, i)) / load(interval, i))
        before = math.floor((end - 1.0 - load(first, i)) / load(interval, i))
        store(fired, i, uint8(on & (gone >= 0.0) & (gone > before)))
        i += 1


# Spikes in the order of steps.
LISTED = layout("fired", "steps", "channels", "count")


def spike_as_listed(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Spike at given steps."""
    fired, steps, channels = (
        uint8_at(load(table, LISTED.fired)),
        int32_at(load(table, LISTED.steps)),
        int32_at(load(table, LISTED.channels)),
    )
    count = load(table, LISTED.count)
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


# Expected spikes per step; two states: what is left until the next spike, in expected spikes, and intervals drawn.
GAMMA = layout("fired", "expected", "start", "stop", "seed", "shapes", "left", "drawn")


def spike_after_gamma(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Spike when a gamma-distributed number of spikes, 1 in the mean, was expected since the last."""
    fired, expected = uint8_at(load(table, GAMMA.fired)), float64_at(load(table, GAMMA.expected))
    on = (step >= load(table, GAMMA.start)) & (step < load(table, GAMMA.stop))
    seed, shapes = word(load(table, GAMMA.seed)), float64_at(load(table, GAMMA.shapes))
    left, drawn = float64_at(load(table, GAMMA.left)), int64_at(load(table, GAMMA.drawn))
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
