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


def lowers(*names: str) -> Callable[[Lowering], Lowering]:
    """Register a function under the names by which PyTorch knows it."""

    def register(function: Lowering) -> Lowering:
        FUNCTIONS.update(dict.fromkeys(names, function))
        return function

    return register


def _direct(operation: str, *names: str) -> None:
    for name in names or (operation,):
        FUNCTIONS[name] = lambda b, *arguments: b.emit(operation, *arguments)


for _name in ("floor", "sqrt", "exp", "expm1", "log", "log1p", "log2", "tanh", "erf", "sin", "cos"):
    _direct(_name)
for _name in ("minimum", "maximum", "lt", "le", "gt", "ge", "eq", "ne", "where", "detach", "fmod", "hypot"):
    _direct(_name)
_direct("mul", "mul", "multiply")
_direct("neg", "neg", "negative")
_direct("abs", "abs", "absolute")
_direct("pow", "pow", "float_power")
_direct("atan", "atan", "arctan")
_direct("atan2", "atan2", "arctan2")
_direct("sign", "sign", "sgn")
_direct("sigmoid", "sigmoid", "expit")
_direct("trunc", "trunc", "fix")
_direct("lt", "less")
_direct("le", "less_equal")
_direct("gt", "greater")
_direct("ge", "greater_equal")
_direct("ne", "not_equal")
_direct("and", "and", "bitwise_and")
_direct("or", "or", "bitwise_or")
_direct("not", "invert", "bitwise_not")
_direct("int_shift_left", "lshift", "bitwise_left_shift")
_direct("int_shift_right", "rshift", "bitwise_right_shift")


def _logical(operation: str) -> Lowering:
    """On truth values, also where numbers are given."""
    return lambda b, *arguments: b.emit(operation, *(b.as_kind(a, "b") for a in arguments))


for _name in ("and", "or", "not"):
    FUNCTIONS[f"logical_{_name}"] = _logical(_name)
FUNCTIONS["logical_xor"] = lambda b, x, y: b.emit("ne", *(b.as_kind(b.as_kind(a, "b"), "r") for a in (x, y)))


@lowers("xor", "bitwise_xor")
def _xor(b: Builder, x: Node, y: Node) -> Node:
    return b.emit("int_xor" if "i" in (b.kind(x), b.kind(y)) else "ne", x, y)


def _integers(b: Builder, *nodes: Node) -> bool:
    """Whether integers, rather than numbers that happen to be whole, are given."""
    return any(isinstance(node, str) and b.kind(node) == "i" for node in nodes) and all(b.kind(n) != "r" for n in nodes)


@lowers("add")
def _add(b: Builder, x: Node, y: Node, *, alpha: Node = 1) -> Node:
    return b.emit("add", x, y if alpha == 1 else b.emit("mul", y, alpha))


@lowers("sub", "subtract")
def _sub(b: Builder, x: Node, y: Node, *, alpha: Node = 1) -> Node:
    return b.emit("sub", x, y if alpha == 1 else b.emit("mul", y, alpha))


@lowers("rsub")
def _rsub(b: Builder, x: Node, y: Node, *, alpha: Node = 1) -> Node:
    return _sub(b, y, x, alpha=alpha)


@lowers("div", "divide", "true_divide", "truediv")
def _div(b: Builder, x: Node, y: Node, *, rounding_mode: str | None = None) -> Node:
    if rounding_mode == "floor":
        return _floor_divide(b, x, y)
    quotient = b.emit("div", x, y)
    return b.emit("trunc", quotient) if rounding_mode == "trunc" else quotient


@lowers("ceil")
def _ceil(b: Builder, x: Node) -> Node:
    return b.emit("neg", b.emit("floor", b.emit("neg", x)))


@lowers("round")
def _round(b: Builder, x: Node, *, decimals: Node = 0) -> Node:
    """Half to even."""
    if isinstance(decimals, str):
        raise NotImplementedError("the number of decimals must be a plain number")
    scale = 10.0 ** abs(decimals)
    if decimals < 0:
        return b.emit("mul", b.emit("round", b.emit("div", x, scale)), scale)
    return b.emit("div", b.emit("round", b.emit("mul", x, scale)), scale)


@lowers("frac")
def _frac(b: Builder, x: Node) -> Node:
    return b.emit("sub", x, b.emit("trunc", x))


@lowers("remainder", "mod")
def _remainder(b: Builder, x: Node, y: Node) -> Node:
    """The remainder of the division rounded down, which has the sign of y; exact, as that of `fmod` is."""
    if _integers(b, x, y):
        return b.emit("int_remainder", x, y)
    rest = b.emit("fmod", x, y)
    if not isinstance(y, str):
        apart = b.emit("gt" if y < 0 else "lt", rest, 0.0)
    else:
        apart = b.emit("lt", b.emit("mul", b.emit("sign", rest), y), 0.0)
    return b.emit("where", apart, b.emit("add", rest, y), rest)


@lowers("floor_divide", "floordiv")
def _floor_divide(b: Builder, x: Node, y: Node) -> Node:
    if _integers(b, x, y):
        return b.emit("int_floor_div", x, y)
    return b.emit("round", b.emit("div", b.emit("sub", x, _remainder(b, x, y)), y))


@lowers("square")
def _square(b: Builder, x: Node) -> Node:
    return b.emit("mul", x, x)


