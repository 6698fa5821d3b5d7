"""What devices are given, checked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DTypeError, ParameterError


def real_numbers(label: str, given: Any) -> NDArray[np.float64]:
    """As an array of its own, finite."""
    try:
        array = np.asarray(given, dtype=np.float64).copy()
    except (TypeError, ValueError) as error:
        raise DTypeError(label, expected="a number or an array of numbers", got=repr(given)) from error
    if np.asarray(given).dtype.kind not in "iuf":
        raise DTypeError(label, expected="a number or an array of numbers", got=repr(given))
    if not np.isfinite(array).all():
        raise ParameterError(label, expected="finite numbers", got=array[~np.isfinite(array)].flat[0])
    return array


def number(label: str, given: Any, expected: str, low: float = -math.inf, *, above: bool = False) -> float:
    """One number, at least `low`, or above it."""
    if isinstance(given, bool) or not isinstance(given, int | float | np.number):
        raise DTypeError(label, expected=expected, got=repr(given))
    value = float(given)
    if math.isnan(value) or value < low or (above and value == low):
        raise ParameterError(label, expected=expected, got=given)
    return value


def on_grid(label: str, times: NDArray[np.float64], dt: float) -> NDArray[np.int64]:
    """In steps; times between steps are refused."""
    steps = np.rint(times / dt)
    # A multiple of dt that was computed in float64 is off by its rounding.
    off = np.abs(times / dt - steps) > 1e-6 * np.maximum(1.0, steps * 1e-3)
    if off.any():
        bad, near = float(times[off][0]), float(steps[off][0] * dt)
        raise ParameterError(label, expected=f"multiples of dt = {dt:g} ms", got=f"{bad:g}", do=f"{near:g} is nearest")
    return steps.astype(np.int64)


def active_steps(label: str, start: float, stop: float, dt: float) -> tuple[int, int]:
    """First step and the one after the last of what is on from `start` to `stop`, in ms."""
    first = int(on_grid(f"start of {label}", np.array([start]), dt)[0])
    last = 1 << 60 if math.isinf(stop) else int(on_grid(f"stop of {label}", np.array([stop]), dt)[0])
    return first, last


def verify_span(label: str, start: Any, stop: Any) -> None:
    """Raise where a device cannot be on from start to stop."""
    begin = number(f"start of {label}", start, "a time >= 0 (ms)", 0.0)
    end = number(f"stop of {label}", stop, "a time (ms)")
    if not begin < end or math.isinf(begin):
        raise ParameterError(label, expected="start < stop", got=f"start = {start}, stop = {stop}")
