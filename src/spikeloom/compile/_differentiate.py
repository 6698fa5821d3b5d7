"""Reverse-mode differentiation of programs: the derivative of each operation, written once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from ._program import Builder, Instruction, Node

# From arguments, result and the result's gradient to the arguments' gradients; None is no gradient.
_Rule = Callable[[Builder, Sequence[Node], Node, Node], Sequence[Node | None]]


def gradients(b: Builder, seeds: Mapping[Node, Node], wanted: Iterable[str]) -> dict[str, Node]:
    """Append to `b` the gradients of the `wanted` values, given those of others (`seeds`: value to its gradient)."""
    wanted = list(wanted)
    active = _depends_on(b.body, wanted)
    found: dict[str, Node] = {node: gradient for node, gradient in seeds.items() if isinstance(node, str)}
    for step in reversed(list(b.body)):
        gradient = found.get(step.name)
        if gradient is None or step.name not in active or step.name in wanted:
            continue
        rule = _RULES.get(step.operation)
        if rule is None:
            continue
        for argument, part in zip(step.arguments, rule(b, step.arguments, step.name, gradient), strict=True):
            if part is not None and isinstance(argument, str) and argument in active:
                found[argument] = b.emit("add", found[argument], part) if argument in found else part
    return {name: found.get(name, 0.0) for name in wanted}


def _depends_on(body: Sequence[Instruction], wanted: Iterable[str]) -> set[str]:
    """Values through which a gradient reaches a wanted one."""
    active = set(wanted)
    for step in body:
        if step.operation in _RULES and active.intersection(step.sources):
            active.add(step.name)
    return active


def _minimum(b: Builder, arguments: Sequence[Node], g: Node, *, larger: str) -> Sequence[Node | None]:
    """The chosen argument takes the gradient; at a tie a bounded value passes it, two values share it."""
    x, y = arguments
    if not isinstance(y, str):
        return b.emit("where", b.emit(larger, x, y), 0.0, g), None
    if not isinstance(x, str):
        return None, b.emit("where", b.emit(larger, y, x), 0.0, g)
    shared = b.emit("where", b.emit("eq", x, y), b.emit("mul", g, 0.5), g)
    return b.emit("where", b.emit(larger, x, y), 0.0, shared), b.emit("where", b.emit(larger, y, x), 0.0, shared)


def _power(b: Builder, arguments: Sequence[Node], y: Node, g: Node) -> Sequence[Node | None]:
    x, n = arguments
    base = b.emit("mul", g, b.emit("mul", n, b.emit("pow", x, b.emit("sub", n, 1.0))))
    if not isinstance(n, str):
        return base, None
    # The limits where one factor is zero and the other infinite.
    constant = b.emit("and", b.emit("eq", x, 0.0), b.emit("ge", n, 0.0))
    exponent = b.emit("mul", g, b.emit("mul", y, b.emit("log", x)))
    return b.emit("where", b.emit("eq", n, 0.0), 0.0, base), b.emit("where", constant, 0.0, exponent)


def _quotient(b: Builder, arguments: Sequence[Node], q: Node, g: Node) -> Sequence[Node | None]:
    part = b.emit("div", g, arguments[1])
    return part, b.emit("neg", b.emit("mul", part, q))


def _modulo(b: Builder, arguments: Sequence[Node], y: Node, g: Node) -> Sequence[Node | None]:
    turns = b.emit("trunc", b.emit("div", *arguments))
    return g, b.emit("neg", b.emit("mul", g, turns))


def _angle(b: Builder, arguments: Sequence[Node], a: Node, g: Node) -> Sequence[Node | None]:
    y, x = arguments
    part = b.emit("div", g, b.emit("add", b.emit("mul", x, x), b.emit("mul", y, y)))
    return b.emit("mul", part, x), b.emit("neg", b.emit("mul", part, y))


_RULES: dict[str, _Rule] = {
    "add": lambda b, a, y, g: (g, g),
    "sub": lambda b, a, y, g: (g, b.emit("neg", g)),
    "mul": lambda b, a, y, g: (b.emit("mul", g, a[1]), b.emit("mul", g, a[0])),
    "div": _quotient,
    "alias": lambda b, a, y, g: (g,),
    "neg": lambda b, a, y, g: (b.emit("neg", g),),
    "abs": lambda b, a, y, g: (b.emit("mul", g, b.emit("sign", a[0])),),
    "sqrt": lambda b, a, y, g: (b.emit("div", b.emit("mul", g, 0.5), y),),
    "exp": lambda b, a, y, g: (b.emit("mul", g, y),),
    "expm1": lambda b, a, y, g: (b.emit("mul", g, b.emit("add", y, 1.0)),),
    "log": lambda b, a, y, g: (b.emit("div", g, a[0]),),
    "log1p": lambda b, a, y, g: (b.emit("div", g, b.emit("add", a[0], 1.0)),),
    "log2": lambda b, a, y, g: (b.emit("div", g, b.emit("mul", a[0], math.log(2.0))),),
    "pow": _power,
    "fmod": _modulo,
    "tanh": lambda b, a, y, g: (b.emit("mul", g, b.emit("sub", 1.0, b.emit("mul", y, y))),),
    "sigmoid": lambda b, a, y, g: (b.emit("mul", g, b.emit("mul", y, b.emit("sub", 1.0, y))),),
    "erf": lambda b, a, y, g: (b.emit("mul", g, _normal(b, a[0])),),
    "atan": lambda b, a, y, g: (b.emit("div", g, b.emit("add", b.emit("mul", a[0], a[0]), 1.0)),),
    "atan2": _angle,
    "hypot": lambda b, a, y, g: tuple(b.emit("div", b.emit("mul", g, x), y) for x in a),
    "sin": lambda b, a, y, g: (b.emit("mul", g, b.emit("cos", a[0])),),
    "cos": lambda b, a, y, g: (b.emit("neg", b.emit("mul", g, b.emit("sin", a[0]))),),
    "minimum": lambda b, a, y, g: _minimum(b, a, g, larger="gt"),
    "maximum": lambda b, a, y, g: _minimum(b, a, g, larger="lt"),
    "where": lambda b, a, y, g: (None, b.emit("where", a[0], g, 0.0), b.emit("where", a[0], 0.0, g)),
}


def _normal(b: Builder, x: Node) -> Node:
    """2 / sqrt(pi) exp(-x^2)."""
    return b.emit("mul", 2 / math.sqrt(math.pi), b.emit("exp", b.emit("neg", b.emit("mul", x, x))))
