"""The place of a tensor in the autograd graph, without its elements."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


class _Edge(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        ctx.set_materialize_grads(False)
        return torch.zeros((), dtype=x.dtype).expand(x.shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None) -> Tensor | None:
        return grad


def edge_of(x: Tensor) -> Tensor:
    """Zeros of the shape of `x` that take no memory and pass gradients to `x`.

    A function that keeps them instead of `x`, and the values of `x` as bits, has `x` back, connected, as their sum.
    """
    result: Tensor = _Edge.apply(x)  # type: ignore[no-untyped-call]
    return result
