"""Operators of ONNX, each as a layer or a call of PyTorch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

Attributes = Mapping[str, Any]


class Values:
    """What is known so far by the names of the file: constants, and nodes of the graph."""

    def __init__(self, root: nn.Module, graph: fx.Graph) -> None:
        self.root, self.graph = root, graph
        self.constants: dict[str, Tensor] = {}
        self.nodes: dict[str, fx.Node] = {}
        # Numbers of axes, where the file tells them.
        self.ranks: dict[str, int] = {}

    def constant(self, name: str) -> Tensor:
        """A value that does not depend on inputs. Raises: ValueError."""
        if name not in self.constants:
            raise ValueError(f"{name!r}, which depends on the input, where constants are expected")
        return self.constants[name]

    def node(self, name: str) -> fx.Node:
        """Any value as a node; a constant becomes a buffer."""
        if name not in self.nodes:
            own = f"constant_{len(self.nodes)}"
            self.root.register_buffer(own, self.constants[name])
            self.nodes[name] = self.graph.get_attr(own)
        return self.nodes[name]

    def layer(self, label: str, module: nn.Module, name: str) -> fx.Node:
        """The module, called with this value."""
        while hasattr(self.root, label):
            label += "_"
        self.root.add_module(label, module)
        return self.graph.call_module(label, (self.node(name),))

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> fx.Node:
        return self.graph.call_function(function, args, options)


Read = Callable[[Values, str, tuple[str, ...], Attributes], fx.Node | Tensor]


def _conv(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node:
    weight, bias = values.constant(names[1]), values.constant(names[2]) if len(names) > 2 else None
    axes = weight.dim() - 2
    kind = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[axes]
    x, padding = _padded(values, names[0], given, axes)
    groups = given.get("group", 1)
    layer: nn.Module = kind(
        weight.shape[1] * groups, weight.shape[0], tuple(weight.shape[2:]), stride=_each(given, "strides", axes),  # type: ignore[arg-type]
        padding=padding, dilation=_each(given, "dilations", axes), groups=groups, bias=bias is not None,  # type: ignore[arg-type]
    )  # fmt: skip
    return values.layer(label, _filled(layer, weight, bias), x)


def _padded(values: Values, name: str, given: Attributes, axes: int) -> tuple[str, tuple[int, ...]]:
    """The input, padded beforehand where both sides of an axis differ, and the padding that is left."""
    automatic = given.get("auto_pad", b"NOTSET")
    if automatic not in (b"NOTSET", b"VALID"):
        raise ValueError(f"auto_pad={automatic.decode()}; export with explicit pads")
    pads = list(given.get("pads", [0] * (2 * axes)))
    before, after = pads[:axes], pads[axes:]
    if before == after:
        return name, tuple(before)
    sides = [side for pair in zip(before[::-1], after[::-1], strict=True) for side in pair]
    padded = f"{name}, padded for {len(values.nodes)}"
    values.nodes[padded] = values.call(F.pad, values.node(name), sides)
    return padded, (0,) * axes


def _each(given: Attributes, name: str, axes: int) -> tuple[int, ...]:
    return tuple(given.get(name, [1] * axes))


def _filled(layer: nn.Module, weight: Tensor, bias: Tensor | None) -> nn.Module:
    layer.weight = nn.Parameter(weight.float(), requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias.float(), requires_grad=False)
    return layer


def _gemm(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node:
    if given.get("transA", 0):
        raise ValueError("transA=1")
    weight = values.constant(names[1]) * given.get("alpha", 1.0)
    weight = weight if given.get("transB", 0) else weight.T
    bias = values.constant(names[2]) * given.get("beta", 1.0) if len(names) > 2 else None
    return values.layer(label, _linear(weight, bias), names[0])


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Module:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    wide = None if bias is None else bias.reshape(-1).expand(weight.shape[0]).clone()
    return _filled(layer, weight.contiguous(), wide)


def _matmul(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node:
    if names[1] in values.constants and values.constants[names[1]].dim() == 2:
        return values.layer(label, _linear(values.constants[names[1]].T, None), names[0])
    return values.call(torch.matmul, values.node(names[0]), values.node(names[1]))


def _batch_norm(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node:
    if given.get("training_mode", 0):
        raise ValueError("training_mode=1")
    scale, shift, mean, variance = (values.constant(name).float() for name in names[1:5])
    # Of any number of axes: the check of sizes is what differs between PyTorch's classes.
    layer = _AnyBatchNorm(len(scale), eps=given.get("epsilon", 1e-5))
    _filled(layer, scale, shift)
    assert isinstance(layer.running_mean, Tensor) and isinstance(layer.running_var, Tensor)
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(variance)
    return values.layer(label, layer.eval(), names[0])


class _AnyBatchNorm(nn.BatchNorm2d):
    """Batch normalisation by channel of [B, channels, ...]."""

    def _check_input_dim(self, input: Tensor) -> None:
        pass


# As one of PyTorch's own layers, which stay whole when a module is traced.
_AnyBatchNorm.__module__ = "torch.nn.modules.batchnorm"


def _pool(kinds: tuple[type[nn.Module], ...]) -> Read:
    def read(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node:
        kernel = tuple(given["kernel_shape"])
        x, padding = _padded(values, names[0], given, len(kernel))
        average = kinds[0] is nn.AvgPool1d
        if x != names[0] and not (average and given.get("count_include_pad", 0)):
            raise ValueError("pads that differ between both sides")
        options: dict[str, Any] = {"stride": _each(given, "strides", len(kernel)), "padding": padding}
        options["ceil_mode"] = bool(given.get("ceil_mode", 0))
        if average:
            options["count_include_pad"] = bool(given.get("count_include_pad", 0))
        elif set(given.get("dilations", [1])) != {1}:
            options["dilation"] = tuple(given["dilations"])
        return values.layer(label, kinds[len(kernel) - 1](kernel, **options), x)

    return read


def _global(kinds: tuple[type[nn.Module], ...]) -> Read:
    def read(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node:
        return values.layer(label, kinds[values.ranks.get(names[0], 4) - 3](1), names[0])

    return read


def _clip(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node:
    bounds = [
        float(values.constant(names[place])) if len(names) > place and names[place] else given.get(name)
        for place, name in ((1, "min"), (2, "max"))
    ]
    return values.call(torch.clamp, values.node(names[0]), min=bounds[0], max=bounds[1])


def _reshape(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node | Tensor:
    sizes = [int(size) for size in values.constant(names[1])]
    if names[0] in values.constants:
        return values.constants[names[0]].reshape(sizes)
    if len(sizes) > 1 and sizes[0] in (0, 1, -1) and all(size != 0 for size in sizes[1:]):
        # The first axis is the batch, of any size, also where the file was written for one input.
        if sizes[1:] == [-1] or (sizes[0] == -1 and len(sizes) == 2):
            return values.call(torch.flatten, values.node(names[0]), 1)
        return values.call(torch.reshape, values.node(names[0]), (-1, *sizes[1:]))
    raise ValueError(f"shape {sizes}; the first axis must be that of the batch, 0 or -1")


def _flatten(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node:
    if given.get("axis", 1) != 1:
        raise ValueError(f"axis={given['axis']}")
    return values.call(torch.flatten, values.node(names[0]), 1)


def _axes(values: Values, names: tuple[str, ...], given: Attributes) -> list[int]:
    """As an attribute, or from version 13 on as an input."""
    found = values.constant(names[1]).tolist() if len(names) > 1 and names[1] else given.get("axes")
    if not found:
        raise ValueError("no axes")
    return [int(axis) for axis in found]


def _reduced(reduce: Callable[..., Any]) -> Read:
    def read(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node:
        axes, keep = _axes(values, names, given), bool(given.get("keepdims", 1))
        return values.call(reduce, values.node(names[0]), axes, keepdim=keep)

    return read


def _squeezed(function: Callable[..., Any]) -> Read:
    def read(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node:
        axes = _axes(values, names, given)
        if len(axes) > 1 and function is torch.unsqueeze:
            raise ValueError("more than one axis")
        return values.call(function, values.node(names[0]), axes[0] if len(axes) == 1 else tuple(axes))

    return read


def _concat(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node:
    return values.call(torch.cat, [values.node(name) for name in names], given["axis"])


def _transpose(values: Values, label: str, names: tuple[str, ...], given: Attributes) -> fx.Node | Tensor:
    if names[0] in values.constants:
        found = values.constants[names[0]]
        return found.permute(given.get("perm", list(range(found.dim()))[::-1]))
    return values.call(torch.permute, values.node(names[0]), tuple(given["perm"]))


def _layer(make: Callable[[Attributes], nn.Module]) -> Read:
    return lambda values, label, names, given: values.layer(label, make(given), names[0])


def _call(function: Callable[..., Any]) -> Read:
    return lambda values, label, names, given: values.call(function, *(values.node(name) for name in names))


OPERATORS: Mapping[str, Read] = {
    "Add": _call(operator.add),
    "AveragePool": _pool((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)),
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _call(operator.pos),
    "Conv": _conv,
    "Div": _call(operator.truediv),
    "Dropout": lambda values, label, names, given: values.layer(label, nn.Identity(), names[0]),
    "Elu": _layer(lambda given: nn.ELU(given.get("alpha", 1.0))),
    "Flatten": _flatten,
    "Gelu": _layer(lambda given: nn.GELU(approximate=given.get("approximate", b"none").decode())),
    "Gemm": _gemm,
    "GlobalAveragePool": _global((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)),
    "GlobalMaxPool": _global((nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)),
    "HardSwish": _layer(lambda given: nn.Hardswish()),
    "Identity": _layer(lambda given: nn.Identity()),
    "LeakyRelu": _layer(lambda given: nn.LeakyReLU(given.get("alpha", 0.01))),
    "MatMul": _matmul,
    "MaxPool": _pool((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)),
    "Mul": _call(operator.mul),
    "Neg": _call(operator.neg),
    "ReduceMean": _reduced(torch.mean),
    "ReduceSum": _reduced(torch.sum),
    "Relu": _layer(lambda given: nn.ReLU()),
    "Reshape": _reshape,
    "Sigmoid": _layer(lambda given: nn.Sigmoid()),
    "Softmax": _layer(lambda given: nn.Softmax(given.get("axis", -1))),
    "Softplus": _layer(lambda given: nn.Softplus()),
    "Squeeze": _squeezed(torch.squeeze),
    "Sub": _call(operator.sub),
    "Tanh": _layer(lambda given: nn.Tanh()),
    "Transpose": _transpose,
    "Unsqueeze": _squeezed(torch.unsqueeze),
}
