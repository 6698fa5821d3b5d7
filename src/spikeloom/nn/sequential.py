"""A stack of neurons and ordinary PyTorch modules, and a branch that is added to what it started from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard

from torch import Tensor, nn

from ..errors import DTypeError, ShapeError
from ..neurons import Neuron
from . import _straight
from ._fusion import Around, advance, fusable, unwatched
from ._layers import Product, aligned, apply, has_separable_bias, transformed
from ._layout import is_channels_last
from ._normalisation import Norm, fits, is_batch_norm, scale_and_shift
from .read_out import Count


def knows_time(module: nn.Module) -> bool:
    """Whether a module takes [T, B, ...] itself: a neuron, or anything that contains one."""
    return any(isinstance(part, Neuron | Sequential | Residual | Count) for part in module.modules())


class Sequential(nn.Sequential):
    """Modules one after another on a sequence [T, B, *features].

    Neurons, and modules that contain neurons, receive the whole sequence. Every other module knows nothing of time:
    it receives all steps as one batch [T * B, *features], and its result is folded back. An input that is expanded in
    time (a direct current) passes linear, convolution and pooling layers once.

    What stands elementwise around a neuron runs inside its kernel: the bias of the layer before it, batch
    normalisation, the addition of a `Residual`, a `Count` or `Rate` at the end. A module with hooks is called as it is.
    `sl.explain` tells what was fused.

    Shapes: [T, B, *features] to [T, B, *features']; [B, *features'] with a `Count` at the end. Raises: ShapeError,
    DTypeError.

    >>> import torch, spikeloom as sl
    >>> net = sl.nn.Sequential(nn.Flatten(), nn.Linear(12, 5), sl.LIF(tau_mem=2.0))
    >>> net(torch.rand(7, 2, 3, 4)).shape
    torch.Size([7, 2, 5])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Run from rest."""
        y = _straight.run(self._modules.values(), x)
        return _run(_steps(self), x) if y is None else y


class Residual(nn.Module):
    """x + branch(x), or shortcut(x) + branch(x): `Residual(*modules)` has the `Sequential` of the modules as branch.

    Followed by a neuron in a `Sequential`, the addition runs in the neuron's kernel.

    Shapes: [T, B, *features] to the shape that branch and shortcut give alike. Raises: ShapeError, DTypeError.

    >>> import torch, spikeloom as sl
    >>> block = sl.nn.Residual(nn.Linear(4, 4), sl.LIF(), nn.Linear(4, 4))
    >>> sl.nn.Sequential(block, sl.LIF())(torch.rand(7, 2, 4)).shape
    torch.Size([7, 2, 4])
    """

    def __init__(self, *modules: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.branch = Sequential(*modules)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Run from rest."""
        return _run(self._laid_open(), x)

    def _laid_open(self) -> Iterator[_Step]:
        yield _Fork(self.shortcut)
        yield from _steps([self.branch])
        yield _Join()


# Below so many neurons, bias and normalisation are left to PyTorch: setting up per-channel values for the kernel costs
# more than a pass over the input. The number of steps does not count, so that pieces of a stream run alike.
WORTHWHILE = 1 << 13


class _Fork:
    """The branch begins here; the shortcut starts from the same x."""

    def __init__(self, shortcut: nn.Module | None) -> None:
        self.shortcut = shortcut


class _Join:
    """The branch ends here."""


_Step = nn.Module | _Fork | _Join


def _steps(modules: Iterable[nn.Module]) -> Iterator[_Step]:
    """What runs one after another: stacks within stacks are laid open, unless somebody watches them being called."""
    for module in modules:
        # Those of PyTorch hand on what they are given, which is folded only where no neuron is inside.
        stack = type(module) is Sequential or (type(module) is nn.Sequential and not knows_time(module))
        if stack and isinstance(module, nn.Sequential) and unwatched(module):
            yield from _steps(module)
        elif type(module) is Residual and unwatched(module):
            yield from module._laid_open()
        else:
            yield module


def _run(steps: Iterable[_Step], x: Tensor) -> Tensor:
    if not isinstance(x, Tensor):
        raise DTypeError("input of Sequential", expected="a tensor [T, B, *features]", got=type(x).__name__)
    if x.dim() < 2:
        do = "time comes first: add a batch axis with x.unsqueeze(1)"
        raise ShapeError("input of Sequential", expected="[T, B, *features]", got=list(x.shape), do=do)
    y = _Stack(list(steps)).run(x)
    # Inside, convolutions choose the order in memory; outside it is that of the input.
    return y.contiguous() if is_channels_last(y, 2) and not is_channels_last(x, 2) else y


