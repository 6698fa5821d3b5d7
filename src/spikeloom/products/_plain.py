"""What products leave to PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..errors import BackendError
from ._choice import wanted

_TYPES = (Tensor, nn.Parameter)


def left_to_pytorch(*tensors: Tensor | None) -> bool:
    """Whether something other than a product of real CPU tensors is going on: another device, a tracer, a transform."""
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
        return True
    # Function transforms, forward-mode differentiation, and modes that watch operations.
    if torch._C._functorch.maybe_current_level() is not None or torch._C._len_torch_dispatch_stack() > 0:
        return True
    if torch.autograd.forward_ad._current_level >= 0:
        return True
    return not all(t is None or _ordinary(t) for t in tensors)


def _ordinary(tensor: Tensor) -> bool:
    plain = type(tensor) in _TYPES and tensor.device.type == "cpu" and tensor.layout is torch.strided
    return plain and tensor.dtype.is_floating_point


def by_pytorch(function: Callable[..., Tensor], *arguments: object) -> Tensor:
    """PyTorch's own product, unless another was asked for by name."""
    if wanted() not in ("auto", "dense"):
        expected = "an ordinary product of real CPU tensors, outside of compilation and transforms"
        do = 'use products.using("auto") there, which leaves it to PyTorch'
        raise BackendError(f"product {wanted()!r}", expected=expected, do=do)
    return function(*arguments)


def consistent(x: Tensor, weight: Tensor, bias: Tensor | None, target: torch.dtype | None) -> bool:
    """Whether there is something to compute and dtypes and the bias fit; where they do not, the error is PyTorch's."""
    if not x.numel() or not weight.numel() or (bias is not None and bias.shape != weight.shape[:1]):
        return False
    return target is not None or len({t.dtype for t in (x, weight, bias) if t is not None}) == 1


def autocast_dtype(*tensors: Tensor | None) -> torch.dtype | None:
    """The dtype in which autocast has products run, or None where it is off or does not concern these tensors."""
    if not torch.is_autocast_enabled("cpu"):
        return None
    if any(t is not None and t.dtype is torch.float64 for t in tensors):
        return None
    return torch.get_autocast_dtype("cpu")
