"""How results draw themselves: `report/` stands above what it draws, so the package's root brings them together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_found: list[Callable[[], Callable[..., Any]]] = []


def drawn_by(find: Callable[[], Callable[..., Any]]) -> None:
    """Set what finds the function that draws; it is called when something is drawn."""
    _found[:] = [find]


def draw(what: Any, **options: Any) -> Any:
    """A figure of something that `sl.plot` has a picture of."""
    (find,) = _found
    return find()(what, **options)
