"""Linear layers whose input is spikes."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx

from ..errors import BackendError
from . import _events
from ._choice import Size, fastest, wanted
from ._edge import edge_of
from ._events import Packed
from ._plain import autocast_dtype, left_to_pytorch

# Below this many multiplications PyTorch's own layer is done before anything could be decided.
_WORTHWHILE = 1 << 20
# A row of spikes that is denser than this is never worth visiting spike by spike.
_SPARSE = 0.5


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
    name = wanted()
    if left_to_pytorch(x, weight, bias):
        _refuse_unless_dense(name, "tensors of the CPU, outside of compilation and transforms")
        return F.linear(x, weight, bias)
    if name == "auto" and x.numel() * weight.shape[0] < _WORTHWHILE:
        return F.linear(x, weight, bias)
    target = autocast_dtype(x, weight, bias)
    dtype = target or x.dtype
    if not _consistent(x, weight, bias, target) or not x.numel() or not weight.numel():
        return F.linear(x, weight, bias)
    with torch.autocast("cpu", enabled=False):
        rows = x.reshape(-1, x.shape[-1])
        edge = edge_of(rows) if torch.is_grad_enabled() and rows.requires_grad else None
        y: Tensor = _Linear.apply(edge, rows.detach(), weight, bias, dtype, name)  # type: ignore[no-untyped-call]
    return y.view(*x.shape[:-1], weight.shape[0])


def _consistent(x: Tensor, weight: Tensor, bias: Tensor | None, target: torch.dtype | None) -> bool:
    """Whether shapes and dtypes fit; where they do not, the error is PyTorch's."""
    if x.dim() < 1 or weight.dim() != 2 or x.shape[-1] != weight.shape[1]:
        return False
    if bias is not None and bias.shape != weight.shape[:1]:
        return False
    given = [t.dtype for t in (x, weight, bias) if t is not None]
    return target is not None or len(set(given)) == 1


def _refuse_unless_dense(name: str, expected: str) -> None:
    if name not in ("auto", "dense"):
        do = 'use products.using("auto"), which falls back to PyTorch'
        raise BackendError(f"product {name!r}", expected=expected, do=do)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, edge: Tensor | None, x: Tensor, weight: Tensor, bias: Tensor | None, dtype: torch.dtype, name: str
    ) -> Tensor:
        keeps = ctx.needs_input_grad[2]
        packed = _packed(x, weight, dtype, name, keeps)
        w, b = weight.detach().to(dtype), None if bias is None else bias.detach().to(dtype)
        y = _forward(x, packed, w, b, name)
        ctx.name, ctx.dtype, ctx.x_dtype, ctx.packed = name, dtype, x.dtype, None
        values, bits = (x, None) if packed is None else (None if packed.binary else x, packed.bits)
        if packed is not None:
            ctx.packed = packed.columns, packed.active, packed.binary
        ctx.bias_dtype = None if bias is None else bias.dtype
        if not keeps:
            values = bits = None
        ctx.save_for_backward(edge, weight, values, bits)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        edge, weight, values, bits = ctx.saved_tensors
        packed = None if bits is None else Packed(bits, *ctx.packed)
        with torch.autocast("cpu", enabled=False):
            if torch.is_grad_enabled():
                return _differentiable(ctx, edge, weight, values, packed, grad)
            needs_x, _, needs_weight, needs_bias = ctx.needs_input_grad[:4]
            grad_x = _input_gradient(grad, weight.to(ctx.dtype), ctx.name).to(ctx.x_dtype) if needs_x else None
            grad_w = _weight_gradient(grad, values, packed, ctx.name).to(weight.dtype) if needs_weight else None
            grad_b = grad.sum(0, dtype=ctx.bias_dtype) if needs_bias else None
            return grad_x, None, grad_w, grad_b, None, None


def _differentiable(
    ctx: Any, edge: Tensor | None, weight: Tensor, values: Tensor | None, packed: Packed | None, grad: Tensor
) -> tuple[Tensor | None, ...]:
    """The backward pass in operations of PyTorch, which can be differentiated again."""
    needs_x, _, needs_weight, needs_bias = ctx.needs_input_grad[:4]
    grad_x = (grad @ weight.to(ctx.dtype)).to(ctx.x_dtype) if needs_x else None
    grad_w = None
    if needs_weight:
        x = _dense_input(values, packed, ctx.x_dtype)
        x = x if edge is None else x + edge
        grad_w = (grad.t() @ x.to(ctx.dtype)).to(weight.dtype)
    return grad_x, None, grad_w, grad.sum(0, dtype=ctx.bias_dtype) if needs_bias else None, None, None


def _dense_input(values: Tensor | None, packed: Packed | None, dtype: torch.dtype) -> Tensor:
    if values is not None:
        return values.to(dtype)
    assert packed is not None
    return _events.unpack(packed, dtype)


