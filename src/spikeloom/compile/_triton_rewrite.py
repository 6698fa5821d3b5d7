"""From plain Python functions of numbers to Triton functions of blocks, as text.

`_vector_math` and its like state the elementary functions for one number. A Triton function has no
`a if condition else b` on blocks, divides approximately unless told otherwise, and converts with `to`; apart from that
the two languages agree, so the functions are stated once and rewritten here.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

# Where the functions of each precision are stated, besides those of `_triton_language`.
_FILES = {
    "float32": ("_vector_math.py", "_vector_math_angles.py", "_vector_random.py"),
    "float64": ("_vector_math64.py", "_vector_random.py"),
}

# What the functions of numbers write with intrinsics and NumPy's types.
_CONVERSIONS = {
    "f": "({}).to(tl.float32)",
    "d": "({}).to(tl.float64)",
    "i": "({}).to(tl.int32)",
    "q": "({}).to(tl.int64)",
    "signed": "({}).to(tl.int32)",
    "truncated": "({}).to(tl.int32)",
    "truncated64": "({}).to(tl.int32)",
    "rounded": "nearest({})",
    "whole": "trunc({})",
    "bits_of": "({}).to(tl.int32, bitcast=True)",
    "from_bits": "({}).to(tl.float32, bitcast=True)",
    "bits_of64": "({}).to(tl.int64, bitcast=True)",
    "from_bits64": "({}).to(tl.float64, bitcast=True)",
    "abs": "tl.abs({})",
    "math.sqrt": "tl.sqrt({})",
}
_NAMED = ("math.inf", "math.nan", "math.pi", "float('inf')", "float('-inf')", "float('nan')")
# A plain number takes the type of the block it meets, but is a float32 where it meets none.
_NUMBERS = {"f": "{}", "i": "{}", "q": "{}", "d": "tl.full([1], {}, tl.float64)"}


def functions(names: set[str], real: str) -> str:
    """The text of the named functions of a precision and of those they call."""
    known = _stated(real)
    wanted, pending = set[str](), sorted(names)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += [n.id for n in ast.walk(known[name]) if isinstance(n, ast.Name) and n.id in known]
    return "\n\n".join(ast.unparse(known[name]) for name in known if name in wanted)


@cache
def _stated(real: str) -> dict[str, ast.FunctionDef]:
    """All functions by name."""
    found: dict[str, ast.FunctionDef] = {}
    for file in _FILES[real]:
        tree = _read(file)
        rewritten = _ForBlocks(_constants(tree))
        found.update({name: rewritten.visit(node) for name, node in _defined(tree).items()})
    found.update(_defined(_read("_triton_language.py")))
    for node in found.values():
        node.decorator_list = [ast.Name("inlined", ast.Load())]
    return {name: ast.fix_missing_locations(node) for name, node in found.items()}


def _read(file: str) -> ast.Module:
    return ast.parse(Path(__file__).with_name(file).read_text(encoding="utf-8"))


def _defined(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """Functions of numbers: not those that generate LLVM code, whose place is taken by the table above."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name: node for node in found if "intrinsic" not in map(ast.unparse, node.decorator_list)}


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """Numbers that a module gives names."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            (target,) = node.targets
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            found.update({name.id: value for name, value in pairs if isinstance(name, ast.Name) and _is_number(value)})
    return found


class _ForBlocks(ast.NodeTransformer):
    """Rewrites functions of numbers as functions of blocks."""

    def __init__(self, constants: Mapping[str, ast.expr]) -> None:
        self._constants = constants

    def visit(self, node: ast.AST) -> Any:
        """Arithmetic on constants is done now."""
        if isinstance(node, ast.Name) and node.id in self._constants:
            node = self._constants[node.id]
        return _number(node) if isinstance(node, ast.expr) and _is_number(node) else super().visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        for argument in node.args.args:
            argument.annotation = None
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        return _expression("tl.where({}, {}, {})", node.test, node.body, node.orelse)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return _expression("div({}, {})", node.left, node.right) if isinstance(node.op, ast.Div) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name = ast.unparse(node.func)
        node.args = [self.visit(argument) for argument in node.args]
        if name not in _CONVERSIONS:
            return node
        (argument,) = node.args
        if name in _NUMBERS and _is_number(argument):
            return _expression(_NUMBERS[name], argument)
        return _expression(_CONVERSIONS[name], argument)


def _is_number(node: ast.expr) -> bool:
    """Whether it is made of constants alone."""
    if ast.unparse(node) in _NAMED:
        return True
    parts = list(ast.walk(node))
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    texts = [part for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    finite = names <= {"math"} and not texts
    return finite and isinstance(node, ast.Constant | ast.UnaryOp | ast.BinOp | ast.Call)


def _number(node: ast.expr) -> ast.expr:
    value = eval(ast.unparse(node), {"math": math})
    if isinstance(value, float) and not math.isfinite(value):
        return ast.parse(f"float('{value}')", mode="eval").body
    return ast.parse(repr(value), mode="eval").body


def _expression(template: str, *parts: ast.expr) -> ast.expr:
    return ast.parse(template.format(*map(ast.unparse, parts)), mode="eval").body
