"""The three products of a linear layer, by each of the candidates."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from . import _events
from ._choice import Size
from ._events import Packed
from ._kernels import WORD
from ._route import SUMS, routed


def forward(x: Tensor, packed: Packed | None, weight: Tensor, bias: Tensor | None, name: str) -> Tensor:
    """x @ weight.T + bias in the dtype of weight [outputs, inputs]."""
    dtype = weight.dtype

    def event() -> Tensor:
        assert packed is not None
        real = SUMS[dtype]
        values = None if packed.binary else x.to(dtype).to(real)
        by_input = weight.to(real).t().contiguous()
        start = None if bias is None else bias.to(real)
        return _events.converted(_events.product(packed, values, by_input, start), dtype)

    candidates = {
        "dense": lambda: F.linear(_events.converted(x, dtype), weight, bias),
        "onednn": lambda: _onednn(_events.converted(x, dtype), weight, bias),
        "event": event,
    }
    return routed(Size("linear", (x.shape[0], *weight.shape), dtype), candidates, packed, name)


def input_gradient(grad: Tensor, weight: Tensor, name: str) -> Tensor:
    """grad @ weight."""
    candidates = {
        "dense": lambda: grad @ weight,
        "onednn": lambda: _onednn(grad.contiguous(), weight.t().contiguous(), None),
    }
    return routed(Size("input gradient", (grad.shape[0], *weight.shape), weight.dtype), candidates, None, name)


def weight_gradient(grad: Tensor, values: Tensor | None, packed: Packed | None, name: str) -> Tensor:
    """grad.T @ x, for x given as values, or as bits, or both."""
    dtype = grad.dtype

    def event() -> Tensor:
        assert packed is not None
        real = SUMS[dtype]
        weights = None if packed.binary or values is None else values.to(dtype).to(real)
        return _events.weight_gradient(packed, weights, _events.converted(grad, real)).t()

    candidates = {
        "dense": lambda: grad.t() @ dense_input(values, packed, dtype),
        "onednn": lambda: _onednn_weight_gradient(grad.contiguous(), dense_input(values, packed, dtype)),
        "event": event,
    }
    columns = packed.columns if values is None and packed is not None else values.shape[1] if values is not None else 0
    size = Size("weight gradient", (*grad.shape, columns), dtype, pieces=-(-columns // WORD))
    return routed(size, candidates, packed, name)


def dense_input(values: Tensor | None, packed: Packed | None, dtype: torch.dtype) -> Tensor:
    """What was kept of x, as floats again."""
    if values is not None:
        return values.to(dtype)
    assert packed is not None
    return _events.unpack(packed, dtype)


def _as_image(x: Tensor) -> Tensor:
    """x [rows, columns] as [1, columns, rows, 1], channels last, in the same memory."""
    return x.t()[None, :, :, None]


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A 1x1 convolution, for which PyTorch calls oneDNN in float32 too: twice as fast as its product with AVX-512."""
    y = F.conv2d(_as_image(x), weight[:, :, None, None], bias)
    return y[0, :, :, 0].t().contiguous()


def _onednn_weight_gradient(grad: Tensor, x: Tensor) -> Tensor:
    weight = torch.zeros((), dtype=x.dtype).expand(grad.shape[1], x.shape[1], 1, 1)
    only_weight = False, True, False
    result: Tensor = torch.ops.aten.convolution_backward(
        _as_image(grad), _as_image(x), weight, None, (1, 1), (0, 0), (1, 1), False, (0, 0), 1, only_weight
    )[1]
    return result[:, :, 0, 0]
