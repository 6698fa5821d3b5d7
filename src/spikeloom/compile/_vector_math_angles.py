"""More elementary functions for kernels in float32, as `_vector_math`: angles, powers and the error function.

The polynomials were fitted for least largest relative error; what is reduced first is reduced in float64.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from ._vector_math import (
    _exponent,
    _mantissa,
    _scaled_exp,
    bits_of,
    d,
    exp,
    f,
    i,
    rounded,
    truncated64,
    whole,
)


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _quarter_turns(x: Any) -> Any:
    """The nearest multiple of pi / 2, as a whole float64; 0 beyond 2^31 and for NaN."""
    near = abs(x) <= f(2147483648.0)
    return rounded(d(x if near else f(0.0)) * d(0.6366197723675814))


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def near_sine(r: Any) -> Any:
    """sin(r) for |r| <= pi / 4."""
    z = r * r
    p = f(-1.95169763e-4)
    p = p * z + f(8.33217613e-3)
    p = p * z + f(-1.66666552e-1)
    return r + r * z * p


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def near_cosine(r: Any) -> Any:
    """cos(r) for |r| <= pi / 4."""
    z = r * r
    p = f(2.44327839e-5)
    p = p * z + f(-1.38873120e-3)
    p = p * z + f(4.16666456e-2)
    return f(1.0) - f(0.5) * z + z * z * p


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _sine(x: Any, n: Any, turn: Any) -> Any:
    """sin(x + turn pi / 2) where n is the number of quarter turns in x."""
    # pi / 2 in two parts; the first has 33 bits, so that its product with n < 2^20 is exact.
    r = f((d(x) - n * d(1.5707963267341256)) - n * d(6.077100506506192e-11))
    quarter = i(truncated64(n) + turn)
    result = near_cosine(r) if i(quarter & i(1)) == i(1) else near_sine(r)
    result = -result if i(quarter & i(2)) == i(2) else result
    return result if abs(x) <= f(2147483648.0) else f(math.nan)


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def sin(x: Any) -> Any:
    """Cody-Waite reduction to |r| <= pi / 4 and a polynomial for each quarter turn."""
    return _sine(x, _quarter_turns(x), i(0))


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def cos(x: Any) -> Any:
    """A quarter turn ahead of the sine."""
    return _sine(x, _quarter_turns(x), i(1))


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _atan_of_ratio(z: Any) -> Any:
    """atan(z) for 0 <= z <= 1: odd polynomial of degree 21."""
    t = z * z
    p = f(1.09110039e-3)
    p = p * t + f(-7.19933026e-3)
    p = p * t + f(2.22742352e-2)
    p = p * t + f(-4.43573482e-2)
    p = p * t + f(6.71609640e-2)
    p = p * t + f(-8.79876688e-2)
    p = p * t + f(1.10544994e-1)
    p = p * t + f(-1.42791599e-1)
    p = p * t + f(1.99996039e-1)
    p = p * t + f(-3.33333253e-1)
    return z + z * t * p


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def atan(x: Any) -> Any:
    """Of x, or of 1 / x beyond 1."""
    size = abs(x)
    beyond = size > f(1.0)
    a = _atan_of_ratio(f(1.0) / size if beyond else size)
    a = f(1.57079633) - a if beyond else a
    return -a if x < f(0.0) else (a if x > f(0.0) else x)


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def atan2(y: Any, x: Any) -> Any:
    """The angle of the point (x, y), in all four quadrants; the sign of y where that is zero."""
    p, q = abs(x), abs(y)
    low, high = p if p < q else q, q if p < q else p
    both = low == f(math.inf)
    a = _atan_of_ratio(f(1.0) if both else (f(0.0) if high == f(0.0) else low / high))
    a = f(1.57079633) - a if p < q else a
    a = f(3.14159265) - a if bits_of(x) < i(0) else a
    a = -a if bits_of(y) < i(0) else a
    return a if (x == x) & (y == y) else f(math.nan)


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def hypot(x: Any, y: Any) -> Any:
    """sqrt(x^2 + y^2); float64 has room for the squares of every float32."""
    infinite = (abs(x) == f(math.inf)) | (abs(y) == f(math.inf))
    return f(math.inf) if infinite else f(math.sqrt(d(x) * d(x) + d(y) * d(y)))


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def fmod(x: Any, y: Any) -> Any:
    """x - y trunc(x / y), exact for |x / y| < 2^48 and NaN beyond; the sign of x."""
    u, v = abs(d(x)), abs(d(y))
    # A quotient of 24 bits times y is exact in float64, and so is its difference from x.
    r = u - d(f(whole(u / v))) * v
    r = r - d(f(whole(r / v))) * v
    r = r + v if r < d(0.0) else r
    r = u if u < v else r
    known = (u <= v * d(281474976710656.0)) & (u < d(math.inf)) & (v > d(0.0))
    r = r if known else d(math.nan)
    return f(-r) if bits_of(x) < i(0) else f(r)


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def erf(x: Any) -> Any:
    """Odd polynomial up to 1, 1 - exp(polynomial) beyond."""
    size = abs(x)
    z = x * x
    p = f(7.85385782e-5)
    p = p * z + f(-8.01019254e-4)
    p = p * z + f(5.18832773e-3)
    p = p * z + f(-2.68538110e-2)
    p = p * z + f(1.12835854e-1)
    p = p * z + f(-3.76126260e-1)
    near = x * (p * z + f(1.12837911))
    u = f(4.0) if size > f(4.0) else size
    q = f(1.86380086e-4)
    q = q * u + f(-2.94766692e-3)
    q = q * u + f(2.18380981e-2)
    q = q * u + f(-1.03106819e-1)
    q = q * u + f(-6.38144732e-1)
    q = q * u + f(-1.12708926)
    q = q * u + f(-3.41512583e-4)
    far = f(1.0) - exp(q)
    return near if size < f(1.0) else (far if x > f(0.0) else (-far if x < f(0.0) else x))


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _log2_of(x: Any) -> Any:
    """log2 in float64, relative error 2e-12, for x > 0: twice the series of the inverse hyperbolic tangent."""
    m = d(_mantissa(x))
    s = m / (m + d(2.0))
    z = s * s
    p = d(1.0 / 13.0)
    p = p * z + d(1.0 / 11.0)
    p = p * z + d(1.0 / 9.0)
    p = p * z + d(1.0 / 7.0)
    p = p * z + d(1.0 / 5.0)
    p = p * z + d(1.0 / 3.0)
    return d(_exponent(x)) + (s + s * z * p) * d(2.8853900817779268)


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def pow(x: Any, y: Any) -> Any:
    """Through 2^(y log2 x), with the product in float64; x < 0 where y is whole; x^0 = 1^y = 1 also for NaN."""
    size = abs(x)
    t = d(y) * _log2_of(size)
    inside = abs(t) <= d(150.0)
    t = t if inside else d(0.0)
    n = rounded(t)
    result = _scaled_exp(f((t - n) * d(0.6931471805599453)), i(truncated64(n)))
    large, above = size > f(1.0), y > f(0.0)
    result = result if inside else (f(math.inf) if large == above else f(0.0))
    # Where the logarithm has no place.
    result = (f(0.0) if above else f(math.inf)) if size == f(0.0) else result
    result = (f(math.inf) if above else f(0.0)) if size == f(math.inf) else result
    half = f(0.5) * y
    odd = (whole(y) == y) & (whole(half) != half)
    result = -result if odd & (bits_of(x) < i(0)) else result
    broken = (x < f(0.0)) & (size != f(math.inf)) & (whole(y) != y)
    result = f(math.nan) if broken | (x != x) | (y != y) else result
    result = f(1.0) if (size == f(1.0)) & (abs(y) == f(math.inf)) else result
    return f(1.0) if (x == f(1.0)) | (y == f(0.0)) else result
