"""Convolutions that add up spikes in whole numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .. import products
from ..nn._layers import has_separable_bias


class Whole(NamedTuple):
    """Weights of a layer as bytes, and their steps, one for each output."""

    layer: nn.Conv2d
    weight: Tensor
    step: Tensor

    def product(self, x: Tensor, *, biased: bool) -> Tensor:
        """Of truth values [n, channels, h, w]: what the layer puts out, to the bit."""
        layer = self.layer
        bias = layer.bias if biased else None
        sizes: Any = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        return products.whole_convolution(x, self.weight, self.step, bias, **sizes, groups=layer.groups)


def whole(layer: nn.Module) -> Whole | None:
    """Of a layer whose weights `quantised` has made whole numbers of steps, if they are added up so."""
    weight = layer._buffers.get("whole")
    step = layer._buffers.get("step")
    if weight is None or step is None or not has_separable_bias(layer) or not isinstance(layer, nn.Conv2d):
        return None
    if isinstance(layer.padding, str) or layer.weight.dtype != torch.float32:
        return None
    return Whole(layer, weight, step.flatten().expand(len(weight)).contiguous())
