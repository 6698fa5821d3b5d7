"""The connection rule: which pairs of neurons have a synapse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...compile import Table, native
from ...errors import ParameterError
from ._kernels import RULE

if TYPE_CHECKING:
    from ..population import View
    from ..projection import Projection


class Listing(NamedTuple):
    """The shape of arrays with one value per synapse, and where in them that of an entity and index stands."""

    shape: tuple[int, ...]
    by_entity: int
    by_index: int


class Rule(ABC):
    """Abstract: a rule says how its kernel draws pairs; the kernel is the rule's only algorithm.

    Raises: ParameterError at construction or when connected, where numbers do not fit.
    """

    # Whether the kernel's range are sources, each of which draws its targets independently of others.
    by_source: ClassVar[bool] = False
    # Whether the kernel leaves out targets that are not asked for.
    clips: ClassVar[bool] = True
    # Whether synapses are stored, or drawn again at each spike.
    stored: ClassVar[bool] = True

    @abstractmethod
    def kernel(self) -> Callable[..., None]:
        """A function of `_kernels.py`."""

    @abstractmethod
    def entries(self, projection: Projection) -> Table:
        """The table that its kernel finds under `own`."""

    def verify(self, projection: Projection) -> None:  # noqa: B027
        """Raise where the rule does not fit the populations."""

    def listing(self, projection: Projection) -> Listing | None:
        """How arrays of weights and delays are laid out, where the rule numbers its synapses."""
        return None

    def weights(self, projection: Projection, weight: Any) -> Any:
        """The weights, where the rule brings some that `weight` scales; `weight` itself otherwise."""
        return weight

    def common(
        self, projection: Projection, sink: int, sink_table: Table, block: tuple[Any, ...], lo: int, hi: int
    ) -> dict[str, Any]:
        """The entries of RULE."""
        sources, targets, entities, indices = block
        return {
            "sources": sources, "targets": targets, "entities": entities, "indices": indices, "room": len(sources),
            "sink": sink, "sink_table": sink_table, "seed": projection.seed, "n_pre": len(projection.pre),
            "n_post": len(projection.post), "first_target": lo, "last_target": hi, "own": self.entries(projection),
        }  # fmt: skip

    def prepared(
        self, projection: Projection, sink: int, sink_table: Table, block: tuple[Any, ...], lo: int, hi: int
    ) -> tuple[int, Table, int, int]:
        """The kernel, its table and its whole range, to draw all pairs with targets lo ... hi - 1, at least."""
        table = Table.of(RULE, **self.common(projection, sink, sink_table, block, lo, hi))
        reach = (0, len(projection.pre)) if self.by_source else (lo, hi)
        return native(self.kernel()), table, *reach


def whole(what: str, value: Any) -> int:
    """A whole number >= 0. Raises: ParameterError."""
    good = isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
    if not good or not 0 <= value < 1 << 62 or value != int(value):
        raise ParameterError(what, expected="a whole number >= 0", got=repr(value))
    return int(value)


def probability(what: str, value: Any) -> float:
    """A number in [0, 1]. Raises: ParameterError."""
    good = isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
    if not good or not 0 <= value <= 1:
        raise ParameterError(what, expected="a number in [0, 1]", got=repr(value))
    return float(value)


def flag(what: str, value: Any) -> None:
    """True or False. Raises: ParameterError."""
    if not isinstance(value, bool | np.bool_):
        raise ParameterError(what, expected="True or False", got=repr(value))


def places(a: View, b: View) -> NDArray[np.int64]:
    """For each neuron of one view its index in another, or the length of that where it has none."""
    found = np.full(len(a), len(b), dtype=np.int64)
    if a.population is b.population:
        place = np.full(a.population.size, len(b), dtype=np.int64)
        place[b.indices] = np.arange(len(b))
        found[:] = place[a.indices]
    return found
