"""The rule in which each source has a synapse to each target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...compile import Table
from ._kernels import ALL, all_pairs
from .rule import Listing, Rule, flag, places

if TYPE_CHECKING:
    from ..projection import Projection


@dataclass(frozen=True)
class AllToAll(Rule):
    """Each source has a synapse to each target; without `autapses` no neuron to itself.

    Arrays of weights and delays are [sources, targets].
    """

    autapses: bool = True
    by_source = True

    def __post_init__(self) -> None:
        flag("AllToAll.autapses", self.autapses)

    def kernel(self) -> Callable[..., None]:
        return all_pairs

    def entries(self, projection: Projection) -> Table:
        return Table.of(ALL, excluded=0 if self.autapses else places(projection.pre, projection.post))

    def listing(self, projection: Projection) -> Listing:
        return Listing((len(projection.pre), len(projection.post)), len(projection.post), 1)
