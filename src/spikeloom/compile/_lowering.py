"""From ATen operations, as PyTorch dispatches them, to the scalar operations of a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ._program import Builder, Node

aten = torch.ops.aten
Lowering = Callable[..., Node]
LOWERINGS: dict[Any, Lowering] = {}


def _lowers(*overloads: Any) -> Callable[[Lowering], Lowering]:
    def register(function: Lowering) -> Lowering:
        LOWERINGS.update(dict.fromkeys(overloads, function))
        return function

    return register


def _direct(operation: str, *overloads: Any) -> None:
    LOWERINGS.update(dict.fromkeys(overloads, lambda b, *arguments: b.emit(operation, *arguments)))


def _overloads(name: str, *overloads: str) -> list[Any]:
    packet = getattr(aten, name)
    return [getattr(packet, overload) for overload in overloads if hasattr(packet, overload)]


for _name in ("neg", "abs", "sign", "floor", "sqrt", "exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf", "atan"):
    _direct(_name, getattr(aten, _name).default)
for _name in ("sin", "cos"):
    _direct(_name, getattr(aten, _name).default)
for _name in ("mul", "div"):
    _direct(_name, *_overloads(_name, "Tensor", "Scalar"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _direct(_name, *_overloads(_name, "Tensor", "Scalar"))
_direct("pow", *_overloads("pow", "Tensor_Scalar", "Tensor_Tensor", "Scalar"))
_direct("minimum", aten.minimum.default)
_direct("maximum", aten.maximum.default)
_direct("and", aten.logical_and.default, *_overloads("bitwise_and", "Tensor", "Scalar"))
_direct("or", aten.logical_or.default, *_overloads("bitwise_or", "Tensor", "Scalar"))
_direct("not", aten.logical_not.default, aten.bitwise_not.default)
_direct("ne", *_overloads("logical_xor", "default"))
_direct("where", *_overloads("where", "self", "ScalarSelf", "ScalarOther", "Scalar"))


@_lowers(*_overloads("add", "Tensor", "Scalar"))
def _add(b: Builder, x: Node, y: Node, alpha: Node = 1.0) -> Node:
    return b.emit("add", x, b.emit("mul", y, alpha))


@_lowers(*_overloads("sub", "Tensor", "Scalar"))
def _sub(b: Builder, x: Node, y: Node, alpha: Node = 1.0) -> Node:
    return b.emit("sub", x, b.emit("mul", y, alpha))


@_lowers(*_overloads("rsub", "Tensor", "Scalar"))
def _rsub(b: Builder, x: Node, y: Node, alpha: Node = 1.0) -> Node:
    return b.emit("sub", y, b.emit("mul", x, alpha))


@_lowers(aten.reciprocal.default)
def _reciprocal(b: Builder, x: Node) -> Node:
    return b.emit("div", 1.0, x)


@_lowers(aten.rsqrt.default)
def _rsqrt(b: Builder, x: Node) -> Node:
    return b.emit("div", 1.0, b.emit("sqrt", x))


@_lowers(aten.sgn.default)
def _sgn(b: Builder, x: Node) -> Node:
    return b.emit("sign", x)


@_lowers(aten.erfc.default)
def _erfc(b: Builder, x: Node) -> Node:
    return b.emit("sub", 1.0, b.emit("erf", x))


@_lowers(aten.clamp.default, aten.clamp.Tensor, aten.hardtanh.default)
def _clamp(b: Builder, x: Node, low: Node | None = None, high: Node | None = None) -> Node:
    if low is not None:
        x = b.emit("maximum", x, low)
    return x if high is None else b.emit("minimum", x, high)


@_lowers(*_overloads("clamp_min", "default", "Tensor"))
def _clamp_min(b: Builder, x: Node, low: Node) -> Node:
    return _clamp(b, x, low)


@_lowers(*_overloads("clamp_max", "default", "Tensor"))
def _clamp_max(b: Builder, x: Node, high: Node) -> Node:
    return _clamp(b, x, None, high)


@_lowers(aten.masked_fill.Scalar, aten.masked_fill.Tensor)
def _masked_fill(b: Builder, x: Node, mask: Node, value: Node) -> Node:
    return b.emit("where", mask, value, x)


@_lowers(aten.relu.default)
def _relu(b: Builder, x: Node) -> Node:
    return b.emit("maximum", x, 0.0)


@_lowers(aten.threshold_backward.default)
def _relu_backward(b: Builder, g: Node, y: Node, threshold: Node) -> Node:
    return b.emit("where", b.emit("le", y, threshold), 0.0, g)


@_lowers(aten.leaky_relu.default)
def _leaky_relu(b: Builder, x: Node, slope: Node = 0.01) -> Node:
    return b.emit("where", b.emit("gt", x, 0.0), x, b.emit("mul", x, slope))


@_lowers(aten.leaky_relu_backward.default)
def _leaky_relu_backward(b: Builder, g: Node, x: Node, slope: Node, _is_result: Node) -> Node:
    return b.emit("where", b.emit("gt", x, 0.0), g, b.emit("mul", g, slope))


@_lowers(aten.hardtanh_backward.default)
def _hardtanh_backward(b: Builder, g: Node, x: Node, low: Node, high: Node) -> Node:
    outside = b.emit("or", b.emit("le", x, low), b.emit("ge", x, high))
    return b.emit("where", outside, 0.0, g)


@_lowers(aten.tanh_backward.default)
def _tanh_backward(b: Builder, g: Node, y: Node) -> Node:
    return b.emit("mul", g, b.emit("sub", 1.0, b.emit("mul", y, y)))


@_lowers(aten.sigmoid_backward.default)
def _sigmoid_backward(b: Builder, g: Node, y: Node) -> Node:
    return b.emit("mul", g, b.emit("mul", y, b.emit("sub", 1.0, y)))


def _softplus_is_linear(b: Builder, x: Node, beta: Node, threshold: Node) -> tuple[Node, Node]:
    scaled = b.emit("mul", x, beta)
    return scaled, b.emit("gt", scaled, threshold)


@_lowers(aten.softplus.default)
def _softplus(b: Builder, x: Node, beta: Node = 1.0, threshold: Node = 20.0) -> Node:
    scaled, linear = _softplus_is_linear(b, x, beta, threshold)
    soft = b.emit("div", b.emit("log1p", b.emit("exp", b.emit("minimum", scaled, threshold))), beta)
    return b.emit("where", linear, x, soft)


@_lowers(aten.softplus_backward.default)
def _softplus_backward(b: Builder, g: Node, x: Node, beta: Node, threshold: Node) -> Node:
    scaled, linear = _softplus_is_linear(b, x, beta, threshold)
    return b.emit("where", linear, g, b.emit("mul", g, b.emit("sigmoid", scaled)))


@_lowers(aten.isnan.default)
def _isnan(b: Builder, x: Node) -> Node:
    return b.emit("ne", x, x)


@_lowers(aten.detach.default, aten.alias.default, aten.clone.default, aten.contiguous.default)
def _same(_b: Builder, x: Node, **_options: object) -> Node:
    return x


@_lowers(aten.view.default, aten.expand.default, aten._unsafe_view.default)
def _reshaped(_b: Builder, x: Node, shape: list[int], **_options: object) -> Node:
    if shape:
        raise NotImplementedError(f"a change of shape to {shape}")
    return x


@_lowers(aten._to_copy.default)
def _cast(b: Builder, x: Node, dtype: torch.dtype | None = None, **_options: object) -> Node:
    """Every real number has the dtype of the state, so only casts between reals and truth values do something."""
    if dtype == torch.bool:
        return x if b.kind(x) == "b" else b.emit("ne", x, 0.0)
    if dtype is not None and not dtype.is_floating_point:
        raise NotImplementedError(f"a cast to {dtype}")
    return b.emit("real", x) if b.kind(x) == "b" else x


@_lowers(*_overloads("zeros_like", "default"), *_overloads("new_zeros", "default"))
def _zeros(_b: Builder, _x: Node, *_shape: object, **_options: object) -> Node:
    return 0.0


@_lowers(*_overloads("ones_like", "default"), *_overloads("new_ones", "default"))
def _ones(_b: Builder, _x: Node, *_shape: object, **_options: object) -> Node:
    return 1.0


@_lowers(aten.full_like.default)
def _full_like(_b: Builder, _x: Node, value: float, **_options: object) -> Node:
    return float(value)


@_lowers(aten.new_full.default)
def _new_full(_b: Builder, _x: Node, _shape: object, value: float, **_options: object) -> Node:
    return float(value)


