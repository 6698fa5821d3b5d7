"""Rules in which each source has a given number of synapses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compile import Table
from ._degrees import DrawnPartners, degree_table, refuse_degree
from .rule import Listing, whole

if TYPE_CHECKING:
    from ..projection import Projection


@dataclass(frozen=True)
class FixedOutDegree(DrawnPartners):
    """Each source has the same number of synapses; their targets are drawn independently.

    Without `multapses` no target is drawn twice by a source, without `autapses` none is the source itself. Arrays of
    weights and delays are [sources, degree].

    Raises: ParameterError for a degree that is no whole number >= 0, or exceeds the targets without multapses.
    """

    degree: int
    by_source = True
    clips = False

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("FixedOutDegree.degree", self.degree)

    def common(
        self, projection: Projection, sink: int, sink_table: Table, block: tuple[Any, ...], lo: int, hi: int
    ) -> dict[str, Any]:
        """As if sources were targets."""
        given = super().common(projection, sink, sink_table, block, lo, hi)
        swapped = {"sources": "targets", "targets": "sources", "n_pre": "n_post", "n_post": "n_pre"}
        return given | {name: given[other] for name, other in swapped.items()}

    def entries(self, projection: Projection) -> Table:
        degrees = np.full(len(projection.pre), self.degree, dtype=np.int64)
        return degree_table(degrees, projection.pre, projection.post, self.autapses)

    def verify(self, projection: Projection) -> None:
        what = f"FixedOutDegree.degree of {projection.name}"
        refuse_degree(what, int(self.degree), projection.pre, projection.post, self.autapses, self.multapses)

    def listing(self, projection: Projection) -> Listing:
        return Listing((len(projection.pre), int(self.degree)), int(self.degree), 1)
