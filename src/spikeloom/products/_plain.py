"""Where products are left to PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_TYPES = (Tensor, nn.Parameter)


def left_to_pytorch(*tensors: Tensor | None) -> bool:
    """Whether something other than a product of real CPU tensors is going on: another device, a tracer, a transform."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[no-untyped-call]
        return True
    # Function transforms, forward-mode differentiation, and modes that watch operations.
    if torch._C._functorch.maybe_current_level() is not None or torch._C._len_torch_dispatch_stack() > 0:
        return True
    if torch.autograd.forward_ad._current_level >= 0:
        return True
    return not all(t is None or (type(t) in _TYPES and t.device.type == "cpu" and _strided(t)) for t in tensors)


def _strided(tensor: Tensor) -> bool:
    return tensor.layout is torch.strided and tensor.dtype.is_floating_point


def autocast_dtype(*tensors: Tensor | None) -> torch.dtype | None:
    """The dtype in which autocast has products run, or None where it is off or does not concern these tensors."""
    if not torch.is_autocast_enabled("cpu"):
        return None
    if any(t is not None and t.dtype is torch.float64 for t in tensors):
        return None
    return torch.get_autocast_dtype("cpu")
