"""The kernels of waveforms and currents, in the kernel language (see `network/_words.py`)."""

from __future__ import annotations

from typing import Any

from ...compile import layout
from .._words import at, float64, float64_at, int32, int64, int64_at, load, math, normal, real, real_at, store, word

HOLD = layout("values", "begin", "pieces", "rows", "size", "delay", "last")
OSCILLATE = layout("values", "mean", "amplitude", "turn", "phase", "delay", "shared")
# Neuron `lo` has the first of weights, values, means and standard deviations.
CURRENT = layout("inputs", "weights", "values", "delay", "start", "stop")
NOISE = layout("values", "mean", "sd", "delay", "interval", "last", "seed")


def hold(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Copy the row of the piece that the step falls into, where it is another one than before."""
    begin, size = int64_at(load(table, HOLD.begin)), load(table, HOLD.size)
    emitted, last = step - load(table, HOLD.delay), int64_at(load(table, HOLD.last))
    below, above = int64(0), load(table, HOLD.pieces)
    while below < above:
        middle = (below + above) >> 1
        if load(begin, middle) <= emitted:
            below = middle + 1
        else:
            above = middle
    if below != load(last, 0):
        store(last, 0, below)
        values, row = float64_at(load(table, HOLD.values)), at(float64_at(load(table, HOLD.rows)), below * size)
        i = int64(0)
        while i < size:
            store(values, i, load(row, i))
            i += 1


def oscillate(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Each neuron's mean + amplitude sin(turn step + phase), or one for all."""
    values, mean = float64_at(load(table, OSCILLATE.values)), float64_at(load(table, OSCILLATE.mean))
    amplitude, turn = float64_at(load(table, OSCILLATE.amplitude)), float64_at(load(table, OSCILLATE.turn))
    phase, emitted = float64_at(load(table, OSCILLATE.phase)), float64(step - load(table, OSCILLATE.delay))
    i = lo
    if load(table, OSCILLATE.shared) != 0:
        x = load(mean, 0) + load(amplitude, 0) * math.sin(load(turn, 0) * emitted + load(phase, 0))
        while i < hi:
            store(values, i, x)
            i += 1
    while i < hi:
        store(values, i, load(mean, i) + load(amplitude, i) * math.sin(load(turn, i) * emitted + load(phase, i)))
        i += 1


def add_current(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Add weight times value to the input of each neuron."""
    emitted = step - load(table, CURRENT.delay)
    if (emitted >= load(table, CURRENT.start)) & (emitted < load(table, CURRENT.stop)):
        inputs, weights = at(real_at(load(table, CURRENT.inputs)), lo), float64_at(load(table, CURRENT.weights))
        values = float64_at(load(table, CURRENT.values))
        i = int64(0)
        while i < hi - lo:
            store(inputs, i, load(inputs, i) + real(load(weights, i) * load(values, i)))
            i += 1


def draw_noise(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Where an interval begins, new values mean + sd z; neuron `lo` has the first."""
    emitted, last = step - load(table, NOISE.delay), int64_at(load(table, NOISE.last))
    drawn = emitted // load(table, NOISE.interval)
    if (emitted >= 0) & (drawn != load(last, 0)):
        store(last, 0, drawn)
        values, mean = float64_at(load(table, NOISE.values)), float64_at(load(table, NOISE.mean))
        sd, seed, now = float64_at(load(table, NOISE.sd)), word(load(table, NOISE.seed)), word(drawn)
        i = lo
        while i < hi:
            z = float64(normal(seed, int32(0), word(i), now))
            store(values, i - lo, load(mean, i - lo) + load(sd, i - lo) * z)
            i += 1
