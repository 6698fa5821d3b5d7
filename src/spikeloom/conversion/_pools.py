"""What each pool of a maximum takes, side by side."""

from __future__ import annotations

from collections.abc import Callable, Container
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from ..errors import ConversionError
from ._operations import label
from ._trace import place

# Sequences [T, B, ...] to the inputs of each pool, [T, B, ..., n], with -inf beyond the edge.
Gather = Callable[[list[Tensor]], Tensor]

_SLIDING = {
    F.max_pool1d: 1, F.max_pool2d: 2, F.max_pool3d: 3, torch.max_pool1d: 1, torch.max_pool2d: 2, torch.max_pool3d: 3,
}  # fmt: skip
_ADAPTIVE = {F.adaptive_max_pool1d: 1, F.adaptive_max_pool2d: 2, F.adaptive_max_pool3d: 3}
_SLIDING_MODULES = {nn.MaxPool1d: 1, nn.MaxPool2d: 2, nn.MaxPool3d: 3}
_ADAPTIVE_MODULES = {nn.AdaptiveMaxPool1d: 1, nn.AdaptiveMaxPool2d: 2, nn.AdaptiveMaxPool3d: 3}
_ORDER = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")


def pools(node: fx.Node, modules: dict[str, nn.Module], moving: Container[str]) -> Gather:
    """How the inputs of a maximum's pools are gathered. Raises: ConversionError for a maximum that has none."""
    layer = modules.get(str(node.target)) if node.op == "call_module" else None
    if type(layer) in _SLIDING_MODULES:
        sizes = {name: getattr(layer, name) for name in _ORDER}
        return partial(_gathered, axes=_SLIDING_MODULES[type(layer)], table=partial(_sliding, **sizes))  # type: ignore[index]
    if type(layer) in _ADAPTIVE_MODULES:
        table = partial(_adaptive, sizes=layer.output_size)  # type: ignore[union-attr]
        return partial(_gathered, axes=_ADAPTIVE_MODULES[type(layer)], table=table)  # type: ignore[index]
    if node.target in _SLIDING:
        sizes = _named(node, _ORDER)
        return partial(_gathered, axes=_SLIDING[node.target], table=partial(_sliding, **sizes))
    if node.target in _ADAPTIVE:
        table = partial(_adaptive, sizes=_named(node, ("output_size",))["output_size"])
        return partial(_gathered, axes=_ADAPTIVE[node.target], table=table)
    if node.target is torch.maximum and sum(arg.name in moving for arg in node.all_input_nodes) == 2:
        return _beside
    if node.target in (torch.amax, "amax") and "dim" in (sizes := _named(node, ("dim", "keepdim"))):
        return partial(_along, **sizes)
    do = "use the maximum by counts, or pool with layers of PyTorch"
    name = f"{label(node, modules)} at {place(node)}"
    raise ConversionError(name, expected="a maximum of pools", got="another", do=do)


def _named(node: fx.Node, names: tuple[str, ...]) -> dict[str, Any]:
    """Arguments behind the first, by name."""
    given = dict(zip(names, node.args[1:], strict=False)) | dict(node.kwargs)
    return {name: given[name] for name in names if name in given}


def _beside(given: list[Tensor]) -> Tensor:
    return torch.stack(torch.broadcast_tensors(*given), -1)  # type: ignore[no-untyped-call]


def _gathered(given: list[Tensor], *, axes: int, table: Callable[[int, int], Tensor]) -> Tensor:
    """Each of the last axes becomes one of pools, and one of their inputs at the end; these are then joined."""
    (x,) = given
    leading = x.dim() - axes
    for number in range(axes):
        axis = leading + number
        indices = table(number, x.shape[axis])
        beyond = torch.full_like(x.narrow(axis, 0, 1), float("-inf"))
        picked = torch.cat([x, beyond], axis).index_select(axis, indices.flatten().to(x.device))
        x = picked.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]).movedim(axis + 1, -1)
    return x.flatten(-axes)


def _sliding(
    number: int, length: int, *,
    kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """Inputs of each pool along an axis [pools, size]; `length` stands for what is beyond its ends."""
    size, edge, apart = (_of(each, number) for each in (kernel_size, padding, dilation))
    step = _of(stride, number) if stride not in (None, [], ()) else size
    free = length + 2 * edge - apart * (size - 1) - 1
    count = (-(-free // step) if ceil_mode else free // step) + 1
    # A last pool that would begin behind the end is left away.
    count -= ceil_mode and (count - 1) * step >= length + edge
    found: Tensor = (torch.arange(count) * step - edge)[:, None] + apart * torch.arange(size)
    return found.where((found >= 0) & (found < length), length)


def _adaptive(number: int, length: int, *, sizes: Any) -> Tensor:
    """The same for pools that divide an axis into a given number of parts, which may overlap."""
    count: int = _of(sizes, number) or length
    starts, ends = (torch.arange(count) * length) // count, -(-(torch.arange(1, count + 1) * length) // count)
    found = starts[:, None] + torch.arange(int((ends - starts).max()))
    return found.where(found < ends[:, None], length)


def _of(sizes: Any, number: int) -> Any:
    return sizes[number] if isinstance(sizes, tuple | list) else sizes


def _along(given: list[Tensor], dim: int | tuple[int, ...], keepdim: bool = False) -> Tensor:
    """Inputs along the axes `dim` of [B, ...]."""
    (x,) = given
    # Sequences have one axis more, in front.
    axes = sorted(each + (x.dim() if each < 0 else 1) for each in (dim if isinstance(dim, tuple) else (dim,)))
    y = x.movedim(axes, tuple(range(-len(axes), 0))).flatten(-len(axes))
    for each in axes if keepdim else ():
        y = y.unsqueeze(each)
    return y
