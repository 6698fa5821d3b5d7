"""The three products of a two-dimensional convolution, by each of the candidates. Images are [n, channels, h, w]."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_input, conv2d_weight

from . import _events
from ._choice import Size
from ._events import Packed
from ._kernels import WORD
from ._patches import Window, by_patch, by_weight, padded_channels
from ._route import SUMS, routed


def channels_last(x: Tensor) -> Tensor:
    """x with its channels side by side in memory, also where there is but one, for which PyTorch would not care."""
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def rows_of(x: Tensor) -> Tensor:
    """Pixels [n * h * w, channels] of an image whose channels are last in memory."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def forward(x: Tensor, packed: Packed | None, weight: Tensor, bias: Tensor | None, window: Window, name: str) -> Tensor:
    """The convolution in the dtype of weight."""
    dtype, outputs = weight.dtype, weight.shape[0]
    height, width = window.output((x.shape[2], x.shape[3]))

    def dense() -> Tensor:
        return F.conv2d(x.to(dtype), channels_last(weight), bias, window.stride, window.padding, window.dilation)

    def event() -> Tensor:
        assert packed is not None
        real = SUMS[dtype]
        patches = window.patches(packed, (x.shape[2], x.shape[3]))
        values = None if packed.binary else _value_patches(x.to(dtype).to(real), window)
        start = None if bias is None else bias.to(real)
        y = _events.converted(_events.product(patches, values, by_patch(weight.to(real)), start), dtype)
        return y.view(x.shape[0], height, width, outputs).permute(0, 3, 1, 2)

    shape = x.shape[0] * height * width, outputs, *weight.shape[1:], *window.stride
    return routed(Size("convolution", shape, dtype), {"dense": dense, "event": event}, packed, name)


def input_gradient(grad: Tensor, shape: torch.Size, weight: Tensor, window: Window) -> Tensor:
    """With respect to x of that shape; can be differentiated."""
    given = channels_last(weight), channels_last(grad), window.stride, window.padding, window.dilation
    result: Tensor = conv2d_input(shape, *given)  # type: ignore[no-untyped-call]
    return result


def dense_weight_gradient(grad: Tensor, x: Tensor, shape: torch.Size, window: Window) -> Tensor:
    """With respect to a weight of that shape; can be differentiated."""
    given = channels_last(grad), window.stride, window.padding, window.dilation
    result: Tensor = conv2d_weight(x, shape, *given)  # type: ignore[no-untyped-call]
    return result


def weight_gradient(
    grad: Tensor, values: Tensor | None, packed: Packed | None, x_shape: torch.Size, shape: torch.Size,
    window: Window, name: str,
) -> Tensor:  # fmt: skip
    """With respect to a weight of that shape, for x given as values, or as bits of its pixels, or both."""
    dtype = grad.dtype

    def event() -> Tensor:
        assert packed is not None
        real = SUMS[dtype]
        patches = window.patches(packed, (x_shape[2], x_shape[3]))
        weights = None if values is None else _value_patches(values.to(dtype).to(real), window)
        rows = _events.converted(rows_of(channels_last(grad)), real)
        return by_weight(_events.weight_gradient(patches, weights, rows), shape)

    def dense() -> Tensor:
        return dense_weight_gradient(grad, dense_input(values, packed, x_shape, dtype), shape, window)

    extents = grad.shape[0] * grad.shape[2] * grad.shape[3], *shape, *window.stride
    words = math.prod(window.kernel) * padded_channels(shape[1]) // WORD
    size = Size("convolution weight gradient", extents, dtype, pieces=words)
    return routed(size, {"dense": dense, "event": event}, packed, name)


def dense_input(values: Tensor | None, packed: Packed | None, shape: torch.Size, dtype: torch.dtype) -> Tensor:
    """What was kept of x, as floats again."""
    if values is not None:
        return values.to(dtype)
    assert packed is not None
    rows, channels, height, width = shape
    return _events.unpack(packed, dtype).view(rows, height, width, channels).permute(0, 3, 1, 2)


def _value_patches(x: Tensor, window: Window) -> Tensor:
    """Elements under the kernel [patches, taps * padded channels], in the order of the bits."""
    (pad_y, pad_x), (high, wide) = window.padding, window.kernel
    spare = padded_channels(x.shape[1]) - x.shape[1]
    framed = F.pad(x.permute(0, 2, 3, 1), (0, spare, pad_x, pad_x, pad_y, pad_y)).contiguous()
    height, width = window.output((x.shape[2], x.shape[3]))
    n, line, pixel, _ = framed.stride()
    (step_y, step_x), (skip_y, skip_x) = window.stride, window.dilation
    strides = n, step_y * line, step_x * pixel, skip_y * line, skip_x * pixel, 1
    sizes = x.shape[0], height, width, high, wide, framed.shape[3]
    return framed.as_strided(sizes, strides).reshape(x.shape[0] * height * width, -1)
