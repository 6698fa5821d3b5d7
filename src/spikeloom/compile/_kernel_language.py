"""The words that generated kernels are written in, and their compilation by Numba."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from ._vector_math import bits_of, exp, expm1, from_bits, log, log1p, log2, rounded, sigmoid, tanh, whole
from ._vector_math64 import exp64, expm164, fmod64, log1p64, log64, sigmoid64, tanh64
from ._vector_math_angles import atan, atan2, cos, erf, fmod, hypot, pow, sin
from ._vector_random import normal, normal64, uniform, uniform64

__all__ = [
    "at", "atan", "atan2", "cos", "erf", "exp", "exp64", "expm1", "expm164", "float32", "float64", "fmod", "fmod64",
    "from_bfloat16", "from_float16", "hypot", "int32", "int64", "integer", "load", "log", "log1p", "log1p64", "log2",
    "log64", "math", "normal", "normal64", "np", "optimised", "pow", "rounded", "sigmoid", "sigmoid64", "sin", "store",
    "tanh", "tanh64", "to_bfloat16", "to_float16", "uint8", "uint16", "uniform", "uniform64", "whole",
]  # fmt: skip

int32, int64, uint8, uint16, float32, float64 = np.int32, np.int64, np.uint8, np.uint16, np.float32, np.float64


@intrinsic  # type: ignore[untyped-decorator]
def at(_context: Any, pointer: Any, offset: Any) -> Any:
    """pointer + offset elements."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.gep(arguments[0], [arguments[1]], inbounds=True)

    return pointer(pointer, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def load(_context: Any, pointer: Any, index: Any) -> Any:
    """pointer[index]."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load(builder.gep(arguments[0], [arguments[1]], inbounds=True))

    return pointer.dtype(pointer, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def store(_context: Any, pointer: Any, index: Any, value: Any) -> Any:
    """pointer[index] = value."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], builder.gep(arguments[0], [arguments[1]], inbounds=True))
        return context.get_dummy_value()

    return types.void(pointer, types.int64, pointer.dtype), generate


@intrinsic  # type: ignore[untyped-decorator]
def integer(_context: Any, x: Any) -> Any:
    """A real number rounded towards zero to 32 bits; beyond them the nearest such integer, and 0 for NaN."""

    def generate(_c: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type
        name = f"llvm.fptosi.sat.i32.{'f32' if kind == ir.FloatType() else 'f64'}"
        declared = builder.module.declare_intrinsic(name, fnty=ir.FunctionType(ir.IntType(32), [kind]))
        return builder.call(declared, [arguments[0]])

    return types.int32(x), generate


@intrinsic  # type: ignore[untyped-decorator]
def from_float16(_context: Any, bits: Any) -> Any:
    """The float32 equal to a number of half precision, given by its bits."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), generate


@intrinsic  # type: ignore[untyped-decorator]
def to_float16(_context: Any, x: Any) -> Any:
    """The bits of a float32 rounded to half precision."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.fptrunc(arguments[0], ir.HalfType()), ir.IntType(16))

    return types.uint16(types.float32), generate


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def from_bfloat16(bits: Any) -> Any:
    """The float32 whose upper half is given."""
    return from_bits(int32(int32(bits) << int32(16)))


@njit(forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def to_bfloat16(x: Any) -> Any:
    """The upper half of a float32, rounded to the nearest, ties to even; NaN stays NaN."""
    bits = bits_of(x)
    even = int32(int32(bits >> int32(16)) & int32(1))
    rounded = uint16(int32(int32(bits + int32(0x7FFF)) + even) >> int32(16))
    return uint16(0x7FC0) if x != x else rounded


def optimised(function: Callable[..., None], arguments: Sequence[str]) -> str:
    """Optimised LLVM code of a kernel. No fast-math: results equal the reference's where no polynomial is involved."""
    kinds = [types.CPointer(getattr(types, a[:-1])) if a.endswith("*") else getattr(types, a) for a in arguments]
    signature = types.void(*kinds)
    compiled = njit(signature, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)
    return str(compiled.inspect_llvm(compiled.signatures[0]))
