"""The connection rule: which pairs of neurons have a synapse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...compile import Table, invoke, native
from ._kernels import OWN, RULE

if TYPE_CHECKING:
    from ..projection import Projection


class Rule(ABC):
    """Abstract: a rule says how its kernel draws pairs; the kernel is the rule's only algorithm.

    Raises: ParameterError at construction or when connected, where numbers do not fit.
    """

    @abstractmethod
    def kernel(self) -> Callable[..., None]:
        """A function of `_kernels.py`."""

    @abstractmethod
    def entries(self, projection: Projection) -> tuple[Any, ...]:
        """The entries of its table after the common ones: arrays and whole numbers."""

    def verify(self, projection: Projection) -> None:  # noqa: B027
        """Raise where the rule does not fit the populations."""

    def draw(
        self, projection: Projection, sink: int, sink_table: Table, block: tuple[Any, ...], lo: int, hi: int
    ) -> None:
        """Hand all pairs with targets lo ... hi - 1 of the view, at least, to a sink."""
        room = len(block[0])
        sizes = (len(projection.pre), len(projection.post), 0)
        common = (*block, room, sink, sink_table, projection.seed, *sizes)
        assert len(common) == OWN, RULE
        invoke(native(self.kernel()), Table(*common, *self.entries(projection)), lo, hi)
