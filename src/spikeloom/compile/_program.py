"""Programs: straight-line lists of scalar operations in single-assignment form, and the builder that simplifies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ._operations import ON_INTEGERS, OPERATIONS

# A node is the name of a value, or a constant.
Node = str | float | int | bool


@dataclass(frozen=True)
class Instruction:
    """`name = operation(*arguments)`."""

    name: str
    operation: str
    arguments: tuple[Node, ...]

    @property
    def kind(self) -> str:
        """r for a real number, i for an integer, b for a truth value."""
        return OPERATIONS[self.operation].result

    @property
    def sources(self) -> tuple[str, ...]:
        """The arguments that are values rather than constants."""
        return tuple(a for a in self.arguments if isinstance(a, str))


@dataclass(frozen=True)
class Program:
    """Inputs (name to kind), instructions in order, and outputs (label to node)."""

    inputs: Mapping[str, str]
    body: tuple[Instruction, ...]
    outputs: Mapping[str, Node]

    def kinds(self) -> dict[str, str]:
        """The kind of every named value."""
        return {**self.inputs, **{step.name: step.kind for step in self.body}}

    def verify(self) -> Program:
        """Raise AssertionError if a value is used before it exists, twice defined, or of the wrong kind."""
        kinds = dict(self.inputs)
        for step in self.body:
            wanted = OPERATIONS[step.operation].arguments
            given = "".join(kind_of(argument, kinds) for argument in step.arguments)
            if wanted != given or step.name in kinds:
                raise AssertionError(f"malformed instruction {step}: takes {wanted!r}, given {given!r}")
            kinds[step.name] = step.kind
        for node in self.outputs.values():
            kind_of(node, kinds)
        return self

    def __str__(self) -> str:
        lines = [f"{i.name} = {i.operation}({', '.join(map(str, i.arguments))})" for i in self.body]
        return "\n".join([*lines, *(f"-> {label} = {node}" for label, node in self.outputs.items())])


def kind_of(node: Node, kinds: Mapping[str, str]) -> str:
    """The kind of a node, where `kinds` knows the named ones."""
    if isinstance(node, str):
        if node not in kinds:
            raise AssertionError(f"value {node!r} is used before it is defined")
        return kinds[node]
    return _kind_of_constant(node)


def _kind_of_constant(node: Node) -> str:
    return "b" if isinstance(node, bool) else "i" if isinstance(node, int) else "r"


def select(instructions: Iterable[Instruction], given: Mapping[str, str], outputs: Mapping[str, Node]) -> Program:
    """The smallest program that computes `outputs` from the values `given` (name to kind)."""
    by_name = {step.name: step for step in instructions if step.name not in given}
    needed: set[str] = set()
    pending = [node for node in outputs.values() if isinstance(node, str)]
    while pending:
        name = pending.pop()
        if name in needed:
            continue
        needed.add(name)
        if name in by_name:
            pending.extend(by_name[name].sources)
    inputs = {name: kind for name, kind in given.items() if name in needed}
    body = tuple(step for name, step in by_name.items() if name in needed)
    return Program(inputs, body, dict(outputs)).verify()


_CONVERSIONS = {"br": "real", "ir": "real_of_int", "ri": "int_of_real", "bi": "int_of_bool"}
# Equal to their argument, but kept apart from it while a program is differentiated.
_TRANSPARENT = ("detach", "alias")


class Builder:
    """Records instructions; each is simplified, and computed once however often it is asked for."""

    def __init__(self) -> None:
        self.inputs: dict[str, str] = {}
        self.body: list[Instruction] = []
        self._known: dict[tuple[str, tuple[tuple[type, Node], ...]], str] = {}
        self._by_name: dict[str, Instruction] = {}

    def input(self, name: str, kind: str = "r") -> str:
        """Declare an input."""
        self.inputs[name] = kind
        return name

    def kind(self, node: Node) -> str:
        """The kind of a node of this builder."""
        if isinstance(node, str):
            return self.inputs[node] if node in self.inputs else self._by_name[node].kind
        return _kind_of_constant(node)

    def emit(self, operation: str, *arguments: Node) -> Node:
        """The node for `operation(*arguments)`: an existing one, a constant, or a new instruction."""
        operation, arguments = self._converted(operation, arguments)
        simpler = self._simplified(operation, arguments)
        if simpler is not None:
            return simpler
        # bool is a number to Python: True and 1.0 must not share an entry.
        key = (operation, tuple((type(a), a) for a in arguments))
        if key not in self._known or operation in _TRANSPARENT:
            step = Instruction(f"n{len(self.body)}", operation, arguments)
            self.body.append(step)
            self._by_name[step.name] = step
            self._known[key] = step.name
        return self._known[key]

    def as_kind(self, node: Node, kind: str) -> Node:
        """The node converted: to an integer by rounding towards zero, to a truth value by comparing with zero."""
        given = self.kind(node)
        if given == kind:
            return node
        if not isinstance(node, str):
            return float(node) if kind == "r" else int(node) if kind == "i" else bool(node)
        if kind == "b":
            return self.emit("ne", node, 0)
        return self.emit(_CONVERSIONS[given + kind], node)

    def _converted(self, operation: str, arguments: tuple[Node, ...]) -> tuple[str, tuple[Node, ...]]:
        """An operation on integers alone stays one; a real number among them makes it one on real numbers."""
        operation, arguments = self._on_integers(operation, arguments)
        wanted = OPERATIONS[operation].arguments
        return operation, tuple(self.as_kind(node, kind) for node, kind in zip(arguments, wanted, strict=True))

    def _on_integers(self, operation: str, arguments: tuple[Node, ...]) -> tuple[str, tuple[Node, ...]]:
        numbers = arguments[1:] if operation == "where" else arguments
        kinds = [self.kind(node) for node in numbers]
        if operation == "where" and kinds == ["b", "b"]:
            return "bool_where", arguments
        named = any(isinstance(n, str) and kind == "i" for n, kind in zip(numbers, kinds, strict=True))
        if not named or "r" in kinds:
            return operation, arguments
        if operation in ("gt", "ge"):
            return {"gt": "int_lt", "ge": "int_le"}[operation], arguments[::-1]
        if operation == "ne":
            return "not", (self.emit("int_eq", *arguments),)
        return ON_INTEGERS.get(operation, operation), arguments

    def _simplified(self, operation: str, arguments: tuple[Node, ...]) -> Node | None:
        if operation in _TRANSPARENT and isinstance(arguments[0], str):
            return None
        if not any(isinstance(a, str) for a in arguments):
            value = OPERATIONS[operation].evaluate(*arguments).item()
            return self.as_kind(value, OPERATIONS[operation].result)
        rule = _RULES.get(operation)
        return rule(self, *arguments) if rule else None

    def replay(self, body: Iterable[Instruction]) -> dict[str, Node]:
        """Emit instructions again, without those that only matter to differentiation; return where each value went."""
        moved: dict[str, Node] = {name: name for name in self.inputs}
        for step in body:
            arguments = [moved[a] if isinstance(a, str) else a for a in step.arguments]
            moved[step.name] = arguments[0] if step.operation in _TRANSPARENT else self.emit(step.operation, *arguments)
        return moved

    def made_by(self, node: Node, operation: str) -> tuple[Node, ...] | None:
        """The arguments of the instruction behind `node` if it is the given operation."""
        step = self._by_name.get(node) if isinstance(node, str) else None
        return step.arguments if step is not None and step.operation == operation else None


# Simplifications are exact for finite numbers. What they lose is the sign of zero and 0 * inf = NaN.


def _add(b: Builder, x: Node, y: Node) -> Node | None:
    if x == 0.0 or y == 0.0:
        return y if x == 0.0 else x
    negative = b.made_by(y, "neg")
    if negative:
        return b.emit("sub", x, negative[0])
    negative = b.made_by(x, "neg")
    return b.emit("sub", y, negative[0]) if negative else None


def _sub(b: Builder, x: Node, y: Node) -> Node | None:
    if y == 0.0:
        return x
    if x == 0.0:
        return b.emit("neg", y)
    if x == y:
        return 0.0
    negative = b.made_by(y, "neg")
    return b.emit("add", x, negative[0]) if negative else None


def _mul(b: Builder, x: Node, y: Node) -> Node | None:
    for one, other in ((x, y), (y, x)):
        if one == 0.0:
            return 0.0
        if one == 1.0:
            return other
        if one == -1.0:
            return b.emit("neg", other)
        negative = b.made_by(one, "neg")
        if negative and isinstance(other, float):
            return b.emit("mul", negative[0], -other)
    return None


def _div(b: Builder, x: Node, y: Node) -> Node | None:
    if x == 0.0:
        return 0.0
    if y == 1.0:
        return x
    # Dividing by a power of two is multiplying by its inverse, exactly.
    if isinstance(y, float) and math.isfinite(y) and y and abs(math.frexp(y)[0]) == 0.5:
        return b.emit("mul", x, 1.0 / y)
    return None


def _neg(b: Builder, x: Node) -> Node | None:
    inner = b.made_by(x, "neg")
    return inner[0] if inner else None


def _where(b: Builder, condition: Node, x: Node, y: Node) -> Node | None:
    if isinstance(condition, bool):
        return x if condition else y
    inverted = b.made_by(condition, "not")
    if inverted:
        return b.emit("where", inverted[0], y, x)
    return x if x == y else None


def _not(b: Builder, x: Node) -> Node | None:
    inner = b.made_by(x, "not")
    return inner[0] if inner else None


def _truth(b: Builder, x: Node, y: Node) -> Node | None:
    """`real(b) > 0` and `real(b) != 0` are b itself."""
    flag = b.made_by(x, "real")
    return flag[0] if flag and y == 0.0 else None


_SMALL_POWERS = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0)


def _pow(b: Builder, x: Node, y: Node) -> Node | None:
    """Small whole powers are products, which vectorise."""
    if not isinstance(y, float) or y not in _SMALL_POWERS:
        return b.emit("sqrt", x) if y == 0.5 else None
    product: Node = 1.0
    for _ in range(abs(int(y))):
        product = b.emit("mul", product, x)
    return product if y >= 0 else b.emit("div", 1.0, product)


_RULES: dict[str, Callable[..., Node | None]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "where": _where,
    "not": _not,
    "gt": _truth,
    "ne": _truth,
    "pow": _pow,
}
