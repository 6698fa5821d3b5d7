"""PyTorch's layers on time folded into the batch, by faster ways to the same result where there is one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .. import products
from . import _pooling
from ._fusion import unwatched
from ._layout import channels_last


def apply(module: nn.Module, x: Tensor, *, bias: bool = True) -> Tensor:
    """The module's result on x [rows, ...]; without its bias where that is added elsewhere."""
    if torch.compiler.is_compiling() or not unwatched(module):
        return module(x)  # type: ignore[no-any-return]
    if type(module) is nn.Linear:
        return products.linear(x, module.weight, module.bias if bias else None)
    if type(module) is nn.Conv2d and x.dim() == 4 and module.padding_mode == "zeros":
        return _convolution(module, channels_last(x) if _by_onednn(x) else x)
    if _pooling.fits(module, x):
        assert isinstance(module, nn.MaxPool2d)
        return _pooling.max_pool(module, x)
    return module(x)  # type: ignore[no-any-return]


def _convolution(module: nn.Conv2d, x: Tensor) -> Tensor:
    sizes = {"stride": module.stride, "padding": module.padding, "dilation": module.dilation}
    return products.convolution(x, module.weight, module.bias, **sizes, groups=module.groups)  # type: ignore[arg-type]


def _by_onednn(x: Tensor) -> bool:
    """Whether the convolution is faster with the channels last: 9.8 ms for 13.7 ms on 512 images."""
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.bfloat16)
