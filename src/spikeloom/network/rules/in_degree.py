"""Rules in which each neuron has a given number of synapses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compile import Table
from ...errors import ParameterError
from ._kernels import DEGREES, distinct_in_degrees, in_degrees
from .rule import Listing, Rule, flag, places, whole

if TYPE_CHECKING:
    from ..population import View
    from ..projection import Projection


@dataclass(frozen=True)
class FixedInDegree(Rule):
    """Each target has the same number of synapses; their sources are drawn independently.

    Without `multapses` no source is drawn twice by a target, without `autapses` none is the target itself. Arrays of
    weights and delays are [targets, degree].

    Raises: ParameterError for a degree that is no whole number >= 0, or exceeds the sources without multapses.
    """

    degree: int
    autapses: bool = True
    multapses: bool = True

    def __post_init__(self) -> None:
        whole("FixedInDegree.degree", self.degree)
        flag("FixedInDegree.autapses", self.autapses)
        flag("FixedInDegree.multapses", self.multapses)

    def kernel(self) -> Callable[..., None]:
        return in_degrees if self.multapses else distinct_in_degrees

    def entries(self, projection: Projection) -> Table:
        degrees = np.full(len(projection.post), self.degree, dtype=np.int64)
        return degree_table(degrees, projection.post, projection.pre, self.autapses)

    def verify(self, projection: Projection) -> None:
        what = f"FixedInDegree.degree of {projection.name}"
        refuse_degree(what, int(self.degree), projection.post, projection.pre, self.autapses, self.multapses)

    def listing(self, projection: Projection) -> Listing:
        return Listing((len(projection.post), int(self.degree)), int(self.degree), 1)


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
