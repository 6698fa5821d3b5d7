"""Special functions and activations of PyTorch, in terms of scalar operations; in one table with `_functions`."""

from __future__ import annotations

import math

from ._functions import FUNCTIONS, lowers
from ._program import Builder, Node

__all__ = ["FUNCTIONS"]


def _odd(b: Builder, x: Node) -> tuple[Node, Node]:
    """Whether x < 0, and its size, with slope 1 at 0, where that of `abs` is 0."""
    negative = b.emit("lt", x, 0.0)
    return negative, b.emit("where", negative, b.emit("neg", x), x)


def _signed(b: Builder, negative: Node, size: Node) -> Node:
    return b.emit("where", negative, b.emit("neg", size), size)


def _not_in_place(inplace: bool) -> None:
    if inplace:
        raise NotImplementedError("it would change its argument in place; leave inplace=True out")


@lowers("exp2")
def _exp2(b: Builder, x: Node) -> Node:
    return b.emit("pow", 2.0, x)


@lowers("log10")
def _log10(b: Builder, x: Node) -> Node:
    return b.emit("mul", b.emit("log2", x), math.log10(2.0))


@lowers("erfc")
def _erfc(b: Builder, x: Node) -> Node:
    return b.emit("sub", 1.0, b.emit("erf", x))


@lowers("ndtr")
def _ndtr(b: Builder, x: Node) -> Node:
    return b.emit("mul", 0.5, b.emit("add", 1.0, b.emit("erf", b.emit("mul", x, math.sqrt(0.5)))))


@lowers("tan")
def _tan(b: Builder, x: Node) -> Node:
    return b.emit("div", b.emit("sin", x), b.emit("cos", x))


@lowers("asin", "arcsin")
def _asin(b: Builder, x: Node) -> Node:
    return b.emit("atan2", x, _beside(b, x))


@lowers("acos", "arccos")
def _acos(b: Builder, x: Node) -> Node:
    return b.emit("atan2", _beside(b, x), x)


def _beside(b: Builder, x: Node) -> Node:
    """sqrt(1 - x^2), without cancellation near 1."""
    return b.emit("sqrt", b.emit("mul", b.emit("sub", 1.0, x), b.emit("add", 1.0, x)))


@lowers("cosh")
def _cosh(b: Builder, x: Node) -> Node:
    return b.emit("mul", 0.5, b.emit("add", b.emit("exp", x), b.emit("exp", b.emit("neg", x))))


@lowers("sinh")
def _sinh(b: Builder, x: Node) -> Node:
    return b.emit("mul", 0.5, b.emit("sub", b.emit("expm1", x), b.emit("expm1", b.emit("neg", x))))


@lowers("asinh", "arcsinh")
def _asinh(b: Builder, x: Node) -> Node:
    negative, size = _odd(b, x)
    # log1p(x + x^2 / (1 + sqrt(1 + x^2))), which neither cancels at small nor overflows at large x.
    slope = b.emit("div", size, b.emit("add", 1.0, b.emit("hypot", 1.0, size)))
    return _signed(b, negative, b.emit("log1p", b.emit("add", size, b.emit("mul", size, slope))))


@lowers("acosh", "arccosh")
def _acosh(b: Builder, x: Node) -> Node:
    t = b.emit("sub", x, 1.0)
    return b.emit("log1p", b.emit("add", t, b.emit("mul", b.emit("sqrt", t), b.emit("sqrt", b.emit("add", t, 2.0)))))


@lowers("atanh", "arctanh")
def _atanh(b: Builder, x: Node) -> Node:
    negative, size = _odd(b, x)
    ratio = b.emit("div", b.emit("mul", 2.0, size), b.emit("sub", 1.0, size))
    return _signed(b, negative, b.emit("mul", 0.5, b.emit("log1p", ratio)))


@lowers("sinc")
def _sinc(b: Builder, x: Node) -> Node:
    """sin(pi x) / (pi x)."""
    zero = b.emit("eq", x, 0.0)
    phase = b.emit("where", zero, 1.0, b.emit("mul", math.pi, x))
    return b.emit("where", zero, 1.0, b.emit("div", b.emit("sin", phase), phase))


