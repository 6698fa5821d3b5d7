"""What each operation of a traced network is to the conversion."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn


class Kind(Enum):
    """How an operation is carried over.

    LINEAR: as it is, in every step, as it takes means to means. RECTIFIER: by neurons. MAXIMUM: by counts of spikes.
    FUNCTION: of the mean so far, by its increments. PLAIN: no tensor that depends on the input.
    """

    INPUT, LINEAR, RECTIFIER, MAXIMUM, FUNCTION, PLAIN, OUTPUT, UNKNOWN = range(8)


@dataclass(frozen=True)
class Operation:
    """What a node is: its kind, and for a rectifier its slope below 0 and its greatest value.

    `own`: the module states its neurons by `as_site`, and no method changes them.
    """

    kind: Kind
    slope: float = 0.0
    ceiling: float = float("inf")
    own: bool = False
    # Named as the user knows it.
    label: str = ""


# Layers of weights, also transposed convolutions.
WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)
_LINEAR_MODULES = (
    nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout, nn.Dropout1d,
    nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout, nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d,
    nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle, nn.Upsample, nn.ReflectionPad1d, nn.ReflectionPad2d,
    nn.ReplicationPad1d, nn.ReplicationPad2d,
)  # fmt: skip
_MAXIMUM_MODULES = (
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d,
)  # fmt: skip
_FUNCTION_MODULES = (
    nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.ELU, nn.SELU, nn.CELU, nn.Softplus, nn.Softsign, nn.Mish, nn.Hardswish,
    nn.Hardsigmoid, nn.LogSigmoid, nn.Tanhshrink, nn.Softmax, nn.LogSoftmax, nn.Softmax2d, nn.LayerNorm, nn.GroupNorm,
    nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.LocalResponseNorm, nn.RMSNorm,
)  # fmt: skip

_LINEAR_CALLS = {
    F.linear, F.conv1d, F.conv2d, F.conv3d, torch.conv1d, torch.conv2d, torch.conv3d, F.conv_transpose1d,
    F.conv_transpose2d, F.conv_transpose3d, F.batch_norm, F.avg_pool1d, F.avg_pool2d, F.avg_pool3d,
    F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d, F.dropout, F.dropout2d, F.dropout3d, F.pad,
    F.interpolate, F.pixel_shuffle, torch.flatten, torch.cat, torch.concat, torch.stack, torch.chunk, torch.split,
    torch.reshape, torch.permute, torch.transpose, torch.squeeze, torch.unsqueeze, torch.mean, torch.sum,
    operator.getitem, operator.neg, torch.neg, torch.unbind, torch.movedim, torch.swapaxes,
}  # fmt: skip
_LINEAR_METHODS = {
    "view", "reshape", "flatten", "permute", "transpose", "squeeze", "unsqueeze", "contiguous", "mean", "sum", "chunk",
    "split", "unflatten", "view_as", "reshape_as", "movedim", "neg", "clone", "detach", "to", "float", "unbind",
    "expand", "swapaxes",
}  # fmt: skip
# Sums: linear of all their arguments together.
_SUMS = {operator.add, operator.sub, operator.iadd, operator.isub, torch.add, torch.sub}
_SUM_METHODS = {"add", "sub", "add_", "sub_", "__add__", "__radd__", "__sub__"}
# Linear where only one argument depends on the input.
_PRODUCTS = {operator.mul, operator.imul, torch.mul, operator.matmul, torch.matmul, torch.bmm, torch.einsum}
_PRODUCT_METHODS = {"mul", "mul_", "matmul", "bmm"}
_QUOTIENTS = {operator.truediv, operator.itruediv, torch.div}
_QUOTIENT_METHODS = {"div", "div_"}
_MAXIMUM_CALLS = {
    F.max_pool1d, F.max_pool2d, F.max_pool3d, torch.max_pool1d, torch.max_pool2d, torch.max_pool3d,
    F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d, torch.amax, torch.maximum,
}  # fmt: skip
_MAXIMUM_METHODS = {"amax"}
_FUNCTION_CALLS = {
    F.gelu, F.silu, F.sigmoid, torch.sigmoid, F.tanh, torch.tanh, F.elu, F.selu, F.celu, F.softplus, F.softsign, F.mish,
    F.hardswish, F.hardsigmoid, F.logsigmoid, F.softmax, torch.softmax, F.log_softmax, torch.log_softmax, F.layer_norm,
    F.group_norm, F.instance_norm, F.rms_norm, F.normalize, torch.exp, torch.abs, abs, torch.square, torch.sqrt,
    torch.sin, torch.cos, F.scaled_dot_product_attention,
}  # fmt: skip
_FUNCTION_METHODS = {
    "sigmoid", "tanh", "softmax", "log_softmax", "exp", "abs", "square", "sqrt", "pow", "sin", "cos",
}  # fmt: skip
_PLAIN_METHODS = {"size", "dim", "numel"}


def operation_of_each(module: fx.GraphModule) -> dict[str, Operation]:
    """What each node is, by name."""
    moving, modules = set(moving_nodes(module.graph)), dict(module.named_modules())
    return {node.name: operation(node, modules, moving) for node in module.graph.nodes}


def operation(node: fx.Node, modules: dict[str, nn.Module], moving: set[fx.Node]) -> Operation:
    """What a node is. `moving` are the nodes before it that depend on the input."""
    if node.op == "placeholder":
        return Operation(Kind.INPUT)
    if node.op == "output":
        return Operation(Kind.OUTPUT)
    given = [arg for arg in node.all_input_nodes if arg in moving]
    if node.op == "get_attr" or not given:
        return Operation(Kind.PLAIN)
    found = _of_module(modules[str(node.target)]) if node.op == "call_module" else _of_call(node, given)
    return replace(found, label=label(node, modules))


def label(node: fx.Node, modules: dict[str, nn.Module]) -> str:
    """The operation's name, as it stands in the program."""
    if node.op == "call_module":
        return f"{node.target} ({type(modules[str(node.target)]).__name__})"
    return str(getattr(node.target, "__name__", node.target))


