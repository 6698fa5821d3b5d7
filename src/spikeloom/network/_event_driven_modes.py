"""Linear dynamics as a sum of modes: exp(A t) = sum of t^j exp(-rate t) C over rates and powers j."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError

Array = NDArray[np.float64]
# Rates that differ by less, relative to the largest, are one; those that differ by less than the second cannot be told
# apart without losing digits.
_EQUAL, _CLOSE = 1e-13, 1e-7


class Modes(NamedTuple):
    """Rates in ascending order, for each its powers in descending order, and what they multiply, [modes, D, D]."""

    rates: Array
    powers: NDArray[np.int64]
    parts: Array


def modes_of(matrix: Array, label: str) -> Modes:
    """Of a matrix with real eigenvalues.

    For each eigenvalue -r of multiplicity m: C_j = (A + r)^j P / j!, P the projector on its generalised eigenvectors,
    which is the polynomial of A that is 1 there and 0 at all others, with m - 1 derivatives 0.
    Source: Higham 2008, "Functions of matrices", section 1.2.2. Raises: ParameterError.
    """
    groups = _rates(matrix, label)
    scale = max([abs(rate) for rate, _ in groups] + [1e-300])
    found = [(rate, j, part) for rate, count in groups for j, part in _parts(matrix, groups, rate, count, scale)]
    order = sorted(found, key=lambda mode: (mode[0], -mode[1]))
    total = np.sum([part for _, j, part in found if j == 0], axis=0)
    if not np.allclose(total, np.eye(len(matrix)), atol=1e-6):
        _close(label)
    rates, powers, parts = zip(*order, strict=True)
    return Modes(np.array(rates), np.array(powers, dtype=np.int64), np.array(parts))


def _rates(matrix: Array, label: str) -> list[tuple[float, int]]:
    """Rates with their multiplicities."""
    values = np.linalg.eigvals(matrix)
    scale = max(float(np.abs(values).max()), 1e-300)
    if (np.abs(values.imag) > _CLOSE * scale).any():
        do = "simulate it with Network(dt=...)"
        got = "modes that oscillate"
        raise ParameterError(f"neuron of {label}, event by event", expected="modes that decay or grow", got=got, do=do)
    if (values.imag != 0).any():
        _close(label)
    groups: list[list[float]] = []
    for rate in sorted(-values.real):
        if groups and rate - groups[-1][0] <= _EQUAL * scale:
            groups[-1].append(rate)
        elif groups and rate - groups[-1][0] <= _CLOSE * scale:
            _close(label)
        else:
            groups.append([rate])
    return [(0.0 if abs(group[0]) <= _EQUAL * scale else float(group[0]), len(group)) for group in groups]


def _close(label: str) -> None:
    do = "make the time constants equal, or let them differ by more"
    expected = "time constants that are equal or can be told apart"
    raise ParameterError(f"neuron of {label}, event by event", expected=expected, got="nearly equal ones", do=do)


def _parts(
    matrix: Array, groups: list[tuple[float, int]], rate: float, count: int, scale: float
) -> list[tuple[int, Array]]:
    identity = np.eye(len(matrix))
    shifted = matrix + rate * identity
    # 1 / product of (r_h - r + x)^m_h as a power series in x, and the same product at the matrix.
    series, others = np.eye(1, count)[0], identity
    for other, times in groups:
        for _ in range(0 if other == rate else times):
            gap = other - rate
            inverse = np.array([(-1.0) ** j / gap ** (j + 1) for j in range(count)])
            series = np.convolve(series, inverse)[:count]
            others = others @ (matrix + other * identity)
    powers = [np.linalg.matrix_power(shifted, j) for j in range(count)]
    projector = others @ np.sum([s * p for s, p in zip(series, powers, strict=True)], axis=0)
    found = [(j, powers[j] @ projector / math.factorial(j)) for j in range(count)]
    # Where an eigenvalue has as many eigenvectors, higher powers are zero but for rounding.
    largest = float(np.abs(projector).max())
    return [(j, part) for j, part in found if j == 0 or np.abs(part).max() > 1e-12 * largest * scale**j]


def padded(modes: Modes, count: int) -> Modes:
    """With modes that multiply zero at the end."""
    lacking = count - len(modes.rates)
    if not lacking:
        return modes
    last = abs(float(modes.rates[-1])) + 1.0
    size = modes.parts.shape[1]
    return Modes(
        np.concatenate([modes.rates, last * np.arange(2, 2 + lacking)]),
        np.concatenate([modes.powers, np.zeros(lacking, dtype=np.int64)]),
        np.concatenate([modes.parts, np.zeros((lacking, size, size))]),
    )


def peaks(modes: Modes) -> Array:
    """The largest that t^j exp(-rate t) gets for t > 0."""
    found = np.full(len(modes.rates), np.inf)
    for k, (rate, power) in enumerate(zip(modes.rates, modes.powers, strict=True)):
        if rate > 0:
            found[k] = (power / (rate * math.e)) ** power if power else 1.0
        elif rate == 0 and power == 0:
            found[k] = 1.0
    return found
