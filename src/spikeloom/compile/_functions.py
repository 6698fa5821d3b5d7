"""The elementwise functions of PyTorch that a statement may use, by name, in terms of scalar operations.

One table serves operators, methods and functions alike: `a + b`, `a.add(b)` and `torch.add(a, b)` are all `add`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from ._program import Builder, Node

Lowering = Callable[..., Node]
FUNCTIONS: dict[str, Lowering] = {}


def _lowers(*names: str) -> Callable[[Lowering], Lowering]:
    def register(function: Lowering) -> Lowering:
        FUNCTIONS.update(dict.fromkeys(names, function))
        return function

    return register


def _direct(operation: str, *names: str) -> None:
    for name in names or (operation,):
        FUNCTIONS[name] = lambda b, *arguments: b.emit(operation, *arguments)


for _name in ("sign", "floor", "sqrt", "exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf", "sin", "cos"):
    _direct(_name)
for _name in ("minimum", "maximum", "lt", "le", "gt", "ge", "eq", "ne", "where", "detach"):
    _direct(_name)
_direct("mul", "mul", "multiply")
_direct("div", "div", "divide", "true_divide", "truediv")
_direct("neg", "neg", "negative")
_direct("abs", "abs", "absolute")
_direct("pow", "pow", "float_power")
_direct("atan", "atan", "arctan")
_direct("sign", "sgn")
_direct("lt", "less")
_direct("le", "less_equal")
_direct("gt", "greater")
_direct("ge", "greater_equal")
_direct("ne", "not_equal", "logical_xor", "bitwise_xor", "xor")
_direct("and", "and", "logical_and", "bitwise_and")
_direct("or", "or", "logical_or", "bitwise_or")
_direct("not", "invert", "logical_not", "bitwise_not")


@_lowers("add")
def _add(b: Builder, x: Node, y: Node, *, alpha: Node = 1.0) -> Node:
    return b.emit("add", x, b.emit("mul", y, alpha))


@_lowers("sub", "subtract")
def _sub(b: Builder, x: Node, y: Node, *, alpha: Node = 1.0) -> Node:
    return b.emit("sub", x, b.emit("mul", y, alpha))


@_lowers("rsub")
def _rsub(b: Builder, x: Node, y: Node, *, alpha: Node = 1.0) -> Node:
    return _sub(b, y, x, alpha=alpha)


@_lowers("ceil")
def _ceil(b: Builder, x: Node) -> Node:
    return b.emit("neg", b.emit("floor", b.emit("neg", x)))


@_lowers("remainder", "mod")
def _remainder(b: Builder, x: Node, y: Node) -> Node:
    return b.emit("sub", x, b.emit("mul", y, b.emit("floor", b.emit("div", x, y))))


@_lowers("square")
def _square(b: Builder, x: Node) -> Node:
    return b.emit("mul", x, x)


@_lowers("reciprocal")
def _reciprocal(b: Builder, x: Node) -> Node:
    return b.emit("div", 1.0, x)


@_lowers("rsqrt")
def _rsqrt(b: Builder, x: Node) -> Node:
    return b.emit("div", 1.0, b.emit("sqrt", x))


@_lowers("erfc")
def _erfc(b: Builder, x: Node) -> Node:
    return b.emit("sub", 1.0, b.emit("erf", x))


@_lowers("cosh")
def _cosh(b: Builder, x: Node) -> Node:
    return b.emit("mul", 0.5, b.emit("add", b.emit("exp", x), b.emit("exp", b.emit("neg", x))))


@_lowers("sinh")
def _sinh(b: Builder, x: Node) -> Node:
    return b.emit("mul", 0.5, b.emit("sub", b.emit("expm1", x), b.emit("expm1", b.emit("neg", x))))


@_lowers("clamp", "clip")
def _clamp(b: Builder, x: Node, min: Node | None = None, max: Node | None = None) -> Node:
    x = x if min is None else b.emit("maximum", x, min)
    return x if max is None else b.emit("minimum", x, max)


@_lowers("hardtanh")
def _hardtanh(b: Builder, x: Node, min_val: Node = -1.0, max_val: Node = 1.0, inplace: bool = False) -> Node:
    return _clamp(b, x, min_val, max_val)


@_lowers("clamp_min")
def _clamp_min(b: Builder, x: Node, min: Node) -> Node:
    return b.emit("maximum", x, min)


@_lowers("clamp_max")
def _clamp_max(b: Builder, x: Node, max: Node) -> Node:
    return b.emit("minimum", x, max)


@_lowers("relu")
def _relu(b: Builder, x: Node, inplace: bool = False) -> Node:
    return b.emit("where", b.emit("le", x, 0.0), 0.0, x)


@_lowers("leaky_relu")
def _leaky_relu(b: Builder, x: Node, negative_slope: Node = 0.01, inplace: bool = False) -> Node:
    return b.emit("where", b.emit("gt", x, 0.0), x, b.emit("mul", x, negative_slope))


@_lowers("softplus")
def _softplus(b: Builder, x: Node, beta: Node = 1.0, threshold: Node = 20.0) -> Node:
    scaled = b.emit("mul", x, beta)
    soft = b.emit("div", b.emit("log1p", b.emit("exp", b.emit("minimum", scaled, threshold))), beta)
    return b.emit("where", b.emit("gt", scaled, threshold), x, soft)


@_lowers("isnan")
def _isnan(b: Builder, x: Node) -> Node:
    return b.emit("ne", x, x)


@_lowers("masked_fill")
def _masked_fill(b: Builder, x: Node, mask: Node, value: Node) -> Node:
    return b.emit("where", mask, value, x)


@_lowers("zeros_like")
def _zeros_like(_b: Builder, _x: Node, **_options: object) -> Node:
    return 0.0


@_lowers("ones_like")
def _ones_like(_b: Builder, _x: Node, **_options: object) -> Node:
    return 1.0


@_lowers("full_like")
def _full_like(_b: Builder, _x: Node, fill_value: Node, **_options: object) -> Node:
    return fill_value


@_lowers("clone", "contiguous")
def _same(_b: Builder, x: Node, **_options: object) -> Node:
    return x


@_lowers("float", "double", "type_as")
def _as_real(b: Builder, x: Node, _like: Node = 0.0) -> Node:
    """Every real number has the dtype of the state, so only a truth value changes."""
    return b.emit("real", x) if b.kind(x) == "b" else x


@_lowers("bool")
def _as_truth(b: Builder, x: Node) -> Node:
    return x if b.kind(x) == "b" else b.emit("ne", x, 0.0)


@_lowers("to", "type")
def _cast(b: Builder, x: Node, target: Any = None, *, dtype: Any = None, **_options: object) -> Node:
    wanted = dtype if dtype is not None else target
    if wanted == torch.bool:
        return _as_truth(b, x)
    if isinstance(wanted, torch.dtype) and not wanted.is_floating_point:
        raise NotImplementedError(f"a cast to {wanted}")
    return _as_real(b, x) if isinstance(wanted, torch.dtype | str) else x


_LOGARITHMS = {"log2": 1 / math.log(2.0), "log10": 1 / math.log(10.0)}
for _name, _factor in _LOGARITHMS.items():
    FUNCTIONS[_name] = lambda b, x, factor=_factor: b.emit("mul", b.emit("log", x), factor)
