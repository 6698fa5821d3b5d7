"""Linear layers whose input is spikes."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from . import _matrix
from ._choice import wanted
from ._edge import edge_of
from ._events import Packed
from ._plain import autocast_dtype, by_pytorch, consistent, left_to_pytorch
from ._route import packed_if_useful

# Below this many multiplications PyTorch's own layer is done before anything could be decided.
_WORTHWHILE = 1 << 22


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x @ weight.T + bias, as torch.nn.functional.linear, fast where x is spikes.

    Of an input of zeros and ones one bit per element is kept for the weight's gradient. How the product is
    computed is chosen by measurement, or by name with `using`. Under autocast it runs in the dtype of autocast. Small
    products, other devices, torch.compile and function transforms are left to PyTorch.

    Shapes: x [*rows, inputs], weight [outputs, inputs], bias [outputs] to [*rows, outputs].
    Raises: BackendError if the product chosen by name cannot run; else what torch.nn.functional.linear raises.

    >>> import torch
    >>> linear(torch.ones(2, 3), torch.ones(4, 3)).shape
    torch.Size([2, 4])
    """
    if left_to_pytorch(x, weight, bias):
        return by_pytorch(F.linear, x, weight, bias)
    name, dtype = wanted(), autocast_dtype(x, weight, bias)
    small = name == "auto" and x.numel() * weight.shape[0] < _WORTHWHILE
    fits = weight.dim() == 2 and x.dim() >= 1 and x.shape[-1] == weight.shape[1]
    if small or not fits or not consistent(x, weight, bias, dtype):
        return F.linear(x, weight, bias)
    with torch.autocast("cpu", enabled=False):
        rows = x.reshape(-1, x.shape[-1]).contiguous()
        edge = edge_of(rows) if torch.is_grad_enabled() and rows.requires_grad else None
        y: Tensor = _Linear.apply(edge, rows.detach(), weight, bias, dtype or x.dtype, name)  # type: ignore[no-untyped-call]
    return y.view(*x.shape[:-1], weight.shape[0])


class _Linear(torch.autograd.Function):
    """Of the input it keeps bits where these say all; `edge` connects its gradient to the graph."""

    @staticmethod
    def forward(
        ctx: Any, edge: Tensor | None, x: Tensor, weight: Tensor, bias: Tensor | None, dtype: torch.dtype, name: str
    ) -> Tensor:
        keeps = ctx.needs_input_grad[2]
        packed = packed_if_useful(x, dtype, name, keeps)
        y = _matrix.forward(x, packed, weight.to(dtype), None if bias is None else bias.to(dtype), name)
        ctx.name, ctx.dtype, ctx.x_dtype = name, dtype, x.dtype
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
                grad_x = (grad @ w if again else _matrix.input_gradient(grad, w, ctx.name)).to(ctx.x_dtype)
            if needs_weight and again:
                x = _matrix.dense_input(values, packed, ctx.x_dtype)
                grad_w = grad.t() @ (x if edge is None else x + edge).to(ctx.dtype)
            elif needs_weight:
                grad_w = _matrix.weight_gradient(grad, values, packed, ctx.name)
            # Added up in float32 in any case; asked for such a result, PyTorch would first convert the whole gradient.
            grad_b = grad.sum(0).to(ctx.bias_dtype) if needs_bias else None
        return grad_x, None, None if grad_w is None else grad_w.to(weight.dtype), grad_b, None, None
