"""The words of simulation kernels beyond the kernel language: addresses, calls of other kernels, barriers.

A simulation kernel takes a table of 64-bit numbers, most of them addresses; `real_at(load(table, 3))` is a pointer.
"""

from __future__ import annotations

import platform
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from ._vector_random import first_word, second_word

__all__ = [
    "bool_at",
    "call",
    "call_plain",
    "fetch_add",
    "first_word",
    "float32_at",
    "float64_at",
    "inlined",
    "int32_at",
    "int64_at",
    "load_acquire",
    "namedtuple",
    "pause",
    "prefetch",
    "second_word",
    "uint8_at",
    "uint16_at",
    "uint32",
    "uint32_at",
    "uint64",
    "word",
]

# Before a function that becomes part of the kernel that calls it.
inlined = njit(forceinline=True, error_model="numpy")
uint32, uint64 = np.uint32, np.uint64


def _pointer_word(kind: Any) -> Callable[..., Any]:
    """The word that makes an address a pointer to numbers of a kind."""

    def typed(context: Any, _address: Any) -> Any:
        pointer = types.CPointer(kind)

        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(pointer))

        return pointer(types.int64), generate

    return intrinsic(typed)  # type: ignore[no-any-return]


uint8_at, uint16_at, uint32_at = (_pointer_word(kind) for kind in (types.uint8, types.uint16, types.uint32))
int32_at, int64_at = _pointer_word(types.int32), _pointer_word(types.int64)
float32_at, float64_at = _pointer_word(types.float32), _pointer_word(types.float64)
bool_at = uint8_at


@intrinsic  # type: ignore[untyped-decorator]
def word(_context: Any, number: Any) -> Any:
    """The lower 32 bits of an integer, as int32."""

    def generate(_c: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = arguments[0]
        return value if value.type.width == 32 else builder.trunc(value, ir.IntType(32))

    return types.int32(number), generate


def call_compiled(builder: Any, address: Any, *arguments: Any) -> None:
    """Call what Numba has compiled, as Numba does: a place for the result, one for an exception, then the arguments."""
    place = cgutils.alloca_once(builder, ir.IntType(64), size=2)
    place = builder.bitcast(place, ir.IntType(8).as_pointer())
    values = [place, place, *arguments]
    function = ir.FunctionType(ir.IntType(32), [value.type for value in values])
    builder.call(builder.inttoptr(address, function.as_pointer()), values)


@intrinsic  # type: ignore[untyped-decorator]
def call(_context: Any, address: Any, table: Any, lo: Any, hi: Any, step: Any) -> Any:
    """Call the simulation kernel at `address`."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        call_compiled(builder, *arguments)
        return context.get_dummy_value()

    whole = types.int64
    return types.void(whole, table, whole, whole, whole), generate


@intrinsic  # type: ignore[untyped-decorator]
def call_plain(_context: Any, address: Any) -> Any:
    """Call the C function without arguments at `address`."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        function = ir.FunctionType(ir.IntType(32), [])
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def fetch_add(_context: Any, pointer: Any, value: Any) -> Any:
    """Add to an int64 that other threads see, in one step; returns what it was."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", arguments[0], arguments[1], "seq_cst")

    return types.int64(pointer, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def load_acquire(_context: Any, pointer: Any) -> Any:
    """An int64 that another thread writes; what that thread wrote before is seen after."""

    def generate(_c: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(arguments[0], "seq_cst", 8)

    return types.int64(pointer), generate


@intrinsic  # type: ignore[untyped-decorator]
def pause(_context: Any) -> Any:
    """Tell the processor that this thread waits."""
    machine = platform.machine().lower()

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        if machine in ("x86_64", "amd64"):
            nothing = ir.FunctionType(ir.VoidType(), [])
            builder.call(builder.module.declare_intrinsic("llvm.x86.sse2.pause", fnty=nothing), [])
        elif machine in ("aarch64", "arm64"):
            nothing = ir.FunctionType(ir.VoidType(), [ir.IntType(32)])
            hint = builder.module.declare_intrinsic("llvm.aarch64.hint", fnty=nothing)
            builder.call(hint, [ir.Constant(ir.IntType(32), 1)])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(_context: Any, pointer: Any) -> Any:
    """Fetch the cache line at a pointer, which is read soon."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        byte, whole = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, whole, whole, whole])
        name = f"llvm.prefetch.{'p0i8' if hasattr(byte, 'pointee') else 'p0'}"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        numbers = [ir.Constant(whole, n) for n in (0, 3, 1)]
        builder.call(function, [builder.bitcast(arguments[0], byte), *numbers])
        return context.get_dummy_value()

    return types.void(pointer), generate
