"""The random numbers of `spikeloom.random` for kernels: inlined and branch-free, with equal bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from ..random import PARITY, ROTATIONS
from ._vector_math import d, f, i, log, rounded, truncated
from ._vector_math64 import log64
from ._vector_math_angles import near_cosine, near_sine


def _threefry(word: int) -> Callable[..., Any]:
    """One of the two words of a draw, as uint32; LLVM computes what two of them share once."""

    def typed(_context: Any, seed: Any, purpose: Any, entity: Any, step: Any) -> Any:
        def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return _rounds(builder, *arguments)[word]

        return types.uint32(*[types.int32] * 4), generate

    return intrinsic(typed)  # type: ignore[no-any-return]


def _rounds(builder: Any, seed: Any, purpose: Any, entity: Any, step: Any) -> tuple[Any, Any]:
    def number(value: int) -> Any:
        return ir.Constant(ir.IntType(32), value)

    keys = [seed, purpose, builder.xor(builder.xor(seed, purpose), number(PARITY))]
    x, y = builder.add(entity, keys[0]), builder.add(step, keys[1])
    for k in range(20):
        x = builder.add(x, y)
        turn = ROTATIONS[k % 8]
        y = builder.xor(builder.or_(builder.shl(y, number(turn)), builder.lshr(y, number(32 - turn))), x)
        if k % 4 == 3:
            n = k // 4 + 1
            x = builder.add(x, keys[n % 3])
            y = builder.add(builder.add(y, keys[(n + 1) % 3]), number(n))
    return x, y


first_word, second_word = _threefry(0), _threefry(1)


@intrinsic  # type: ignore[untyped-decorator]
def signed(_context: Any, x: Any) -> Any:
    """The bits of a uint32 as int32."""

    def generate(_c: Any, _builder: Any, _signature: Any, arguments: Any) -> Any:
        return arguments[0]

    return types.int32(types.uint32), generate


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def uniform(seed: Any, purpose: Any, entity: Any, step: Any) -> Any:
    """In [0, 1), a multiple of 2^-24; the shift is that of a number without sign."""
    word = i(signed(first_word(seed, purpose, entity, step)) >> i(8)) & i(0x00FFFFFF)
    return f(i(word)) * f(2.0**-24)


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def uniform64(seed: Any, purpose: Any, entity: Any, step: Any) -> Any:
    """As in float32."""
    return d(uniform(seed, purpose, entity, step))


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _chance(seed: Any, purpose: Any, entity: Any, step: Any) -> Any:
    """u in (0, 1]."""
    return f(first_word(seed, purpose, entity, step)) * f(2.0**-32) + f(2.0**-33)


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _half_turns(seed: Any, purpose: Any, entity: Any, step: Any) -> Any:
    """w in [-1, 1]."""
    return f(signed(second_word(seed, purpose, entity, step))) * f(2.0**-31)


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def normal(seed: Any, purpose: Any, entity: Any, step: Any) -> Any:
    """Box and Muller; the angle is reduced exactly, in turns."""
    w = _half_turns(seed, purpose, entity, step)
    n = rounded(w + w)
    r = (w - f(0.5) * n) * f(3.14159265)
    size = f(math.sqrt(f(-2.0) * log(_chance(seed, purpose, entity, step))))
    return _box_muller(size, truncated(n), near_sine(r), near_cosine(r))


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def normal64(seed: Any, purpose: Any, entity: Any, step: Any) -> Any:
    """Box and Muller in float64, from the same u and w; Taylor's coefficients."""
    w = _half_turns(seed, purpose, entity, step)
    n = rounded(w + w)
    r = d(w - f(0.5) * n) * d(3.141592653589793)
    z = r * r
    sine = d(-1.0 / 1307674368000.0)
    sine = sine * z + d(1.0 / 6227020800.0)
    sine = sine * z + d(-1.0 / 39916800.0)
    sine = sine * z + d(1.0 / 362880.0)
    sine = sine * z + d(-1.0 / 5040.0)
    sine = sine * z + d(1.0 / 120.0)
    sine = sine * z + d(-1.0 / 6.0)
    sine = r + r * z * sine
    cosine = d(1.0 / 20922789888000.0)
    cosine = cosine * z + d(-1.0 / 87178291200.0)
    cosine = cosine * z + d(1.0 / 479001600.0)
    cosine = cosine * z + d(-1.0 / 3628800.0)
    cosine = cosine * z + d(1.0 / 40320.0)
    cosine = cosine * z + d(-1.0 / 720.0)
    cosine = cosine * z + d(1.0 / 24.0)
    cosine = d(1.0) - d(0.5) * z + z * z * cosine
    size = math.sqrt(d(-2.0) * log64(d(_chance(seed, purpose, entity, step))))
    return _box_muller(size, truncated(n), sine, cosine)


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _box_muller(size: Any, quarter: Any, sine: Any, cosine: Any) -> Any:
    """The size times cos(r + quarter pi / 2)."""
    turned = sine if i(quarter & i(1)) == i(1) else cosine
    # The cosine is negative in the second and third quarter turn, beginning at -pi / 4.
    below = i(i(quarter + i(1)) & i(2)) == i(2)
    return size * (-turned if below else turned)
