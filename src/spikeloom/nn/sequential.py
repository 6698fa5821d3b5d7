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
    it receives all steps as one batch [T * B, *features], and its result is folded back. An input that is expanded in
    time (a direct current) passes linear, convolution and pooling layers once.

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
    steps, batch = x.shape[:2]
    if steps > 1 and x.stride(0) == 0 and type(module) in _DETERMINISTIC:
        y = _checked(module, module(x[0]), batch)
        return y.expand(steps, *y.shape)
    y = _checked(module, module(x.flatten(0, 1)), steps * batch)
    return y.view(steps, batch, *y.shape[1:])


# An input that is the same at every step (a direct current, stride 0 in time) passes these once instead of T times.
# Not here: what draws random numbers, and batch normalisation, whose running statistics count samples.
_DETERMINISTIC = {
    *(nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Flatten, nn.Unflatten, nn.Identity),
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d),
    *(nn.ReLU, nn.LayerNorm),
}


def _checked(module: nn.Module, y: Any, rows: int) -> Tensor:
    if isinstance(y, Tensor) and y.dim() and y.shape[0] == rows:
        return y
    got = list(y.shape) if isinstance(y, Tensor) else type(y).__name__
    do = "keep the batch axis first, or give the module a neuron so that it receives [T, B, ...]"
    raise ShapeError(f"result of {type(module).__name__}", expected=f"[{rows}, ...]", got=got, do=do)
