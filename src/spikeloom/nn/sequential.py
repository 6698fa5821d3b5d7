"""A stack of neurons and ordinary PyTorch modules."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..errors import DTypeError, ShapeError
from ..neurons import Neuron


def knows_time(module: nn.Module) -> bool:
    """Whether a module takes [T, B, ...] itself: a neuron, or anything that contains one."""
    return any(isinstance(part, Neuron | Sequential) for part in module.modules())


class Sequential(nn.Sequential):
    """Modules one after another on a sequence [T, B, *features].

    Neurons, and modules that contain neurons, receive the whole sequence. Every other module knows nothing of time:
    it receives all steps as one batch [T * B, *features], and its result is folded back.

    Shapes: [T, B, *features] to [T, B, *features']. Raises: ShapeError, DTypeError.

    >>> import torch, spikeloom as sl
    >>> net = sl.nn.Sequential(nn.Flatten(), nn.Linear(12, 5), sl.LIF(tau_mem=2.0))
    >>> net(torch.rand(7, 2, 3, 4)).shape
    torch.Size([7, 2, 5])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Run from rest."""
        if not isinstance(x, Tensor):
            raise DTypeError("input of Sequential", expected="a tensor [T, B, *features]", got=type(x).__name__)
        if x.dim() < 2:
            do = "time comes first: add a batch axis with x.unsqueeze(1)"
            raise ShapeError("input of Sequential", expected="[T, B, *features]", got=list(x.shape), do=do)
        for module in self:
            x = module(x) if knows_time(module) else _folded(module, x)
        return x


def _folded(module: nn.Module, x: Tensor) -> Tensor:
    y: Any = module(x.flatten(0, 1))
    if not isinstance(y, Tensor) or y.shape[0] != x.shape[0] * x.shape[1]:
        got = list(y.shape) if isinstance(y, Tensor) else type(y).__name__
        do = "keep the batch axis first, or give the module a neuron so that it receives [T, B, ...]"
        raise ShapeError(
            f"result of {type(module).__name__}", expected=f"[{x.shape[0] * x.shape[1]}, ...]", got=got, do=do
        )
    return y.view(*x.shape[:2], *y.shape[1:])
