"""What the rules share in which neurons draw a number of partners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compile import Table
from ...errors import ParameterError
from ._kernels import DEGREES, distinct_in_degrees, in_degrees
from .rule import Rule, flag, places

if TYPE_CHECKING:
    from ..population import View


@dataclass(frozen=True)
class DrawnPartners(Rule):
    """Abstract: each neuron of one view draws so many of another, with or without itself and repetition."""

    _: KW_ONLY
    autapses: bool = True
    multapses: bool = True

    def __post_init__(self) -> None:
        for name in ("autapses", "multapses"):
            flag(f"{type(self).__name__}.{name}", getattr(self, name))

    def kernel(self) -> Callable[..., None]:
        return in_degrees if self.multapses else distinct_in_degrees


def degree_table(degrees: np.ndarray[Any, Any], drawing: View, drawn: View, autapses: bool) -> Table:
    """DEGREES, where neurons of one view draw from those of another."""
    stamps = np.zeros(len(drawn) + 1, dtype=np.int64)
    excluded = 0 if autapses else places(drawing, drawn)
    return Table.of(DEGREES, degrees=degrees, excluded=excluded, stamps=stamps)


def refuse_degree(what: str, degree: int, drawing: View, drawn: View, autapses: bool, multapses: bool) -> None:
    """Raise where a neuron cannot have so many partners."""
    choices = len(drawn)
    if not autapses and (places(drawing, drawn) < len(drawn)).any():
        choices -= 1
    if degree and (degree > choices if not multapses else not choices):
        do = "give a smaller one" + ("" if multapses else ", or multapses=True")
        raise ParameterError(what, expected=f"at most {choices}, the neurons to choose from", got=degree, do=do)
    if degree >= 1 << 31:
        raise ParameterError(what, expected="a number below 2**31", got=degree)
