"""Kernels over rows [rows, channels], the memory order of channels-last images: compiled once, run in threads."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from ..compile._object_code import address_of
from ..compile._threads import parallel

# Elements of one piece of work: small enough to share among threads, large enough that a call costs nothing.
PIECE = 1 << 15

_PLACE = ctypes.create_string_buffer(64)
_RESULT = ctypes.addressof(_PLACE)
_POINTERS = {torch.float32: "float32*", torch.float64: "float64*", torch.bfloat16: "uint16*", torch.uint8: "uint8*"}
# How an element is read as a number of the arithmetic's type, and written.
_WORDS = {
    torch.float32: ("float32", "{}", "{}"),
    torch.float64: ("float64", "{}", "{}"),
    torch.bfloat16: ("float32", "from_bfloat16({})", "to_bfloat16({})"),
}


def supported(x: Tensor) -> bool:
    """Whether these kernels read the tensor's dtype and device."""
    return x.device.type == "cpu" and x.dtype in _WORDS


def words(dtype: torch.dtype) -> tuple[str, str, str]:
    """Type of the arithmetic; templates that read and write an element."""
    return _WORDS[dtype]


@cache
def _linked(source: str, kinds: tuple[str, ...]) -> Callable[..., int]:
    c_types = [ctypes.c_int64 if kind == "int64" else ctypes.c_void_p for kind in kinds]
    address = address_of(source, "kernel", kinds)
    return ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *c_types)(address)


def run(source: str, pieces: int, work: int, tensors: list[Tensor], sizes: list[int]) -> None:
    """Call `kernel(lo, hi, *pointers, *sizes)` over all pieces; what a piece computes must not depend on the others."""
    kinds = ("int64", "int64", *(_POINTERS[t.dtype] for t in tensors), *("int64" for _ in sizes))
    call = _linked(source, kinds)
    pointers = [t.data_ptr() for t in tensors]

    def work_on(lo: int, hi: int) -> None:
        call(_RESULT, _RESULT, lo, hi, *pointers, *sizes)

    parallel(work_on, pieces, 1, -(-work // max(pieces, 1)))


def of(x: Tensor) -> Tensor | None:
    """x [T, B, channels, ...] as [rows, channels] where its memory lies so, else None."""
    if not supported(x) or not x.numel():
        return None
    last = x.movedim(2, -1)
    return last.reshape(-1, x.shape[2]) if last.is_contiguous() else None