class _Stack:
    """A run of a list of steps."""

    def __init__(self, steps: list[_Step]) -> None:
        self.steps = steps
        self.shortcuts: list[Tensor] = []
        self.fuses = not transformed()

    def run(self, x: Tensor) -> Tensor:
        at = 0
        while at < len(self.steps):
            x, at = self._advance(x, at)
        return x

    def _advance(self, x: Tensor, at: int) -> tuple[Tensor, int]:
        """Pass the step at `at`, with those after it that are fused with it; return where to go on."""
        step = self.steps[at]
        if isinstance(step, _Fork):
            self.shortcuts.append(x if step.shortcut is None else _run(_steps([step.shortcut]), x))
            return x, at + 1
        end = self._neuron_after(at, x) if self.fuses else None
        if end is not None:
            return self._fused(x, at, end)
        if isinstance(step, _Join):
            return x + self._shortcut(x), at + 1
        if isinstance(step, Count) and at + 1 < len(self.steps):
            do = f"put {type(step).__name__} at the end"
            raise ShapeError(f"{type(step).__name__} within Sequential", expected="no layer after it", do=do)
        return (step(x) if knows_time(step) else _folded(step, x)), at + 1

    def _neuron_after(self, at: int, x: Tensor) -> int | None:
        """Where the neuron is that can take in all from `at` on, if there is one: bias, normalisation, addition."""
        if isinstance(self.steps[at], nn.Module) and not fusable(self.steps[at]) and self._neurons(at, x) < WORTHWHILE:
            return None
        end = at + (_flattens(self.steps[at]) and has_separable_bias(self._step(at + 1)))
        end += has_separable_bias(self.steps[end])
        end += _normalises(self._step(end))
        end += isinstance(self._step(end), _Join)
        return end if fusable(self._step(end)) else None

    def _neurons(self, at: int, x: Tensor) -> int:
        """How many neurons the layer at `at` would feed."""
        product = self.steps[at + 1] if _flattens(self.steps[at]) and at + 1 < len(self.steps) else self.steps[at]
        if isinstance(product, nn.Linear):
            rows = x.shape[1:2] if product is not self.steps[at] else x.shape[1:-1]
            return rows.numel() * product.out_features
        if isinstance(product, nn.Conv2d):
            return x.shape[1:].numel() // product.in_channels * product.out_channels
        return x.shape[1:].numel()

    def _step(self, at: int) -> _Step | None:
        return self.steps[at] if at < len(self.steps) else None

    def _fused(self, x: Tensor, at: int, end: int) -> tuple[Tensor, int]:
        """Run the neuron at `end` with what stands before it from `at` on, and a count behind it."""
        around, names, neuron = Around(), list[str](), self.steps[end]
        flatten, product = (self.steps[at], self.steps[at + 1]) if _flattens(self.steps[at]) else (None, self.steps[at])
        if has_separable_bias(product):
            x = _folded(Product(flatten, product), x)
            around.shift, at = product.bias, at + 1 + (flatten is not None)
            names += ["bias"] if product.bias is not None else []
        norm = self.steps[at]
        if _normalises(norm):
            if not fits(norm, x):
                x = x if around.shift is None else x + aligned(around.shift, x)
                return _folded(norm, x), at + 1
            x, around.scale, around.shift = scale_and_shift(norm, x, around.shift)
            names, at = [*names, "batch normalisation"], at + 1
        if isinstance(self.steps[at], _Join):
            around.residual = self._shortcut(x)
            names += ["residual"]
        around.count = self._count_at(end + 1)
        names += [type(around.count).__name__.lower()] if around.count is not None else []
        around.names = tuple(names)
        assert isinstance(neuron, Neuron)
        return advance(neuron, x, around), end + 1 + (around.count is not None)

    def _count_at(self, at: int) -> Count | None:
        """The read-out there, if it is the last step."""
        step = self._step(at) if at + 1 == len(self.steps) else None
        return step if isinstance(step, Count) and type(step).forward is Count.forward and unwatched(step) else None

    def _shortcut(self, x: Tensor) -> Tensor:
        shortcut = self.shortcuts.pop()
        if shortcut.shape != x.shape:
            do = "give it shortcut= a module that maps the input to this shape"
            raise ShapeError("shortcut of Residual", expected=list(x.shape), got=list(shortcut.shape), do=do)
        return shortcut


def _normalises(step: object) -> TypeGuard[Norm]:
    return is_batch_norm(step) and unwatched(step)


def _flattens(step: object) -> bool:
    """Whether a step makes one axis of all features."""
    return type(step) is nn.Flatten and (step.start_dim, step.end_dim) == (1, -1) and unwatched(step)


def _folded(module: nn.Module | Product, x: Tensor) -> Tensor:
    steps, batch = x.shape[:2]
    if steps > 1 and x.stride(0) == 0 and type(module) in _DETERMINISTIC:
        y = _checked(module, apply(module, x[0]), batch)
        return y.expand(steps, *y.shape)
    y = _checked(module, apply(module, x.flatten(0, 1)), steps * batch)
    return y.view(steps, batch, *y.shape[1:])


# An input that is the same at every step (a direct current, stride 0 in time) passes these once instead of T times.
# Not here: what draws random numbers, and batch normalisation, whose running statistics count samples.
_DETERMINISTIC = {
    *(nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Flatten, nn.Unflatten, nn.Identity),
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d),
    *(nn.ReLU, nn.LayerNorm, Product),
}


def _checked(module: nn.Module | Product, y: Any, rows: int) -> Tensor:
    if isinstance(y, Tensor) and y.dim() and y.shape[0] == rows:
        return y
    got = list(y.shape) if isinstance(y, Tensor) else type(y).__name__
    do = "keep the batch axis first, or give the module a neuron so that it receives [T, B, ...]"
    name = type(module.module if isinstance(module, Product) else module).__name__
    raise ShapeError(f"result of {name}", expected=f"[{rows}, ...]", got=got, do=do)
