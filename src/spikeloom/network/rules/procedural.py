"""Synapses that are not stored, but drawn again whenever a spike arrives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...compile import Table
from ...errors import DTypeError, ParameterError
from .rule import Listing, Rule

if TYPE_CHECKING:
    from ..projection import Projection


@dataclass(frozen=True)
class Procedural(Rule):
    """The synapses of another rule, which take no memory: those of a source are drawn again at each of its spikes.

    They are the same as when they are stored. The rule must be one in which sources draw their targets (`Bernoulli`,
    `FixedOutDegree`, `AllToAll`, `DistanceDependent`, `Convolution`), and all synapses have one delay.

    Raises: DTypeError, ParameterError.
    """

    rule: Rule
    by_source = True
    stored = False

    def __post_init__(self) -> None:
        if not isinstance(self.rule, Rule):
            raise DTypeError("Procedural.rule", expected="a connection rule", got=repr(self.rule))
        if not self.rule.by_source or not self.rule.stored:
            do = "use Bernoulli or FixedOutDegree, for example"
            expected = "a rule in which sources draw their targets"
            raise ParameterError("Procedural.rule", expected=expected, got=repr(self.rule), do=do)

    @property
    def clips(self) -> bool:  # type: ignore[override]
        """As of the rule."""
        return self.rule.clips

    def kernel(self) -> Callable[..., None]:
        return self.rule.kernel()

    def entries(self, projection: Projection) -> Table:
        return self.rule.entries(projection)

    def common(
        self, projection: Projection, sink: int, sink_table: Table, block: tuple[Any, ...], lo: int, hi: int
    ) -> dict[str, Any]:
        """As of the rule."""
        return self.rule.common(projection, sink, sink_table, block, lo, hi)

    def verify(self, projection: Projection) -> None:
        self.rule.verify(projection)
        if len(projection.delay_steps) > 1 or projection.delays.varied:
            what = f"delay of {projection.name}"
            raise ParameterError(what, expected="one number, as synapses are not stored", got=repr(projection.delay))

    def listing(self, projection: Projection) -> Listing | None:
        return self.rule.listing(projection)

    def weights(self, projection: Projection, weight: Any) -> Any:
        return self.rule.weights(projection, weight)
