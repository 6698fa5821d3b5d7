"""Neurons and sources between events, in the kernel language (see `_words.py`): where they are, when they spike next.

Each kind has a kernel `move_...(table, i)`, which brings the states of neuron i up to the time of the clock, and one
`foresee_...(table, i)`, which says when it will spike if nothing arrives. Tables begin as `KIND` says.
"""

from __future__ import annotations

from typing import Any

from ..compile import layout
from ._event_driven_tables import KIND
from ._words import (
    first_word,
    float64,
    float64_at,
    int32,
    int64,
    int64_at,
    load,
    math,
    second_word,
    store,
    word,
)

# Entries after those of KIND. Modes as in `_event_driven_modes.py`; those of the refractory period after the others.
LINEAR = layout(
    *KIND._fields,
    "modes", "rates", "powers", "parts", "resting_modes", "resting_rates", "resting_powers", "resting_parts",
    "views",  # what the margin sees of each mode
    "peaks", "room",
)  # fmt: skip
# From the entries of the modes to those of the refractory period.
RESTING = 4
QUADRATIC = layout(*KIND._fields, "curvature", "slope")
POISSON = layout(*KIND._fields, "rates", "counts", "seed", "end")
LISTED = layout(*KIND._fields, "times", "place", "stop")


def spread(table: Any, i: Any, h: Any, own: Any, shift: Any) -> None:
    """Advance the states of neuron i, or if not `own` their copy in the room, by the time h.

    `shift` is 0 for its dynamics, RESTING for those in the refractory period.
    """
    size, room = load(table, LINEAR.dims), float64_at(load(table, LINEAR.room))
    count, rates = load(table, LINEAR.modes + shift), float64_at(load(table, LINEAR.rates + shift))
    powers, parts = int64_at(load(table, LINEAR.powers + shift)), float64_at(load(table, LINEAR.parts + shift))
    states, first = (float64_at(load(table, LINEAR.states)), i * size) if own else (room, int64(0))
    base, new, d = load(int64_at(load(table, LINEAR.variant)), i) * count, size, int64(0)
    while d < size:
        store(room, new + d, 0.0)
        d += 1
    k, factor, former = int64(0), 1.0, 0.0
    while k < count:
        rate, power = load(rates, base + k), load(powers, base + k)
        if rate != former:
            factor, former = math.exp(-rate * h), rate
        f, j = factor, int64(0)
        while j < power:
            f *= h
            j += 1
        part, d = (base + k) * size * size, int64(0)
        while d < size:
            total, e = 0.0, int64(0)
            while e < size:
                total += load(parts, part + e) * load(states, first + e)
                e += 1
            store(room, new + d, load(room, new + d) + f * total)
            part += size
            d += 1
        k += 1
    d = int64(0)
    while d < size:
        store(states, first + d, load(room, new + d))
        d += 1


