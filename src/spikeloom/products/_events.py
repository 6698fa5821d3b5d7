"""Spikes as bits, and products that visit only the spikes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..compile._memory import empty
from ..compile._threads import parallel
from . import _kernels
from ._kernels import ROOM, TILE, WORD


@dataclass(frozen=True)
class Packed:
    """One bit per element of x [rows, columns], set where it is not zero; `binary` if x is all 0 and 1."""

    bits: Tensor
    columns: int
    active: int
    binary: bool

    @property
    def rows(self) -> int:
        return self.bits.shape[0]

    @property
    def activity(self) -> float:
        """Share of elements that are not zero."""
        return self.active / max(1, self.rows * self.columns)


def pack(x: Tensor) -> Packed:
    """Bits of x [rows, columns], whose rows are contiguous, and whether they say all, in one pass."""
    rows, columns = x.shape
    words = -(-columns // WORD)
    bits = words_buffer(rows, words)
    counts = torch.empty(rows, dtype=torch.int64)
    call = _kernels.packing(x.dtype)
    given = columns, words, x.stride(0), x.data_ptr(), bits.data_ptr(), counts.data_ptr()
    parallel(lambda lo, hi: call(lo, hi, *given), rows, TILE, columns)
    found = counts.numpy()
    binary = not bool((found < 0).any())
    return Packed(bits, columns, int((found ^ (found >> 63)).sum()), binary)


def unpack(packed: Packed, dtype: torch.dtype) -> Tensor:
    """1.0 where a bit is set, else 0.0, [rows, columns]."""
    rows, columns = packed.rows, packed.columns
    x = _buffer(rows, columns, dtype)
    call = _kernels.unpacking(dtype)
    given = columns, packed.bits.shape[1], packed.bits.data_ptr(), x.data_ptr()
    parallel(lambda lo, hi: call(lo, hi, *given), rows, TILE, columns)
    return x


def product(packed: Packed, values: Tensor | None, by_input: Tensor, bias: Tensor | None) -> Tensor:
    """x @ by_input + bias, adding the rows of `by_input` [columns, outputs] that spikes choose, in ascending order.

    `values` is x itself where its elements are not all 0 and 1.
    """
    rows, columns = packed.rows, packed.columns
    outputs, dtype = by_input.shape[1], by_input.dtype
    y = _buffer(rows, outputs, dtype)
    start = torch.zeros(outputs, dtype=dtype) if bias is None else bias.contiguous()
    call = _kernels.forward_sums(_name(dtype), outputs, values is not None)
    pointer, stride = _value_pointer(values, by_input)
    given = columns, packed.bits.shape[1], outputs
    pointers = packed.bits.data_ptr(), by_input.data_ptr(), start.data_ptr(), y.data_ptr(), pointer, stride

    def work(lo: int, hi: int) -> None:
        chosen = torch.empty(TILE * (columns + WORD), dtype=torch.int32)
        counts = torch.empty(TILE, dtype=torch.int64)
        call(lo, hi, *given, *pointers, chosen.data_ptr(), counts.data_ptr())

    parallel(work, rows, TILE, columns)
    return y


def weight_gradient(packed: Packed, values: Tensor | None, grad: Tensor) -> Tensor:
    """x.T @ grad [columns, outputs], adding the rows of `grad` [rows, outputs] in which an input spiked, ascending."""
    rows, columns, outputs = packed.rows, packed.columns, grad.shape[1]
    result = torch.zeros(columns, outputs, dtype=grad.dtype)
    call = _kernels.weight_sums(_name(grad.dtype), outputs, values is not None)
    pointer, stride = _value_pointer(values, grad)
    given = rows, columns, packed.bits.shape[1], outputs
    pointers = packed.bits.data_ptr(), grad.data_ptr(), result.data_ptr(), pointer, stride

    def work(lo: int, hi: int) -> None:
        chosen = torch.empty((hi - lo) * ROOM, dtype=torch.int32)
        counts, block = torch.empty(hi - lo, dtype=torch.int64), torch.empty(WORD, dtype=torch.int32)
        call(lo, hi, *given, *pointers, chosen.data_ptr(), counts.data_ptr(), block.data_ptr())

    parallel(work, columns, WORD, rows)
    return result


def converted(x: Tensor, dtype: torch.dtype) -> Tensor:
    """x [rows, columns] in that dtype, its rows contiguous; in a reused block, whose pages are there already."""
    if x.dtype is dtype and x.is_contiguous():
        return x
    return _buffer(x.shape[0], x.shape[1], dtype).copy_(x)


def _value_pointer(values: Tensor | None, instead: Tensor) -> tuple[int, int]:
    return (instead.data_ptr(), 0) if values is None else (values.data_ptr(), values.stride(0))


def words_buffer(rows: int, words: int) -> Tensor:
    return empty(rows, words, dtype=torch.float32).view(torch.int32)


def _buffer(rows: int, columns: int, dtype: torch.dtype) -> Tensor:
    """From the reused blocks, which know three dtypes only."""
    if dtype in (torch.float32, torch.float64):
        return empty(rows, columns, dtype=dtype)
    return empty(rows * columns * 2, dtype=torch.bool).view(dtype).view(rows, columns)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
