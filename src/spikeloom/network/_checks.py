"""What may be given to a network: numbers, sizes and durations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import ParameterError


def is_real(value: object) -> bool:
    """Whether it is one real number, of Python or of NumPy, and no bool."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def sizes(label: str, n: int | None, shape: Sequence[int] | None) -> tuple[int, ...]:
    """The shape of a population from its size, its shape or both. Raises: ParameterError."""
    found = (n,) if shape is None else tuple(shape) if isinstance(shape, Sequence | np.ndarray) else (shape,)
    good = all(isinstance(k, int | np.integer) and not isinstance(k, bool) and k > 0 for k in found)
    product = int(np.prod([int(k) for k in found])) if good else 0  # type: ignore[arg-type]
    if not good or not found or (n is not None and n != product) or product >= 1 << 30:
        got = f"n = {n}" if shape is None else f"n = {n}, shape = {shape}"
        do = "" if n is None or isinstance(n, int | float) else "for example net.population(100, sl.LIF())"
        raise ParameterError(f"size of {label}", expected="n > 0 neurons, or a shape of that many", got=got, do=do)
    return tuple(int(k) for k in found)  # type: ignore[arg-type]


def whole(name: str, value: object, least: int) -> int:
    """A whole number for an argument of the network. Raises: ParameterError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ParameterError(f"Network.{name}", expected=f"a whole number >= {least}", got=repr(value))
    return int(value)


def steps_of(duration: float, dt: float, before: int) -> int:
    """A duration in steps, of a network that has run `before` of them. Raises: ParameterError."""
    if not is_real(duration) or not 0 <= duration < float("inf"):
        raise ParameterError("duration of run", expected="a time >= 0 (ms)", got=repr(duration))
    duration = float(duration)
    steps = round(duration / dt)
    if abs(duration / dt - steps) > 1e-6 * max(1.0, steps):
        do = f"{steps * dt:g} ms is nearest"
        raise ParameterError("duration of run", expected=f"a multiple of dt = {dt:g} ms", got=duration, do=do)
    if before + steps >= 1 << 30:
        expected = f"at most {(1 << 30) * dt:g} ms in all"
        raise ParameterError("duration of run", expected=expected, got=f"{before * dt + duration:g} ms")
    return steps
