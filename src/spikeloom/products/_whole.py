"""Convolutions of spikes with whole weights, added up in whole numbers."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ._image import channels_last

Pair = tuple[int, int]

# Weights in the memory order of oneDNN, and for what; kept for as long as the weights themselves.
_packed: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def whole_convolution(
    x: Tensor, weight: Tensor, step: Tensor, bias: Tensor | None = None, *,
    stride: Pair = (1, 1), padding: Pair = (0, 0), dilation: Pair = (1, 1), groups: int = 1,
) -> Tensor:  # fmt: skip
    """The convolution of zeros and ones with whole weights of -128 to 127, times a step for each output.

    y = step (weight * x) + bias. On a CPU that PyTorch has oneDNN for, in 8-bit instructions, four times as many at
    once as of float32; elsewhere in float32, which holds such sums exactly. Both give the same bits.
    Shapes: x [n, channels, h, w], bool; weight [outputs, channels / groups, kh, kw], int8; step and bias
    [outputs] to [n, outputs, h', w'], float32.
    """
    if x.device.type == "cpu" and there():
        return _by_onednn(channels_last(x), weight, step, bias, (stride, padding, dilation), groups)
    y = F.conv2d(x.to(step.dtype), weight.to(step.dtype), None, stride, padding, dilation, groups)
    y = y * step.view(-1, 1, 1)
    return y if bias is None else y + bias.view(-1, 1, 1)


def there() -> bool:
    """Whether PyTorch has oneDNN's convolution of 8-bit numbers."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.onednn, "qconv2d_pointwise")  # type: ignore[no-untyped-call]


def _by_onednn(
    x: Tensor, weight: Tensor, step: Tensor, bias: Tensor | None, sizes: tuple[Pair, Pair, Pair], groups: int
) -> Tensor:
    lists = [list(each) for each in sizes]
    # What is changed in place has another version.
    key = sizes, groups, weight._version
    kept = _packed.get(weight)  # type: ignore[no-untyped-call]
    if kept is None or kept[0] != key:
        ones = torch.ones(len(weight))
        kept = key, torch.ops.onednn.qconv_prepack(weight, ones, 1.0, 0, *lists, groups, None)
        _packed[weight] = kept
    zeros = torch.zeros(len(weight), dtype=torch.int32)
    y: Any = torch.ops.onednn.qconv2d_pointwise(
        x.view(torch.uint8), 1.0, 0, kept[1], step, zeros, bias, *lists, groups, 1.0, 0, torch.float32, "none", [], ""
    )
    return y  # type: ignore[no-any-return]
