"""The words that generated kernels are written in, and their compilation by Numba."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from ._vector_math import exp, expm1, log, log1p, sigmoid, sigmoid64, tanh

__all__ = [
    "at", "exp", "expm1", "float32", "float64", "int64", "load", "log", "log1p", "math", "np", "optimised", "sigmoid",
    "sigmoid64", "store", "tanh", "uint8",
]  # fmt: skip

int64, uint8, float32, float64 = np.int64, np.uint8, np.float32, np.float64


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


def optimised(function: Callable[..., None], arguments: Sequence[str]) -> str:
    """Optimised LLVM code of a kernel. No fast-math: results equal the reference's where no polynomial is involved."""
    kinds = [types.CPointer(getattr(types, a[:-1])) if a.endswith("*") else getattr(types, a) for a in arguments]
    signature = types.void(*kinds)
    compiled = njit(signature, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)
    return str(compiled.inspect_llvm(compiled.signatures[0]))
