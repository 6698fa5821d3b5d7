"""The inlined elementary functions against NumPy in float64, over the whole range of float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numba import njit
from numpy.typing import NDArray

from spikeloom.compile import _vector_math, _vector_math_angles

Single = NDArray[np.float32]
Double = NDArray[np.float64]

TINY, HUGE = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


def _sigmoid(x: Double) -> Double:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1 + small)


def _erf(x: Double) -> Double:
    return torch.erf(torch.from_numpy(x)).numpy()


EXACT: dict[str, Callable[[Double], Double]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "log2": np.log2,
    "erf": _erf,
    "atan": np.arctan,
}
# What the module's docstring states.
STATED = {"exp": 2e-7, "expm1": 4e-7, "log": 2e-7, "log1p": 3e-7, "tanh": 3e-7, "sigmoid": 3e-7}
STATED |= {"log2": 3e-7, "erf": 3e-7, "atan": 2e-7}
# Functions of two arguments, and periodic ones, which have tests of their own.
STATED_TWO = {"atan2": 3e-7, "hypot": 1e-7, "pow": 3e-7}
STATED_PERIODIC = {"sin": 2e-7, "cos": 2e-7}


@pytest.fixture(scope="module")
def numbers() -> Single:
    """Every 4 099th number of float32, and a fine grid where the functions bend and where they end."""
    bits = np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)
    grids = [np.linspace(-105, 95, 400_001), np.linspace(-1.5, 2.5, 400_001), np.linspace(88.6, 88.8, 20_001)]
    return np.concatenate([bits[np.isfinite(bits)], *(grid.astype(np.float32) for grid in grids)])


@pytest.fixture(scope="module")
def vectorised() -> dict[str, Callable[[Single], Single]]:
    return {name: _vectorised(_named(name)) for name in EXACT}


def _named(name: str) -> Callable[..., np.float32]:
    found: Callable[..., np.float32] = getattr(_vector_math, name, None) or getattr(_vector_math_angles, name)
    return found


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
    return x[x > {"log": 0.0, "log1p": -1.0, "log2": 0.0}.get(name, -np.inf)]


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


@pytest.mark.parametrize("name", EXACT)
def test_monotone_within_the_error(name: str, vectorised: dict[str, Callable[[Single], Single]]) -> None:
    """No step down by more than twice the stated error, as a wrong branch would make."""
    x = domain(name, np.linspace(-90, 88, 1_000_001).astype(np.float32))
    y = vectorised[name](x).astype(np.float64)
    assert (np.diff(y) >= -2 * STATED[name] * np.abs(y[1:])).all()


PERIODIC = {"sin": np.sin, "cos": np.cos}


@pytest.mark.parametrize("name", PERIODIC)
def test_periodic(name: str, numbers: Single) -> None:
    """Relative error while the period is resolved, absolute further out, NaN where the argument means nothing."""
    function, exact = _vectorised(_named(name)), PERIODIC[name]
    near = np.arange(-20_000, 20_000, dtype=np.float64) * (np.pi / 4)
    x = np.concatenate([numbers, np.linspace(-1e6, 1e6, 1_000_001), near, np.nextafter(near, 9e9)]).astype(np.float32)
    x = x[np.abs(x) <= 1e6]
    wanted, found = exact(x.astype(np.float64)), function(x).astype(np.float64)
    normal = np.abs(wanted) >= TINY
    error = np.abs(found - wanted)[normal] / np.abs(wanted[normal])
    assert error.max() <= STATED_PERIODIC[name], f"{error.max()} at {x[normal][error.argmax()]!r}"
    far = numbers[(np.abs(numbers) > 1e6) & (np.abs(numbers) <= 2.0**31)]
    assert np.abs(function(far) - exact(far.astype(np.float64))).max() <= 3e-7
    assert np.isnan(function(np.array([3e9, -3e9, np.inf, -np.inf, np.nan], dtype=np.float32))).all()
    assert np.array_equal(function(np.array([0.0, -0.0], dtype=np.float32)), exact(np.array([0.0, -0.0])))


TWO = {"atan2": np.arctan2, "hypot": np.hypot, "pow": np.power, "fmod": np.fmod}


def _pairs() -> tuple[Single, Single]:
    """Special values with one another, all sizes with one another, and ordinary numbers."""
    generator = np.random.default_rng(0)
    special = np.array([*SPECIAL, 2.0, 3.0, -3.0, 0.5, -0.5, 1e19, 1e-19, 65537.0], dtype=np.float32)
    x, y = (part.ravel() for part in np.meshgrid(special, special))
    sizes = generator.uniform(-37, 37, (2, 200_000))
    wide = (10.0**sizes * generator.choice([-1.0, 1.0], sizes.shape)).astype(np.float32)
    ordinary = generator.normal(0, 3, (2, 200_000)).astype(np.float32)
    powers = np.stack([10 ** generator.uniform(-6, 6, 200_000), generator.uniform(-8, 8, 200_000)]).astype(np.float32)
    both = np.concatenate([np.stack([x, y]), wide, ordinary, powers], axis=1)
    return both[0], both[1]


@pytest.mark.parametrize("name", TWO)
def test_two_arguments(name: str) -> None:
    function = _named(name)

    @njit  # type: ignore[untyped-decorator]
    def fill(x: Single, y: Single, z: Single) -> None:
        for k in range(x.size):
            z[k] = function(x[k], y[k])

    x, y = _pairs()
    found = np.empty_like(x)
    fill(x, y, found)
    with np.errstate(all="ignore"):
        exact = TWO[name](x.astype(np.float64), y.astype(np.float64))
        exact = np.where(np.abs(exact) > HUGE * (1 + 1e-7), np.copysign(np.inf, exact), exact)
    if name == "fmod":
        with np.errstate(all="ignore"):
            exact[np.abs(x.astype(np.float64)) > 2.0**48 * np.abs(y.astype(np.float64))] = np.nan
        np.testing.assert_array_equal(found.astype(np.float64), exact)
    else:
        np.testing.assert_allclose(found.astype(np.float64), exact, rtol=STATED_TWO[name], atol=TINY)
    # Zeros keep their sign.
    zero = (exact == 0) & (found == 0)
    assert np.array_equal(np.signbit(found[zero]), np.signbit(exact[zero]))


def test_log2_of_powers_of_two(vectorised: dict[str, Callable[[Single], Single]]) -> None:
    n = np.arange(-149, 128)
    assert np.array_equal(vectorised["log2"](np.ldexp(np.float32(1), n).astype(np.float32)), n)


def test_the_docstring_states_these_errors() -> None:
    stated = _vector_math.__doc__ or ""
    for name, error in {**STATED, **STATED_TWO, **STATED_PERIODIC}.items():
        assert f"{name} {error:.0e}".replace("e-0", "e-") in stated
