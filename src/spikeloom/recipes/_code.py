"""Whether a recipe still computes what was measured: a digest of its code without its words."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from typing import Any

from ._recipe import Recipe

# Of a syntax tree: what says nothing, or differs between versions of Python.
_IGNORED = {"annotation", "ctx", "kind", "returns", "type_comment", "type_ignores", "type_params"}
_WORDS = {"__future__", "collections.abc", "spikeloom.recipes", "typing"}


def code_of(recipe: type[Recipe]) -> str:
    """A digest of everything in the recipe's file that computes: functions, constants, settings.

    Title, claim, bars, types and comments may be put better without making what was measured stale; forms are compared
    by their seeds and settings. Empty for a recipe that has no source.
    """
    try:
        tree = ast.parse(inspect.getsource(sys.modules[recipe.__module__]))
    except (OSError, TypeError, KeyError):
        return ""
    return hashlib.sha256(repr(_plain(tree)).encode()).hexdigest()[:16]


def _plain(node: Any) -> Any:
    """A syntax tree as nested tuples, without docstrings and declarations."""
    if isinstance(node, list):
        return [_plain(each) for each in node if not _is_words(each)]
    if not isinstance(node, ast.AST):
        return node
    fields = ((name, _plain(value)) for name, value in ast.iter_fields(node) if name not in _IGNORED)
    return (type(node).__name__, *((name, value) for name, value in fields if value not in (None, [])))


def _is_words(node: Any) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in _WORDS
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    if not isinstance(node, ast.Assign):
        return False
    names = {each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return names <= set(Recipe.__annotations__)