@lowers("signbit")
def _signbit(b: Builder, x: Node) -> Node:
    """Also that of a zero, which its reciprocal tells."""
    return b.emit("lt", b.emit("where", b.emit("eq", x, 0.0), b.emit("div", 1.0, x), x), 0.0)


@lowers("copysign")
def _copysign(b: Builder, x: Node, y: Node) -> Node:
    size = b.emit("abs", x)
    return b.emit("where", _signbit(b, y), b.emit("neg", size), size)


@lowers("deg2rad")
def _deg2rad(b: Builder, x: Node) -> Node:
    return b.emit("mul", x, math.pi / 180.0)


@lowers("rad2deg")
def _rad2deg(b: Builder, x: Node) -> Node:
    return b.emit("mul", x, 180.0 / math.pi)


@lowers("logit")
def _logit(b: Builder, x: Node, eps: Node | None = None) -> Node:
    if eps is not None:
        x = b.emit("minimum", b.emit("maximum", x, eps), b.emit("sub", 1.0, eps))
    return b.emit("log", b.emit("div", x, b.emit("sub", 1.0, x)))


@lowers("logaddexp")
def _logaddexp(b: Builder, x: Node, y: Node) -> Node:
    """The larger one + log(1 + exp(-|x - y|)), also where both are infinite."""
    apart = b.emit("where", b.emit("eq", x, y), 0.0, b.emit("sub", x, y))
    small = b.emit("log1p", b.emit("exp", b.emit("neg", b.emit("abs", apart))))
    return b.emit("add", b.emit("maximum", x, y), small)


@lowers("xlogy")
def _xlogy(b: Builder, x: Node, y: Node) -> Node:
    infinite = b.emit("or", b.emit("eq", y, 0.0), b.emit("eq", y, math.inf))
    nothing = b.emit("and", b.emit("eq", x, 0.0), b.emit("or", infinite, b.emit("lt", y, 0.0)))
    return b.emit("where", nothing, 0.0, b.emit("mul", x, b.emit("log", y)))


@lowers("relu")
def _relu(b: Builder, x: Node, inplace: bool = False) -> Node:
    _not_in_place(inplace)
    return b.emit("where", b.emit("le", x, 0.0), 0.0, x)


@lowers("hardtanh")
def _hardtanh(b: Builder, x: Node, min_val: Node = -1.0, max_val: Node = 1.0, inplace: bool = False) -> Node:
    """Without a gradient at the bounds, unlike clamp."""
    _not_in_place(inplace)
    below = b.emit("where", b.emit("ge", x, max_val), max_val, x)
    return b.emit("where", b.emit("le", x, min_val), min_val, below)


@lowers("relu6")
def _relu6(b: Builder, x: Node, inplace: bool = False) -> Node:
    return _hardtanh(b, x, 0.0, 6.0, inplace)


@lowers("threshold")
def _threshold(b: Builder, x: Node, threshold: Node, value: Node, inplace: bool = False) -> Node:
    _not_in_place(inplace)
    return b.emit("where", b.emit("le", x, threshold), value, x)


@lowers("leaky_relu")
def _leaky_relu(b: Builder, x: Node, negative_slope: Node = 0.01, inplace: bool = False) -> Node:
    _not_in_place(inplace)
    return b.emit("where", b.emit("gt", x, 0.0), x, b.emit("mul", x, negative_slope))


@lowers("elu")
def _elu(
    b: Builder, x: Node, alpha: Node = 1.0, scale: Node = 1.0, input_scale: Node = 1.0, inplace: bool = False
) -> Node:
    _not_in_place(inplace)
    curved = b.emit("mul", alpha, b.emit("expm1", b.emit("mul", b.emit("minimum", x, 0.0), input_scale)))
    return b.emit("mul", scale, b.emit("where", b.emit("gt", x, 0.0), x, curved))