def move_linear(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Up to the end of the refractory period as in it, from there on as else."""
    now, last = load(float64_at(load(table, LINEAR.clock)), 0), float64_at(load(table, LINEAR.last))
    since, until = load(last, lo), load(float64_at(load(table, LINEAR.until)), lo)
    if since < now and since < until:
        stop = min(now, until)
        spread(table, lo, stop - since, True, int64(RESTING))
        since = stop
    if since < now:
        spread(table, lo, now - since, True, int64(0))
    store(last, lo, now)


def level(table: Any, first: Any, row: Any, variant: Any, t: Any) -> Any:
    """Sum of modes from the first on at the time t, its slope, and the sum of absolute values.

    Their factors are in the room, in a row that begins at `row`.
    """
    room, count = float64_at(load(table, LINEAR.room)), load(table, LINEAR.modes)
    rates, powers = float64_at(load(table, LINEAR.rates)), int64_at(load(table, LINEAR.powers))
    k, total, slope, size = first, 0.0, 0.0, 0.0
    while k < count:
        a = load(room, row + k)
        if a != 0.0:
            rate, power = load(rates, variant * count + k), load(powers, variant * count + k)
            f, j, rise = a * math.exp(-rate * t), int64(0), 0.0
            while j < power:
                rise = rise * t + f
                f *= t
                j += 1
            total += f
            slope += rise - rate * f
            size += abs(f)
        k += 1
    return total, slope, size


def root(table: Any, first: Any, row: Any, variant: Any, low: Any, high: Any, rises: Any) -> Any:
    """Where a sum of modes is zero between two times, in between which it changes its sign once.

    Newton's method, kept between the bounds.
    """
    t, going, count = 0.5 * (low + high), True, int64(0)
    while going:
        value, slope, size = level(table, first, row, variant, t)
        if (value < 0.0) == rises:
            low = t
        else:
            high = t
        new = t - value / slope if slope != 0.0 else low - 1.0
        if not (low <= new and new <= high):
            new = 0.5 * (low + high)
        count += 1
        going = abs(new - t) > 2e-16 * t and abs(value) > 1e-16 * size and count < 100
        t = new
    return t


def foresee_linear(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """The first zero of the distance D to threshold, none of which is missed.

    D is a sum of modes. D_0 = D, D_m+1 = D_m' + rate_m D_m has one mode less; between two zeros of D_m+1, D_m exp(rate_m
    t) is monotonic. So from the zeros of the last but one, which has two modes, follow those of all the others.
    """
    room, size, count = float64_at(load(table, LINEAR.room)), load(table, LINEAR.dims), load(table, LINEAR.modes)
    rates, powers = float64_at(load(table, LINEAR.rates)), int64_at(load(table, LINEAR.powers))
    views, heights = float64_at(load(table, LINEAR.views)), float64_at(load(table, LINEAR.peaks))
    variant, since = load(int64_at(load(table, LINEAR.variant)), lo), load(float64_at(load(table, LINEAR.last)), lo)
    until, states = load(float64_at(load(table, LINEAR.until)), lo), float64_at(load(table, LINEAR.states))
    base, first = variant * count, lo * size
    if since < until and until < math.inf:
        d = int64(0)
        while d < size:
            store(room, d, load(states, first + d))
            d += 1
        spread(table, lo, until - since, False, int64(RESTING))
        states, first, since = room, int64(0), until
    margin, distance, d = float64_at(load(table, LINEAR.margin)), -load(float64_at(load(table, LINEAR.theta)), lo), int64(0)
    while d < size:
        distance += load(margin, variant * size + d) * load(states, first + d)
        d += 1
    factors, bound, k = 2 * size, 0.0, int64(0)
    while k < count:
        rate, power, a, d = load(rates, base + k), load(powers, base + k), 0.0, int64(0)
        while d < size:
            a += load(views, (base + k) * size + d) * load(states, first + d)
            d += 1
        if rate == 0.0 and power == 0:
            a -= load(float64_at(load(table, LINEAR.theta)), lo)
            bound += a
        elif a > 0.0:
            bound += a * load(heights, base + k)
        store(room, factors + k, a)
        k += 1
    # Below threshold even if all modes were at their peaks at once.
    found = math.inf
    if until == math.inf:
        bound = 0.0
    elif distance >= 0.0:
        found = 0.0
    elif bound >= 0.0 and count > 1:
        m = int64(0)
        while m + 2 < count:
            row, killed, k = factors + m * count, load(rates, base + m), m + 1
            while k < count:
                rate = load(rates, base + k)
                a = (killed - rate) * load(room, row + k)
                if rate == load(rates, base + k - 1):
                    a += float64(load(powers, base + k - 1)) * load(room, row + k - 1)
                store(room, row + count + k, a)
                k += 1
            m += 1
        # The last two modes.
        row = factors + m * count
        zeros, others = factors + count * count, factors + count * count + count
        n, a, b = int64(0), load(room, row + m), load(room, row + m + 1)
        if a * b < 0.0:
            t = -b / a
            if load(rates, base + m) != load(rates, base + m + 1):
                t = math.log1p(-(a + b) / a) / (load(rates, base + m + 1) - load(rates, base + m))
            if t > 0.0:
                store(room, zeros, t)
                n = int64(1)
        if m == 0 and n > 0:
            found = load(room, zeros)
        while m > 0 and found == math.inf:
            m -= 1
            row = factors + m * count
            n_here, left, q = int64(0), 0.0, int64(0)
            value = distance if m == 0 else level(table, m, row, variant, 0.0)[0]
            while q <= n and found == math.inf:
                right, end = math.inf, 0.0
                if q < n:
                    right = load(room, zeros + q)
                    end = level(table, m, row, variant, right)[0]
                else:
                    # In the end the slowest mode decides.
                    k = m
                    while k < count - 1 and load(room, row + k) == 0.0:
                        k += 1
                    end = load(room, row + k)
                if value * end < 0.0 or (value < 0.0 and end == 0.0 and q < n):
                    stride, tries = max(left, 1e-3), int64(0)
                    while right == math.inf and tries < 1000:
                        if level(table, m, row, variant, left + stride)[0] * end > 0.0:
                            right = left + stride
                        stride *= 2.0
                        tries += 1
                    if right < math.inf:
                        zero = root(table, m, row, variant, left, right, value < 0.0)
                        if m == 0:
                            found = zero
                        store(room, others + n_here, zero)
                        n_here += 1
                left, value = right, end
                q += 1
            n, zeros, others = n_here, others, zeros
    store(float64_at(load(table, LINEAR.next)), lo, since + found)


def move_quadratic(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """v' = a x^2 + q, x = v - v_m: x(t) = (x C + q S) / (C - a x S), C and S / w the cosine and sine of w t, w^2 = a q."""
    now, last, until = load(float64_at(load(table, QUADRATIC.clock)), 0), float64_at(load(table, QUADRATIC.last)), float64_at(load(table, QUADRATIC.until))
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
    store(float64_at(load(table, POISSON.next)), lo, time if time <= load(float64_at(load(table, POISSON.end)), 0) else math.inf)


def foresee_listed(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """The next of a list of times."""
    place, stop = int64_at(load(table, LISTED.place)), int64_at(load(table, LISTED.stop))
    k, found = load(place, lo), math.inf
    if k < load(stop, lo):
        found = load(float64_at(load(table, LISTED.times)), k)
        store(place, lo, k + 1)
    store(float64_at(load(table, LISTED.next)), lo, found)
