"""Linear neurons between events, in the kernel language (see `_words.py`): where they are, when they spike next."""

from __future__ import annotations

from typing import Any

from ._event_driven_tables import LINEAR, RESTING
from ._words import float64, float64_at, int64, int64_at, load, math, store


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


def before_end(table: Any, i: Any) -> Any:
    """States at the end of the refractory period, where it has not ended yet: where they are, and their time."""
    size, room = load(table, LINEAR.dims), float64_at(load(table, LINEAR.room))
    states, first = float64_at(load(table, LINEAR.states)), i * size
    since, until = load(float64_at(load(table, LINEAR.last)), i), load(float64_at(load(table, LINEAR.until)), i)
    if since < until and until < math.inf:
        d = int64(0)
        while d < size:
            store(room, d, load(states, first + d))
            d += 1
        spread(table, i, until - since, False, int64(RESTING))
        states, first, since = room, int64(0), until
    return states, first, since


def see(table: Any, i: Any, states: Any, first: Any, factors: Any) -> Any:
    """What the distance to threshold has of each mode, into the room; an upper bound of it: all at their peaks."""
    room, size, count = float64_at(load(table, LINEAR.room)), load(table, LINEAR.dims), load(table, LINEAR.modes)
    rates, powers = float64_at(load(table, LINEAR.rates)), int64_at(load(table, LINEAR.powers))
    views, peaks = float64_at(load(table, LINEAR.views)), float64_at(load(table, LINEAR.peaks))
    base, bound, k = load(int64_at(load(table, LINEAR.variant)), i) * count, 0.0, int64(0)
    while k < count:
        a, d = 0.0, int64(0)
        while d < size:
            a += load(views, (base + k) * size + d) * load(states, first + d)
            d += 1
        if load(rates, base + k) == 0.0 and load(powers, base + k) == 0:
            a -= load(float64_at(load(table, LINEAR.theta)), i)
            bound += a
        elif a > 0.0:
            bound += a * load(peaks, base + k)
        store(room, factors + k, a)
        k += 1
    return bound


def eliminate(table: Any, variant: Any, factors: Any) -> Any:
    """Rows of factors, each with one mode less, down to two modes; the zero of those, or 0 if there is none above 0."""
    room, count = float64_at(load(table, LINEAR.room)), load(table, LINEAR.modes)
    rates, powers = float64_at(load(table, LINEAR.rates)), int64_at(load(table, LINEAR.powers))
    base, m, row = variant * count, int64(0), factors
    while m + 2 < count:
        killed, k = load(rates, base + m), m + 1
        while k < count:
            rate = load(rates, base + k)
            a = (killed - rate) * load(room, row + k)
            if rate == load(rates, base + k - 1):
                a += float64(load(powers, base + k - 1)) * load(room, row + k - 1)
            store(room, row + count + k, a)
            k += 1
        m += 1
        row += count
    a, b, zero = load(room, row + m), load(room, row + m + 1), 0.0
    if a * b < 0.0:
        gap = load(rates, base + m + 1) - load(rates, base + m)
        zero = math.log1p(-(a + b) / a) / gap if gap != 0.0 else -b / a
    return max(zero, 0.0)


def zero_after(table: Any, m: Any, row: Any, variant: Any, left: Any, value: Any) -> Any:
    """The last zero of row m, after the time left; infinity if there is none. In the end the slowest mode decides."""
    room, count = float64_at(load(table, LINEAR.room)), load(table, LINEAR.modes)
    k, right, stride, tries = m, math.inf, max(left, 1e-3), int64(0)
    while k < count - 1 and load(room, row + k) == 0.0:
        k += 1
    end = load(room, row + k)
    while value * end < 0.0 and right == math.inf and tries < 1000:
        if level(table, m, row, variant, left + stride)[0] * end > 0.0:
            right = root(table, m, row, variant, left, left + stride, value < 0.0)
        stride *= 2.0
        tries += 1
    return right


def first_zero(table: Any, variant: Any, factors: Any, distance: Any) -> Any:
    """The first zero of the distance D < 0 to threshold, infinity if there is none.

    D_0 = D, D_m+1 = D_m' + rate_m D_m has one mode less. Between zeros of D_m+1, D_m exp(rate_m t) is monotonic, so
    that the zeros of D_m lie one each between those where it has different signs.
    """
    room, count = float64_at(load(table, LINEAR.room)), load(table, LINEAR.modes)
    zeros, others = factors + count * count, factors + count * count + count
    zero, m = eliminate(table, variant, factors), count - 2
    n, found = int64(0), math.inf
    if zero > 0.0:
        store(room, zeros, zero)
        n = int64(1)
    if m == 0 and n > 0:
        found = zero
    while m > 0 and found == math.inf:
        m -= 1
        row, left, here, q = factors + m * count, 0.0, int64(0), int64(0)
        value = distance if m == 0 else level(table, m, row, variant, 0.0)[0]
        while q <= n and found == math.inf:
            right, end, zero = math.inf, 0.0, math.inf
            if q == n:
                zero = zero_after(table, m, row, variant, left, value)
            else:
                right = load(room, zeros + q)
                end = level(table, m, row, variant, right)[0]
                if value * end < 0.0 or (value < 0.0 and end == 0.0):
                    zero = root(table, m, row, variant, left, right, value < 0.0)
            if zero < math.inf:
                store(room, others + here, zero)
                here += 1
                found = zero if m == 0 else found
            left, value = right, end
            q += 1
        n, zeros, others = here, others, zeros
    return found


def foresee_linear(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """When the threshold is reached: now, or at the first zero of the distance to it."""
    size, factors = load(table, LINEAR.dims), 2 * load(table, LINEAR.dims)
    variant = load(int64_at(load(table, LINEAR.variant)), lo)
    states, first, since = before_end(table, lo)
    margin, distance = float64_at(load(table, LINEAR.margin)), -load(float64_at(load(table, LINEAR.theta)), lo)
    d = int64(0)
    while d < size:
        distance += load(margin, variant * size + d) * load(states, first + d)
        d += 1
    found = math.inf
    if load(float64_at(load(table, LINEAR.until)), lo) < math.inf:
        if distance >= 0.0:
            found = 0.0
        elif see(table, lo, states, first, factors) >= 0.0 and load(table, LINEAR.modes) > 1:
            found = first_zero(table, variant, factors, distance)
    store(float64_at(load(table, LINEAR.next)), lo, since + found)
