"""The inlined elementary functions against NumPy in float64, over the whole range of float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from spikeloom.compile import _vector_math

Single = NDArray[np.float32]
Double = NDArray[np.float64]

TINY, HUGE = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


def _sigmoid(x: Double) -> Double:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1 + small)


EXACT: dict[str, Callable[[Double], Double]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
}
# What the module's docstring states.
STATED = {"exp": 2e-7, "expm1": 4e-7, "log": 2e-7, "log1p": 3e-7, "tanh": 3e-7, "sigmoid": 3e-7}


@pytest.fixture(scope="module")
def numbers() -> Single:
    """Every 4 099th number of float32, and a fine grid where the functions bend and where they end."""
    bits = np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)
    grids = [np.linspace(-105, 95, 400_001), np.linspace(-1.5, 2.5, 400_001), np.linspace(88.6, 88.8, 20_001)]
    return np.concatenate([bits[np.isfinite(bits)], *(grid.astype(np.float32) for grid in grids)])


@pytest.fixture(scope="module")
def vectorised() -> dict[str, Callable[[Single], Single]]:
    return {name: _vectorised(getattr(_vector_math, name)) for name in EXACT}


def _vectorised(function: Callable[[np.float32], np.float32]) -> Callable[[Single], Single]:
    @njit  # type: ignore[untyped-decorator]
    def fill(x: Single, y: Single) -> None:
        for k in range(x.size):
            y[k] = function(x[k])

    def apply(x: Single) -> Single:
        y = np.empty_like(x)
        fill(x, y)
        return y

    return apply


def domain(name: str, x: Single) -> Single:
    return x[x > {"log": 0.0, "log1p": -1.0}.get(name, -np.inf)]


@pytest.mark.parametrize("name", EXACT)
def test_stated_error_holds(name: str, numbers: Single, vectorised: dict[str, Callable[[Single], Single]]) -> None:
    """Relative to the exact value wherever that is a normal number."""
    x = domain(name, numbers)
    with np.errstate(all="ignore"):
        exact = EXACT[name](x.astype(np.float64))
    found = vectorised[name](x).astype(np.float64)
    normal = (np.abs(exact) >= TINY) & (np.abs(exact) <= HUGE)
    error = np.abs(found[normal] - exact[normal]) / np.abs(exact[normal])
    worst = int(error.argmax())
    assert error[worst] <= STATED[name], (
        f"at {x[normal][worst]!r}: {found[normal][worst]!r}, not {exact[normal][worst]!r}"
    )


@pytest.mark.parametrize("name", EXACT)
def test_below_and_above_the_normal_range(
    name: str, numbers: Single, vectorised: dict[str, Callable[[Single], Single]]
) -> None:
    """Results below the normal range may be rounded to zero, those above float32 are infinite."""
    x = domain(name, numbers)
    with np.errstate(all="ignore"):
        exact = EXACT[name](x.astype(np.float64))
    found = vectorised[name](x).astype(np.float64)
    below = np.abs(exact) < TINY
    assert np.abs(found[below] - exact[below]).max(initial=0.0) <= TINY
    # As close to the largest number as the stated error, either is right.
    above = np.abs(exact) > HUGE * (1 + STATED[name])
    assert np.isinf(found[above]).all()


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, -2.0, 1e-45, -1e-45, 1e-38, 3.4e38, -3.4e38, 104.0, -104.0]


@pytest.mark.parametrize("name", EXACT)
def test_special_values(name: str, vectorised: dict[str, Callable[[Single], Single]]) -> None:
    x = np.array(SPECIAL, dtype=np.float32)
    with np.errstate(all="ignore"):
        exact = EXACT[name](x.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(vectorised[name](x), exact, rtol=STATED[name], atol=TINY)


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh", "sigmoid"])
def test_monotone_within_the_error(name: str, vectorised: dict[str, Callable[[Single], Single]]) -> None:
    """No step down by more than twice the stated error, as a wrong branch would make."""
    x = domain(name, np.linspace(-90, 88, 1_000_001).astype(np.float32))
    y = vectorised[name](x).astype(np.float64)
    assert (np.diff(y) >= -2 * STATED[name] * np.abs(y[1:])).all()


def test_the_docstring_states_these_errors() -> None:
    stated = _vector_math.__doc__ or ""
    for name, error in STATED.items():
        assert f"{name} {error:.0e}".replace("e-0", "e-") in stated
