"""Convolutions whose input is spikes."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, *, stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] | str = 0, dilation: int | tuple[int, ...] = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """As torch.nn.functional.conv1d, conv2d or conv3d, by the rank of x."""
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[weight.dim() - 2]
    y: Tensor = function(x, weight, bias, stride, padding, dilation, groups)  # type: ignore[operator]
    return y
