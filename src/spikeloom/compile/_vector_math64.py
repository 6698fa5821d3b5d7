"""Elementary functions for kernels in float64, as `_vector_math` has them in float32.

Largest relative errors measured over the whole range (tests/compile/test_vector_math64.py holds them to it): exp64
5e-16, expm164 6e-16, log64 4e-16, log1p64 5e-16, tanh64 8e-16, sigmoid64 6e-16. Other functions call the C library. The
coefficients are Taylor's: with arguments reduced as here, what is cut off is below 1e-17.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

q = np.int64
# A number between -2^51 and 2^51 plus this is rounded to a whole one, which then is the lowest bits of the sum:
# conversions between integers of 64 bits and real numbers, which most processors do one at a time, are not needed.
_SHIFTER = 6755399441055744.0
_SHIFTER_BITS = 0x4338000000000000
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10


@intrinsic  # type: ignore[untyped-decorator]
def bits_of64(_context: Any, x: Any) -> Any:
    """The bits of a float64 as int64."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic  # type: ignore[untyped-decorator]
def from_bits64(_context: Any, n: Any) -> Any:
    """The float64 with the given bits."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def fmod64(_context: Any, x: Any, y: Any) -> Any:
    """x - y trunc(x / y), exact; a call of the C library."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.frem(*arguments)

    return types.float64(types.float64, types.float64), generate


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _power_of_two(k: Any) -> Any:
    """2**k for -1022 <= k <= 1023."""
    return from_bits64((k + q(1023)) << q(52))


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _expm1_reduced(r: Any) -> Any:
    """exp(r) - 1 for |r| <= ln(2) / 2."""
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    return r + r * r * p


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def exp64(x: Any) -> Any:
    """Cody-Waite reduction by ln 2 in two parts; NaN stays NaN."""
    clamped = -746.0 if x < -746.0 else x
    clamped = 710.0 if clamped > 710.0 else clamped
    shifted = clamped * (1.0 / math.log(2.0)) + _SHIFTER
    n, k = shifted - _SHIFTER, bits_of64(shifted) - q(_SHIFTER_BITS)
    r = (clamped - n * _LN2_HIGH) - n * _LN2_LOW
    # In two factors, because 2**1024 does not exist and the largest results need it.
    half = k >> q(1)
    result = (1.0 + _expm1_reduced(r)) * _power_of_two(half) * _power_of_two(k - half)
    return x if x != x else result


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def expm164(x: Any) -> Any:
    """2^k (exp(r) - 1) + (2^k - 1), which does not cancel."""
    clamped = -40.0 if x < -40.0 else x
    clamped = 710.0 if clamped > 710.0 else clamped
    shifted = clamped * (1.0 / math.log(2.0)) + _SHIFTER
    n, k = shifted - _SHIFTER, bits_of64(shifted) - q(_SHIFTER_BITS)
    r = (clamped - n * _LN2_HIGH) - n * _LN2_LOW
    # Half of it first, because 2**1024 does not exist.
    scale = _power_of_two(k - q(1))
    result = 2.0 * (scale * _expm1_reduced(r) + (scale - 0.5))
    return x if (x != x) | (x == 0.0) else result


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def log64(x: Any) -> Any:
    """Mantissa in [sqrt(1/2), sqrt(2)) and the series of the inverse hyperbolic tangent; -inf at 0, NaN below."""
    # Numbers below the normal range are scaled into it first.
    tiny = x < 2.2250738585072014e-308
    bits = bits_of64(x * 18014398509481984.0 if tiny else x)
    m = from_bits64((bits & q(0x000FFFFFFFFFFFFF)) | q(0x3FE0000000000000))
    low = m < 0.7071067811865476
    k = ((bits >> q(52)) & q(0x7FF)) - (q(1023) if low else q(1022))
    n = from_bits64(k + q(_SHIFTER_BITS)) - _SHIFTER - (54.0 if tiny else 0.0)
    m = m + m - 1.0 if low else m - 1.0
    s = m / (2.0 + m)
    z = s * s
    p = 1.0 / 23.0
    p = p * z + 1.0 / 21.0
    p = p * z + 1.0 / 19.0
    p = p * z + 1.0 / 17.0
    p = p * z + 1.0 / 15.0
    p = p * z + 1.0 / 13.0
    p = p * z + 1.0 / 11.0
    p = p * z + 1.0 / 9.0
    p = p * z + 1.0 / 7.0
    p = p * z + 1.0 / 5.0
    p = p * z + 1.0 / 3.0
    # log(1 + m) = m - (m^2 / 2 - s (m^2 / 2 + 2 z p)), in which m is exact.
    square = 0.5 * m * m
    result = n * _LN2_HIGH - ((square - (s * (square + 2.0 * z * p) + n * _LN2_LOW)) - m)
    result = result if x > 0.0 else (-math.inf if x == 0.0 else math.nan)
    return math.inf if x == math.inf else result


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def log1p64(x: Any) -> Any:
    """log(1 + x) corrected for the rounding of 1 + x."""
    u = 1.0 + x
    corrected = log64(u) + (x - (u - 1.0)) / u
    finite = (u > 0.0) & (u < math.inf)
    return x if u == 1.0 else (corrected if finite else log64(u))


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def sigmoid64(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exp64(-x))


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def tanh64(x: Any) -> Any:
    """e / (e + 2) with e = exp(2|x|) - 1."""
    size = abs(x)
    e = expm164(2.0 * (22.0 if size > 22.0 else size))
    y = e / (e + 2.0)
    return y if x > 0.0 else (-y if x < 0.0 else x)
