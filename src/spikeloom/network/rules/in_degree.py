"""Rules in which each neuron has a given number of synapses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...compile import Table
from ._degrees import DrawnPartners, degree_table, refuse_degree
from .rule import Listing, whole

if TYPE_CHECKING:
    from ..projection import Projection


@dataclass(frozen=True)
class FixedInDegree(DrawnPartners):
    """Each target has the same number of synapses; their sources are drawn independently.

    Without `multapses` no source is drawn twice by a target, without `autapses` none is the target itself. Arrays of
    weights and delays are [targets, degree].

    Raises: ParameterError for a degree that is no whole number >= 0, or exceeds the sources without multapses.
    """

    degree: int

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("FixedInDegree.degree", self.degree)

    def entries(self, projection: Projection) -> Table:
        degrees = np.full(len(projection.post), self.degree, dtype=np.int64)
        return degree_table(degrees, projection.post, projection.pre, self.autapses)

    def verify(self, projection: Projection) -> None:
        what = f"FixedInDegree.degree of {projection.name}"
        refuse_degree(what, int(self.degree), projection.post, projection.pre, self.autapses, self.multapses)

    def listing(self, projection: Projection) -> Listing:
        return Listing((len(projection.post), int(self.degree)), int(self.degree), 1)
