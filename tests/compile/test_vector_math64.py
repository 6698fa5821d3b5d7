"""The inlined elementary functions of float64 against NumPy in extended precision, over the whole range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from spikeloom.compile import _vector_math64

Double = NDArray[np.float64]
Extended = NDArray[np.longdouble]

# Windows has no number wider than float64, and there the references' own error is of the size of what is measured.
pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant <= np.finfo(np.float64).nmant, reason="no extended precision to compare with"
)
TINY, HUGE = float(np.finfo(np.float64).tiny), float(np.finfo(np.float64).max)
EXACT: dict[str, Callable[[Any], Any]] = {
    "exp64": np.exp,
    "expm164": np.expm1,
    "log64": np.log,
    "log1p64": np.log1p,
    "tanh64": np.tanh,
    "sigmoid64": lambda x: 1 / (1 + np.exp(-x)),
}
# What the module's docstring states.
STATED = {"exp64": 5e-16, "expm164": 6e-16, "log64": 4e-16, "log1p64": 5e-16, "tanh64": 8e-16, "sigmoid64": 6e-16}


def vectorised(name: str) -> Callable[[Double], Double]:
    function = getattr(_vector_math64, name)

    @njit  # type: ignore[untyped-decorator]
    def fill(x: Double, y: Double) -> None:
        for k in range(x.size):
            y[k] = function(x[k])

    def apply(x: Double) -> Double:
        y = np.empty_like(x)
        fill(x, y)
        return y

    return apply


def numbers(name: str) -> Double:
    """All sizes, and fine grids where the functions bend and where they end."""
    generator = np.random.default_rng(0)
    sizes = 10.0 ** generator.uniform(-320, 308, 200_000) * generator.choice([-1.0, 1.0], 200_000)
    grids = [np.linspace(-800, 800, 200_001), np.linspace(-2, 3, 200_001), 1 + np.linspace(-1e-3, 1e-3, 20_001)]
    x = np.concatenate([sizes, *grids])
    return x[x > {"log64": 0.0, "log1p64": -1.0}.get(name, -np.inf)]


@pytest.mark.parametrize("name", EXACT)
def test_stated_error_holds(name: str) -> None:
    x = numbers(name)
    with np.errstate(all="ignore"):
        exact = EXACT[name](x.astype(np.longdouble))
    found = vectorised(name)(x)
    normal = (np.abs(exact) >= TINY) & (np.abs(exact) <= HUGE)
    error = (np.abs(found[normal] - exact[normal]) / np.abs(exact[normal])).astype(np.float64)
    assert error.max() <= STATED[name], f"{error.max():.2e} at {x[normal][error.argmax()]!r}"
    below = np.abs(exact) < TINY
    assert np.abs(found[below] - exact[below]).max(initial=0.0) <= TINY
    assert np.isinf(found[np.abs(exact) > HUGE * (1 + np.longdouble(1e-15))]).all()


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, -2.0, 5e-324, -5e-324, 1e-310, 1.7e308, 709.7, 710.0, -746.0]


@pytest.mark.parametrize("name", EXACT)
def test_special_values(name: str) -> None:
    x = np.array(SPECIAL)
    with np.errstate(all="ignore"):
        exact = EXACT[name](x.astype(np.longdouble)).astype(np.float64)
    np.testing.assert_allclose(vectorised(name)(x), exact, rtol=STATED[name], atol=TINY)


def test_the_docstring_states_these_errors() -> None:
    stated = " ".join((_vector_math64.__doc__ or "").split())
    for name, error in STATED.items():
        assert f"{name} {error:.0e}" in stated
