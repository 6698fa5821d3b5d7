"""The kernels of waveforms and currents, in the kernel language (see `network/_words.py`)."""

from __future__ import annotations

from typing import Any

from .._words import at, float64, float64_at, int32, int64, int64_at, load, math, normal, real, real_at, store, word


def hold(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Copy the row of the piece that the step falls into, where it is another one than before."""
    begin, pieces, size = int64_at(load(table, 1)), load(table, 2), load(table, 4)
    emitted, last = step - load(table, 5), int64_at(load(table, 6))
    below, above = int64(0), pieces
    while below < above:
        middle = (below + above) >> 1
        if load(begin, middle) <= emitted:
            below = middle + 1
        else:
            above = middle
    if below != load(last, 0):
        store(last, 0, below)
        values, row = float64_at(load(table, 0)), at(float64_at(load(table, 3)), below * size)
        i = int64(0)
        while i < size:
            store(values, i, load(row, i))
            i += 1


def oscillate(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Each neuron's mean + amplitude sin(turn step + phase), or one for all."""
    values, mean, amplitude = float64_at(load(table, 0)), float64_at(load(table, 1)), float64_at(load(table, 2))
    turn, phase = float64_at(load(table, 3)), float64_at(load(table, 4))
    emitted = float64(step - load(table, 5))
    i = lo
    if load(table, 6) != 0:
        x = load(mean, 0) + load(amplitude, 0) * math.sin(load(turn, 0) * emitted + load(phase, 0))
        while i < hi:
            store(values, i, x)
            i += 1
    while i < hi:
        store(values, i, load(mean, i) + load(amplitude, i) * math.sin(load(turn, i) * emitted + load(phase, i)))
        i += 1


# Entries of the table of `add_current`; neuron `lo` has the first of weights and values.
CURRENT = ("inputs", "weights", "values", "delay", "start", "stop")


def add_current(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Add weight times value to the input of each neuron."""
    emitted = step - load(table, 3)
    if (emitted >= load(table, 4)) & (emitted < load(table, 5)):
        inputs, weights = at(real_at(load(table, 0)), lo), float64_at(load(table, 1))
        values = float64_at(load(table, 2))
        i = int64(0)
        while i < hi - lo:
            store(inputs, i, load(inputs, i) + real(load(weights, i) * load(values, i)))
            i += 1


def draw_noise(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Where an interval begins, new values mean + sd z; neuron `lo` has the first."""
    emitted, interval = step - load(table, 3), load(table, 4)
    last = int64_at(load(table, 5))
    drawn = emitted // interval
    if (emitted >= 0) & (drawn != load(last, 0)):
        store(last, 0, drawn)
        values, mean, sd = float64_at(load(table, 0)), float64_at(load(table, 1)), float64_at(load(table, 2))
        seed, now = word(load(table, 6)), word(drawn)
        i = lo
        while i < hi:
            z = float64(normal(seed, int32(0), word(i), now))
            store(values, i - lo, load(mean, i - lo) + load(sd, i - lo) * z)
            i += 1
