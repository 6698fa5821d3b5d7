"""Quadratic neurons and sources between events, in the kernel language (see `_words.py`).

Each kind has a kernel `move_...(table, i)`, which brings the states of neuron i up to the time of the clock, and one
`foresee_...(table, i)`, which says when it will spike if nothing arrives.
"""

from __future__ import annotations

from typing import Any

from ._event_driven_tables import KIND, LISTED, POISSON, QUADRATIC
from ._words import first_word, float64, float64_at, int32, int64_at, load, math, second_word, store, word


def move_quadratic(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """v' = a x^2 + q, x = v - v_m: x(t) = (x C + q S) / (C - a x S), C = cos(w t), S = sin(w t) / w, w^2 = a q."""
    now, last, until = (
        load(float64_at(load(table, QUADRATIC.clock)), 0),
        float64_at(load(table, QUADRATIC.last)),
        float64_at(load(table, QUADRATIC.until)),
    )
    h = now - max(load(last, lo), load(until, lo))
    if h > 0.0:
        states, a = float64_at(load(table, QUADRATIC.states)), load(float64_at(load(table, QUADRATIC.curvature)), lo)
        slope = load(float64_at(load(table, QUADRATIC.slope)), lo)
        middle = -0.5 * slope / a
        x, q = load(states, 2 * lo) - middle, load(states, 2 * lo + 1) - 0.25 * slope * slope / a
        c, s, w = 1.0, h, math.sqrt(abs(a * q))
        if a * q > 0.0:
            c, s = math.cos(w * h), math.sin(w * h) / w
        elif a * q < 0.0:
            # Both divided by the cosine.
            s = math.tanh(w * h) / w
        store(states, 2 * lo, (x * c + q * s) / (c - a * x * s) + middle)
    store(last, lo, now)


def foresee_quadratic(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """From x to y it takes t with tan(w t) / w = (y - x) / (q + a x y)."""
    states, a = float64_at(load(table, QUADRATIC.states)), load(float64_at(load(table, QUADRATIC.curvature)), lo)
    slope, v = load(float64_at(load(table, QUADRATIC.slope)), lo), load(states, 2 * lo)
    since = max(load(float64_at(load(table, QUADRATIC.last)), lo), load(float64_at(load(table, QUADRATIC.until)), lo))
    middle = -0.5 * slope / a
    x, y = v - middle, load(float64_at(load(table, QUADRATIC.theta)), lo) - middle
    q = load(states, 2 * lo + 1) - 0.25 * slope * slope / a
    w, gap, other, found = math.sqrt(abs(a * q)), y - x, q + a * x * y, math.inf
    if gap <= 0.0:
        found = 0.0
    elif a * q > 0.0:
        found = math.atan2(w * gap, other) / w
    elif a * x > w:
        # Beyond the unstable point, if there is one.
        found = gap / other if w == 0.0 else math.atanh(w * gap / other) / w
    store(float64_at(load(table, QUADRATIC.next)), lo, since + found)


def move_source(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """A source has no state but the time of its last spike."""
    store(float64_at(load(table, KIND.last)), lo, load(float64_at(load(table, KIND.clock)), 0))


def foresee_poisson(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """An exponential interval; the k-th of channel `lo` is drawn from the counter (lo, k), with 64 random bits."""
    counts, seed = int64_at(load(table, POISSON.counts)), word(load(table, POISSON.seed))
    k, entity, rate = word(load(counts, lo)), int32(lo), load(float64_at(load(table, POISSON.rates)), lo)
    upper, lower = first_word(seed, int32(0), entity, k), second_word(seed, int32(0), entity, k)
    u = (float64(upper) + (float64(lower) + 0.5) * 2.0**-32) * 2.0**-32
    store(counts, lo, load(counts, lo) + 1)
    time = load(float64_at(load(table, POISSON.last)), lo) + (-math.log(u) / rate if rate > 0.0 else math.inf)
    store(
        float64_at(load(table, POISSON.next)),
        lo,
        time if time <= load(float64_at(load(table, POISSON.end)), 0) else math.inf,
    )


def foresee_listed(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """The next of a list of times."""
    place, stop = int64_at(load(table, LISTED.place)), int64_at(load(table, LISTED.stop))
    k, found = load(place, lo), math.inf
    if k < load(stop, lo):
        found = load(float64_at(load(table, LISTED.times)), k)
        store(place, lo, k + 1)
    store(float64_at(load(table, LISTED.next)), lo, found)
