"""Convolutions whose input is spikes."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from . import _image
from ._choice import wanted
from ._edge import edge_of
from ._events import Packed
from ._patches import Pair, Window
from ._plain import autocast_dtype, by_pytorch, consistent, left_to_pytorch
from ._route import packed_if_useful

_FUNCTIONS = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}
# Below this many multiplications PyTorch's own layer is done before anything could be decided.
_WORTHWHILE = 1 << 21

Sizes = int | tuple[int, ...]


def convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *,
    stride: Sizes = 1, padding: Sizes | str = 0, dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """The convolution of x with weight, as torch.nn.functional.conv1d, conv2d and conv3d, fast where x is spikes.

    In two dimensions it computes in channels-last memory and returns such. Of an input of zeros and ones one bit
    per element is kept for the weight's gradient. It is chosen by measurement, or by name with `using`, whether spikes
    are visited one by one; "onednn" and "dense" are the same here. Convolutions in groups, of one or three dimensions
    or without a batch, small ones, other devices, torch.compile and function transforms are left to PyTorch.

    Shapes: x [rows, channels, *image], weight [outputs, channels / groups, *kernel] to [rows, outputs, *image'].
    Raises: BackendError if the product chosen by name cannot run; else what PyTorch's function raises.

    >>> import torch
    >>> convolution(torch.ones(2, 3, 5, 5), torch.ones(4, 3, 3, 3), padding=1).shape
    torch.Size([2, 4, 5, 5])
    """
    function = _FUNCTIONS.get(weight.dim(), F.conv2d)
    arguments: Any = (stride, padding, dilation, groups)
    window = _window(x, weight, stride, padding, dilation, groups)
    if window is None or left_to_pytorch(x, weight, bias):
        return by_pytorch(function, x, weight, bias, *arguments)
    name, dtype = wanted(), autocast_dtype(x, weight, bias)
    height, width = window.output((x.shape[2], x.shape[3]))
    small = name == "auto" and x.shape[0] * height * width * weight.numel() < _WORTHWHILE
    if small or min(height, width) < 1 or not consistent(x, weight, bias, dtype):
        y: Tensor = function(x, weight, bias, *arguments)
        return y
    with torch.autocast("cpu", enabled=False):
        edge = edge_of(x) if torch.is_grad_enabled() and x.requires_grad else None
        y = _Convolution.apply(edge, x.detach(), weight, bias, window, dtype or x.dtype, name)  # type: ignore[no-untyped-call]
    return y


def _window(
    x: Tensor, weight: Tensor, stride: Sizes, padding: Sizes | str, dilation: Sizes, groups: int
) -> Window | None:
    """None where PyTorch is to do it, or to refuse it."""
    if x.dim() != 4 or weight.dim() != 4 or groups != 1 or x.shape[1] != weight.shape[1]:
        return None
    kernel, steps, skips = (weight.shape[2], weight.shape[3]), _pair(stride), _pair(dilation)
    if isinstance(padding, str):
        spare = [skip * (size - 1) if padding == "same" else 0 for size, skip in zip(kernel, skips, strict=True)]
        if padding not in ("same", "valid") or any(n % 2 for n in spare) or (padding == "same" and steps != (1, 1)):
            return None
        return Window(kernel, steps, (spare[0] // 2, spare[1] // 2), skips)
    return Window(kernel, steps, _pair(padding), skips)


def _pair(value: Sizes) -> Pair:
    if isinstance(value, int):
        return value, value
    return (value[0], value[0]) if len(value) == 1 else (value[0], value[1])


class _Convolution(torch.autograd.Function):
    """Of the input it keeps the bits of its pixels where these say all; `edge` connects its gradient to the graph."""

    @staticmethod
    def forward(
        ctx: Any, edge: Tensor | None, x: Tensor, weight: Tensor, bias: Tensor | None,
        window: Window, dtype: torch.dtype, name: str,
    ) -> Tensor:  # fmt: skip
        keeps = ctx.needs_input_grad[2]
        x = _image.channels_last(x)
        packed = packed_if_useful(_image.rows_of(x), dtype, name, keeps)
        b = None if bias is None else bias.to(dtype)
        y = _image.forward(x, packed, weight.to(dtype), b, window, name)
        ctx.name, ctx.dtype, ctx.x_dtype, ctx.x_shape, ctx.window = name, dtype, x.dtype, x.shape, window
        ctx.bias_dtype = None if bias is None else bias.dtype
        ctx.packed = packed and (packed.columns, packed.active, packed.binary)
        values = None if packed is not None and packed.binary else x
        bits = None if packed is None else packed.bits
        ctx.save_for_backward(edge, weight, *((values, bits) if keeps else (None, None)))
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        edge, weight, values, bits = ctx.saved_tensors
        packed = None if bits is None else Packed(bits, *ctx.packed)
        needs_x, _, needs_weight, needs_bias = ctx.needs_input_grad[:4]
        grad_x = grad_w = None
        with torch.autocast("cpu", enabled=False):
            again = torch.is_grad_enabled()  # The backward pass is itself differentiated: in PyTorch's own operations.
            if needs_x:
                w = weight.to(ctx.dtype)
                grad_x = _image.input_gradient(grad, ctx.x_shape, w, ctx.window).to(ctx.x_dtype)
            if needs_weight and again:
                x = _image.dense_input(values, packed, ctx.x_shape, ctx.x_dtype)
                x = (x if edge is None else x + edge).to(ctx.dtype)
                grad_w = _image.dense_weight_gradient(grad, x, weight.shape, ctx.window)
            elif needs_weight:
                grad_w = _image.weight_gradient(grad, values, packed, ctx.x_shape, weight.shape, ctx.window, ctx.name)
            # Added up in float32 in any case; asked for such a result, PyTorch would first convert the whole gradient.
            grad_b = grad.sum((0, 2, 3)).to(ctx.bias_dtype) if needs_bias else None
        return grad_x, None, None if grad_w is None else grad_w.to(weight.dtype), grad_b, None, None, None