def _of_module(module: nn.Module) -> Operation:
    given = rectifier_of(module)
    if given is not None:
        return given
    kinds = ((_LINEAR_MODULES, Kind.LINEAR), (_MAXIMUM_MODULES, Kind.MAXIMUM), (_FUNCTION_MODULES, Kind.FUNCTION))
    for types, kind in kinds:
        if isinstance(module, types):
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and not module.track_running_stats:
                return Operation(Kind.UNKNOWN)
            return Operation(kind)
    return Operation(Kind.UNKNOWN)


def rectifier_of(module: nn.Module) -> Operation | None:
    """A module that is linear above 0, with its slope below and its greatest value; modules may say so themselves.

    One with neurons of its own, `as_site(steps) -> Site`, may be any function.
    """
    if callable(getattr(module, "as_site", None)):
        return Operation(Kind.RECTIFIER, own=True)
    stated = getattr(module, "as_rectifier", None)
    if callable(stated):
        slope, ceiling = stated()
        return Operation(Kind.RECTIFIER, slope=slope, ceiling=ceiling)
    if isinstance(module, nn.ReLU6):
        return Operation(Kind.RECTIFIER, ceiling=6.0)
    if isinstance(module, nn.ReLU):
        return Operation(Kind.RECTIFIER)
    if isinstance(module, nn.LeakyReLU):
        return Operation(Kind.RECTIFIER, slope=module.negative_slope)
    if isinstance(module, nn.Hardtanh) and module.min_val == 0.0:
        return Operation(Kind.RECTIFIER, ceiling=module.max_val)
    if isinstance(module, nn.Threshold) and module.threshold == module.value == 0.0:
        return Operation(Kind.RECTIFIER)
    if isinstance(module, nn.PReLU) and module.weight.numel() == 1:
        return Operation(Kind.RECTIFIER, slope=float(module.weight))
    return None


