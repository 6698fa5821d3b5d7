"""The rule in which neurons are connected in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...compile import Table
from ...errors import ShapeError
from ._kernels import LISTED_PAIRS, listed_pairs
from .rule import Listing, Rule

if TYPE_CHECKING:
    from ..projection import Projection


@dataclass(frozen=True)
class OneToOne(Rule):
    """The first source has a synapse to the first target, the second to the second, and so on.

    Raises: ShapeError for unequal numbers of sources and targets.
    """

    def kernel(self) -> Callable[..., None]:
        return listed_pairs

    def entries(self, projection: Projection) -> Table:
        numbers = np.arange(len(projection.pre), dtype=np.int32)
        return Table.of(LISTED_PAIRS, sources=numbers, targets=numbers, count=len(numbers))

    def verify(self, projection: Projection) -> None:
        n_pre, n_post = len(projection.pre), len(projection.post)
        if n_pre != n_post:
            expected, got = "as many sources as targets", f"{n_pre} and {n_post}"
            raise ShapeError(f"OneToOne of {projection.name}", expected=expected, got=got)

    def listing(self, projection: Projection) -> Listing:
        return Listing((len(projection.pre),), 0, 1)