@lowers("celu")
def _celu(b: Builder, x: Node, alpha: Node = 1.0, inplace: bool = False) -> Node:
    return _elu(b, x, alpha, 1.0, b.emit("div", 1.0, alpha), inplace)


@lowers("selu")
def _selu(b: Builder, x: Node, inplace: bool = False) -> Node:
    """Constants of Klambauer et al. 2017, "Self-normalizing neural networks", eq. 2."""
    return _elu(b, x, 1.6732632423543772, 1.0507009873554805, 1.0, inplace)


@lowers("softplus")
def _softplus(b: Builder, x: Node, beta: Node = 1.0, threshold: Node = 20.0) -> Node:
    scaled = b.emit("mul", x, beta)
    soft = b.emit("div", b.emit("log1p", b.emit("exp", b.emit("minimum", scaled, threshold))), beta)
    return b.emit("where", b.emit("gt", scaled, threshold), x, soft)


@lowers("log_sigmoid", "logsigmoid")
def _log_sigmoid(b: Builder, x: Node) -> Node:
    negative, size = _odd(b, x)
    return b.emit("sub", b.emit("where", negative, x, 0.0), b.emit("log1p", b.emit("exp", b.emit("neg", size))))


@lowers("softsign")
def _softsign(b: Builder, x: Node) -> Node:
    return b.emit("div", x, b.emit("add", 1.0, b.emit("abs", x)))


@lowers("silu")
def _silu(b: Builder, x: Node, inplace: bool = False) -> Node:
    _not_in_place(inplace)
    return b.emit("mul", x, b.emit("sigmoid", x))


@lowers("mish")
def _mish(b: Builder, x: Node, inplace: bool = False) -> Node:
    _not_in_place(inplace)
    return b.emit("mul", x, b.emit("tanh", _softplus(b, x)))


@lowers("gelu")
def _gelu(b: Builder, x: Node, *, approximate: str = "none") -> Node:
    if approximate == "none":
        return b.emit("mul", x, _ndtr(b, x))
    cubed = b.emit("mul", 0.044715, b.emit("mul", b.emit("mul", x, x), x))
    inner = b.emit("tanh", b.emit("mul", math.sqrt(2.0 / math.pi), b.emit("add", x, cubed)))
    return b.emit("mul", b.emit("mul", 0.5, x), b.emit("add", 1.0, inner))


@lowers("hardsigmoid")
def _hardsigmoid(b: Builder, x: Node, inplace: bool = False) -> Node:
    _not_in_place(inplace)
    return b.emit("div", _hardtanh(b, b.emit("add", x, 3.0), 0.0, 6.0), 6.0)


@lowers("hardswish")
def _hardswish(b: Builder, x: Node, inplace: bool = False) -> Node:
    _not_in_place(inplace)
    outside = b.emit("where", b.emit("ge", x, 3.0), x, b.emit("div", b.emit("mul", x, b.emit("add", x, 3.0)), 6.0))
    return b.emit("where", b.emit("le", x, -3.0), 0.0, outside)


@lowers("hardshrink")
def _hardshrink(b: Builder, x: Node, lambd: Node = 0.5) -> Node:
    return b.emit("where", b.emit("le", b.emit("abs", x), lambd), 0.0, x)


@lowers("softshrink")
def _softshrink(b: Builder, x: Node, lambd: Node = 0.5) -> Node:
    inside = b.emit("le", b.emit("abs", x), lambd)
    moved = b.emit("where", b.emit("lt", x, 0.0), b.emit("add", x, lambd), b.emit("sub", x, lambd))
    return b.emit("where", inside, 0.0, moved)


@lowers("tanhshrink")
def _tanhshrink(b: Builder, x: Node) -> Node:
    return b.emit("sub", x, b.emit("tanh", x))


# torch.special names its functions so.
_SPECIAL = ("erf", "erfc", "exp2", "expit", "expm1", "log1p", "logit", "ndtr", "round", "sinc", "xlogy")
FUNCTIONS.update({f"special_{name}": FUNCTIONS[name] for name in _SPECIAL})