@lowers("reciprocal")
def _reciprocal(b: Builder, x: Node) -> Node:
    return b.emit("div", 1.0, x)


@lowers("rsqrt")
def _rsqrt(b: Builder, x: Node) -> Node:
    return b.emit("div", 1.0, b.emit("sqrt", x))


@lowers("clamp", "clip")
def _clamp(b: Builder, x: Node, min: Node | None = None, max: Node | None = None) -> Node:
    x = x if min is None else b.emit("maximum", x, min)
    return x if max is None else b.emit("minimum", x, max)


@lowers("clamp_min")
def _clamp_min(b: Builder, x: Node, min: Node) -> Node:
    return b.emit("maximum", x, min)


@lowers("clamp_max")
def _clamp_max(b: Builder, x: Node, max: Node) -> Node:
    return b.emit("minimum", x, max)


@lowers("isnan")
def _isnan(b: Builder, x: Node) -> Node:
    return b.emit("ne", x, x)


@lowers("masked_fill")
def _masked_fill(b: Builder, x: Node, mask: Node, value: Node) -> Node:
    return b.emit("where", mask, value, x)


@lowers("isfinite")
def _isfinite(b: Builder, x: Node) -> Node:
    return b.emit("lt", b.emit("abs", x), math.inf)


@lowers("isinf")
def _isinf(b: Builder, x: Node) -> Node:
    return b.emit("eq", b.emit("abs", x), math.inf)


@lowers("isposinf")
def _isposinf(b: Builder, x: Node) -> Node:
    return b.emit("eq", x, math.inf)


@lowers("isneginf")
def _isneginf(b: Builder, x: Node) -> Node:
    return b.emit("eq", x, -math.inf)


@lowers("nan_to_num")
def _nan_to_num(b: Builder, x: Node, nan: Node = 0.0, posinf: Node | None = None, neginf: Node | None = None) -> Node:
    if posinf is None or neginf is None:
        raise NotImplementedError("posinf= and neginf= must be given, because their defaults depend on the precision")
    x = b.emit("where", b.emit("eq", x, math.inf), posinf, b.emit("where", b.emit("eq", x, -math.inf), neginf, x))
    return b.emit("where", b.emit("ne", x, x), nan, x)


@lowers("heaviside")
def _heaviside(b: Builder, x: Node, values: Node) -> Node:
    return b.emit("where", b.emit("eq", x, 0.0), values, b.emit("real", b.emit("gt", x, 0.0)))


@lowers("fmax")
def _fmax(b: Builder, x: Node, y: Node) -> Node:
    """The larger one, or the one that is not NaN."""
    return b.emit("where", b.emit("or", b.emit("ge", x, y), b.emit("ne", y, y)), x, y)


@lowers("fmin")
def _fmin(b: Builder, x: Node, y: Node) -> Node:
    """The smaller one, or the one that is not NaN."""
    return b.emit("where", b.emit("or", b.emit("le", x, y), b.emit("ne", y, y)), x, y)


@lowers("lerp")
def _lerp(b: Builder, start: Node, end: Node, weight: Node) -> Node:
    """From the nearer end, so that both ends are met."""
    way = b.emit("sub", end, start)
    near = b.emit("add", start, b.emit("mul", weight, way))
    far = b.emit("sub", end, b.emit("mul", way, b.emit("sub", 1.0, weight)))
    return b.emit("where", b.emit("lt", b.emit("abs", weight), 0.5), near, far)


@lowers("addcmul")
def _addcmul(b: Builder, x: Node, first: Node, second: Node, *, value: Node = 1.0) -> Node:
    return b.emit("add", x, b.emit("mul", b.emit("mul", first, second), value))


@lowers("addcdiv")
def _addcdiv(b: Builder, x: Node, first: Node, second: Node, *, value: Node = 1.0) -> Node:
    return b.emit("add", x, b.emit("mul", b.emit("div", first, second), value))


@lowers("zeros_like")
def _zeros_like(_b: Builder, _x: Node, **_options: object) -> Node:
    return 0.0


@lowers("ones_like")
def _ones_like(_b: Builder, _x: Node, **_options: object) -> Node:
    return 1.0


@lowers("full_like")
def _full_like(_b: Builder, _x: Node, fill_value: Node, **_options: object) -> Node:
    return fill_value


@lowers("clone", "contiguous", "positive")
def _same(_b: Builder, x: Node, **_options: object) -> Node:
    return x


@lowers("float", "double", "type_as")
def _as_real(b: Builder, x: Node, _like: Node = 0.0) -> Node:
    """Every real number has the dtype of the state, so only truth values and integers change."""
    return b.as_kind(x, "r")


@lowers("bool")
def _as_truth(b: Builder, x: Node) -> Node:
    return b.as_kind(x, "b")


@lowers("int")
def _as_integer(b: Builder, x: Node) -> Node:
    return b.as_kind(x, "i")


@lowers("to", "type")
def _cast(b: Builder, x: Node, target: Any = None, *, dtype: Any = None, **_options: object) -> Node:
    wanted = dtype if dtype is not None else target
    if wanted == torch.bool:
        return _as_truth(b, x)
    if wanted == torch.int32:
        return _as_integer(b, x)
    if isinstance(wanted, torch.dtype) and not wanted.is_floating_point:
        raise NotImplementedError(f"a cast to {wanted}; integers are torch.int32")
    return _as_real(b, x) if isinstance(wanted, torch.dtype | str) else x