def _packed(x: Tensor, weight: Tensor, dtype: torch.dtype, name: str, keeps: bool) -> Packed | None:
    """Bits of the input, where they are kept for the backward pass or may be visited one by one."""
    event = name == "event" or (name == "auto" and _event_dtype(dtype) is not None)
    if not (keeps or event) or not _events.packable(x):
        if name == "event":
            raise BackendError("product 'event'", expected="input of contiguous rows, of a known dtype", got=x.dtype)
        return None
    return _events.pack(x)


def _event_dtype(dtype: torch.dtype) -> torch.dtype | None:
    """In which dtype spikes are added up for a product in `dtype`; None where they cannot be."""
    return {torch.float32: torch.float32, torch.float64: torch.float64, torch.bfloat16: torch.float32}.get(dtype)


def _forward(x: Tensor, packed: Packed | None, weight: Tensor, bias: Tensor | None, name: str) -> Tensor:
    dtype = weight.dtype
    candidates = {
        "dense": lambda: F.linear(x.to(dtype), weight, bias),
        "onednn": lambda: _onednn(x.to(dtype), weight, bias),
        "event": lambda: _event_forward(x, packed, weight, bias),
    }
    size = Size("linear", (x.shape[0], *weight.shape), dtype)
    return _run(size, candidates, packed, name)


def _event_forward(x: Tensor, packed: Packed | None, weight: Tensor, bias: Tensor | None) -> Tensor:
    assert packed is not None
    real = _event_dtype(weight.dtype)
    values = None if packed.binary else x.to(weight.dtype).to(real)
    y = _events.product(packed, values, weight.to(real), None if bias is None else bias.to(real))
    return y.to(weight.dtype)


def _input_gradient(grad: Tensor, weight: Tensor, name: str) -> Tensor:
    candidates = {
        "dense": lambda: grad @ weight,
        "onednn": lambda: _onednn(grad.contiguous(), weight.t().contiguous(), None),
    }
    return _run(Size("input gradient", (grad.shape[0], *weight.shape), weight.dtype), candidates, None, name)


def _weight_gradient(grad: Tensor, values: Tensor | None, packed: Packed | None, name: str) -> Tensor:
    dtype = grad.dtype
    columns = values.shape[1] if values is not None else packed.columns if packed is not None else 0

    def event() -> Tensor:
        assert packed is not None
        real = _event_dtype(dtype)
        weights = None if packed.binary or values is None else values.to(dtype).to(real)
        return _events.weight_gradient(packed, weights, grad.to(real))

    candidates = {
        "dense": lambda: grad.t() @ _dense_input(values, packed, dtype),
        "onednn": lambda: _onednn_weight_gradient(grad.contiguous(), _dense_input(values, packed, dtype)),
        "event": event,
    }
    return _run(Size("weight gradient", (grad.shape[0], grad.shape[1], columns), dtype), candidates, packed, name)


def _run(size: Size, candidates: dict[str, Any], packed: Packed | None, name: str) -> Tensor:
    """The product by the candidate named, or by the fastest of those that can."""
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled) or size.dtype is not torch.float32:
        # bfloat16 is multiplied by oneDNN anyway.
        if name == "onednn":
            raise BackendError("product 'onednn'", expected="float32 and a PyTorch with oneDNN", got=size.dtype)
        del candidates["onednn"]
    if name == "event" and "event" in candidates:
        if _event_dtype(size.dtype) is None:
            raise BackendError("product 'event'", expected="float32, float64 or bfloat16", got=size.dtype)
    elif packed is None or packed.activity > _SPARSE or _event_dtype(size.dtype) is None:
        candidates.pop("event", None)
    if name != "auto":
        return candidates[name if name in candidates else "dense"]()
    if "event" in candidates:
        assert packed is not None
        size = Size(size.operation, size.shape, size.dtype, packed.activity)
    return candidates[fastest(size, candidates)]()


def _as_image(x: Tensor) -> Tensor:
    """x [rows, columns] as [1, columns, rows, 1], channels last, of the same memory."""
    return x.t()[None, :, :, None]


def _as_kernel(weight: Tensor) -> Tensor:
    return weight[:, :, None, None]


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The product as a 1x1 convolution, for which PyTorch calls oneDNN in float32 too."""
    y = F.conv2d(_as_image(x), _as_kernel(weight), bias)
    return y[0, :, :, 0].t().contiguous()


def _onednn_weight_gradient(grad: Tensor, x: Tensor) -> Tensor:
    weight = torch.zeros((), dtype=x.dtype).expand(grad.shape[1], x.shape[1], 1, 1)
    only_weight = False, True, False
    result: Tensor = torch.ops.aten.convolution_backward(
        _as_image(grad), _as_image(x), weight, None, (1, 1), (0, 0), (1, 1), False, (0, 0), 1, only_weight
    )[1]
    return result[:, :, 0, 0]