def _of_call(node: fx.Node, given: list[fx.Node]) -> Operation:
    target, method = node.target, node.op == "call_method"
    rectifier = _rectifier_call(node)
    if rectifier is not None:
        return rectifier

    def one_of(calls: set[Any], methods: set[str]) -> bool:
        return target in methods if method else target in calls

    if (method and target in _PLAIN_METHODS) or target is getattr:
        return Operation(Kind.PLAIN)
    if one_of(_LINEAR_CALLS, _LINEAR_METHODS) or one_of(_SUMS, _SUM_METHODS):
        return Operation(Kind.LINEAR)
    if one_of(_PRODUCTS, _PRODUCT_METHODS):
        return Operation(Kind.LINEAR if len(given) == 1 and _once(node, given[0]) else Kind.FUNCTION)
    if one_of(_QUOTIENTS, _QUOTIENT_METHODS):
        numerator = len(given) == 1 and node.args[0] is given[0] and _once(node, given[0])
        return Operation(Kind.LINEAR if numerator else Kind.FUNCTION)
    if one_of(_MAXIMUM_CALLS, _MAXIMUM_METHODS):
        return Operation(Kind.MAXIMUM)
    if one_of(_FUNCTION_CALLS, _FUNCTION_METHODS) or target in (torch.pow, operator.pow):
        return Operation(Kind.FUNCTION)
    return Operation(Kind.UNKNOWN)


def _once(node: fx.Node, arg: fx.Node) -> bool:
    """Whether an argument stands in a call one time only: x * x is no linear function of x."""
    found: list[fx.Node] = []
    fx.map_arg((node.args, node.kwargs), found.append)
    return found.count(arg) == 1


_RELUS = {F.relu, F.relu_, torch.relu, torch.relu_}


def _rectifier_call(node: fx.Node) -> Operation | None:
    target, args, kwargs = node.target, node.args, node.kwargs
    if target in _RELUS or (node.op == "call_method" and target in ("relu", "relu_")):
        return Operation(Kind.RECTIFIER)
    if target is F.relu6:
        return Operation(Kind.RECTIFIER, ceiling=6.0)
    if target is F.leaky_relu:
        slope = kwargs.get("negative_slope", args[1] if len(args) > 1 else 0.01)
        return Operation(Kind.RECTIFIER, slope=float(slope))  # type: ignore[arg-type]
    clamps = target in (torch.clamp, torch.clip, F.hardtanh)
    if clamps or (node.op == "call_method" and target in ("clamp", "clamp_", "clip", "clamp_min")):
        low, high = _bounds(node)
        if low == 0.0:
            return Operation(Kind.RECTIFIER, ceiling=float("inf") if high is None else high)
        return Operation(Kind.FUNCTION)
    if target in (torch.clamp_min, torch.maximum, max) and 0 in args:
        return Operation(Kind.RECTIFIER)
    return None


def _bounds(node: fx.Node) -> tuple[float | None, float | None]:
    names = ("min_val", "max_val") if node.target is F.hardtanh else ("min", "max")
    found = []
    for place, name in enumerate(names, 1):
        value = node.kwargs.get(name, node.args[place] if len(node.args) > place else None)
        found.append(float(value) if isinstance(value, int | float) else None)
    return found[0], found[1]


def moving_nodes(graph: fx.Graph) -> Iterator[fx.Node]:
    """Nodes whose value depends on the input and is one tensor or several: sizes do not count."""
    found: set[fx.Node] = set()
    for node in graph.nodes:
        sized = (node.op == "call_method" and node.target in _PLAIN_METHODS) or node.target is getattr
        depends = node.op == "placeholder" or any(arg in found for arg in node.all_input_nodes)
        if depends and not sized and node.meta.get("tensor_meta") is not None:
            found.add(node)
            yield node
