"""Maximum pooling of channels-last images by windows that do not overlap: one byte kept per result.

Among equal values the first of a window in reading order is the maximum, and NaN is larger than any number, as in
PyTorch. PyTorch keeps eight bytes per result and fills the gradient with zeros before it adds.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..compile._memory import empty
from . import _rows


def fits(module: nn.Module, x: Tensor) -> bool:
    """Whether the module is a plain maximum pooling of x [rows, channels, height, width] that `max_pool` can do."""
    if type(module) is not nn.MaxPool2d or x.dim() != 4 or not _rows.supported(x) or not x.numel():
        return False
    height, width = pair(module.kernel_size)
    plain = pair(module.padding) == (0, 0) and pair(module.dilation) == (1, 1)
    plain = plain and not module.ceil_mode and not module.return_indices
    inside = 0 < height <= x.shape[2] and 0 < width <= x.shape[3] and height * width <= 16
    return plain and inside and pair(module.stride) == (height, width) and x.movedim(1, -1).is_contiguous()


def max_pool(module: nn.MaxPool2d, x: Tensor) -> Tensor:
    """Pool x [rows, channels, height, width] whose memory has the channels last."""
    result: Tensor = _MaxPool.apply(x.movedim(1, -1), *pair(module.kernel_size))  # type: ignore[no-untyped-call]
    return result.movedim(-1, 1)


def pair(size: int | tuple[int, ...]) -> tuple[int, ...]:
    """Height and width of a window, where one number may stand for both."""
    return (size, size) if isinstance(size, int) else tuple(size)


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, high: int, wide: int) -> Tensor:
        images, height, width, channels = x.shape
        shape = (images, height // high, width // wide, channels)
        y = empty(*shape, dtype=x.dtype)
        tensors = [x, y]
        if ctx.needs_input_grad[0]:
            tensors.append(empty(*shape, dtype=torch.bool).view(torch.uint8))
            ctx.save_for_backward(tensors[2])
        source = _forward_source(x.dtype, high, wide, len(tensors) == 3)
        _rows.run(source, images * shape[1], x.numel(), tensors, [shape[1], shape[2], height, width, channels])
        ctx.sizes = (x.shape, high, wide)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (chosen,) = ctx.saved_tensors
        shape, high, wide = ctx.sizes
        result = empty(*shape, dtype=grad.dtype)
        sizes = [chosen.shape[1], chosen.shape[2], *shape[1:]]
        if shape[1] % high:
            result[:, chosen.shape[1] * high :].zero_()
        source = _backward_source(grad.dtype, high, wide)
        pieces = chosen.shape[0] * chosen.shape[1]
        _rows.run(source, pieces, result.numel(), [grad.contiguous(), chosen, result], sizes)
        return result, None, None


def _forward_source(dtype: torch.dtype, high: int, wide: int, keep: bool) -> str:
    _, read, write = _rows.words(dtype)
    window = [(dy, dx) for dy in range(high) for dx in range(wide)]
    values = [read.format(f"load(x_{dy}, c + {dx} * channels)") for dy, dx in window]
    lines = [f"best, where = {values[0]}, uint8(0)"]
    for index, value in enumerate(values[1:], 1):
        lines += [f"v = {value}", "larger = (v > best) | (v != v)"]
        lines += ["best = v if larger else best", f"where = uint8({index}) if larger else where"]
    lines += [f"store(y_p, c, {write.format('best')})", *(["store(where_p, c, where)"] if keep else [])]
    rows = [
        f"x_{dy} = at(x, ((image * height + line * {high} + {dy}) * width + p * {wide}) * channels)"
        for dy in range(high)
    ]
    heads = ["y_p = at(y, (piece * columns + p) * channels)"]
    heads += ["where_p = at(chosen, (piece * columns + p) * channels)"] if keep else []
    arguments = "x, y, chosen" if keep else "x, y"
    return _over_windows(arguments, [*rows, *heads], lines)


def _backward_source(dtype: torch.dtype, high: int, wide: int) -> str:
    real, read, write = _rows.words(dtype)
    lines = [f"v, where = {read.format('load(g_p, c)')}, load(where_p, c)"]
    for dy in range(high):
        for dx in range(wide):
            value = f"v if where == uint8({dy * wide + dx}) else {real}(0.0)"
            lines.append(f"store(x_{dy}, c + {dx} * channels, {write.format(value)})")
    start = "(image * height + line * {0} + {1}) * width"
    rows = [f"x_{dy} = at(x, ({start.format(high, dy)} + p * {wide}) * channels)" for dy in range(high)]
    heads = ["g_p = at(g, (piece * columns + p) * channels)", "where_p = at(chosen, (piece * columns + p) * channels)"]
    # What no window covers at the end of a line.
    tail = []
    for dy in range(high):
        tail += [f"x_{dy} = at(x, ({start.format(high, dy)} + columns * {wide}) * channels)", "c = int64(0)"]
        tail += [f"while c < (width - columns * {wide}) * channels:"]
        tail += [f"    store(x_{dy}, c, {write.format(f'{real}(0.0)')})", "    c += 1"]
    return _over_windows("g, chosen, x", [*rows, *heads], lines, tail)


def _over_windows(pointers: str, heads: list[str], body: list[str], tail: list[str] | None = None) -> str:
    """A kernel over lines of windows, the windows of a line, and channels."""
    return f"""
def kernel(lo, hi, {pointers}, lines, columns, height, width, channels):
    piece = lo
    while piece < hi:
        image, line = piece // lines, piece % lines
        p = int64(0)
        while p < columns:
{_indented(heads, 12)}
            c = int64(0)
            while c < channels:
{_indented(body, 16)}
                c += 1
            p += 1
{_indented(tail or [], 8)}
        piece += 1
"""


def _indented(lines: list[str], depth: int) -> str:
    return "\n".join(" " * depth + line for line in lines)
