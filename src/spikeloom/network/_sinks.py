"""What sinks of connection rules need to know of a projection: their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..compile import Table, invoke, native
from ._draw_kernels import DISTANCE, EXPONENTIAL, LISTED, LOGNORMAL, NORMAL, TABLE, UNIFORM, draw_delays, draw_weights
from ._row_kernels import BLOCK, SINK, select_own
from .distributions import Distribution

if TYPE_CHECKING:
    from .projection import Projection

_KINDS = {"normal": NORMAL, "uniform": UNIFORM, "lognormal": LOGNORMAL, "exponential": EXPONENTIAL}


class Block:
    """Room for pairs, with weights and delays, on their way from a rule to a sink."""

    def __init__(self, real: str) -> None:
        self.real = real
        self.pairs = tuple(np.empty(BLOCK, dtype=np.int32) for _ in range(4))
        self.weights, self.delays = np.empty(BLOCK, dtype=real), np.empty(BLOCK, dtype=np.int32)

    def entries(self) -> dict[str, Any]:
        """Of SINK."""
        names = ("sources", "targets", "entities", "indices")
        return dict(zip(names, self.pairs, strict=True)) | {"weights": self.weights, "delays": self.delays}


def drawn(projection: Projection, sink: int, block: Block, low: int, high: int, **entries: Any) -> Table:
    """Draw all pairs whose target is one of the neurons low ... high - 1 into a sink; returns the sink's table."""
    table, kernel, rule_table, first, last = prepared(projection, sink, block, low, high, **entries)
    invoke(kernel, rule_table, first, last)
    return table


def prepared(
    projection: Projection, sink: int, block: Block, low: int, high: int, **entries: Any
) -> tuple[Table, int, Table, int, int]:
    """Table of the sink; kernel of the rule, its table and its range."""
    lo, hi, exact = _range(projection.post.indices, low, high)
    table = Table.of(
        SINK, **block.entries(), **_mapped("pre", projection.pre.indices), **_mapped("post", projection.post.indices),
        low=low, high=high, exact=int(exact and projection.rule.clips), select=native(select_own),
        **(_weights(projection, block.real) | _delays(projection, block.real)), seed=projection.seed, **entries,
    )  # fmt: skip
    kernel, rule_table, first, last = projection.rule.prepared(projection, sink, table, block.pairs, lo, hi)
    return table, kernel, rule_table, first, last


def _mapped(end: str, indices: NDArray[np.int64]) -> dict[str, Any]:
    """How a view numbers the neurons of its population: by a list, or as first + step * index."""
    if not len(indices):
        return {}
    step = int(indices[1] - indices[0]) if len(indices) > 1 else 1
    if (np.diff(indices) == step).all():
        return {f"{end}_first": int(indices[0]), f"{end}_step": step}
    return {f"{end}_map": np.ascontiguousarray(indices)}


def _range(indices: NDArray[np.int64], low: int, high: int) -> tuple[int, int, bool]:
    """Where in a view the neurons low ... high - 1 of its population stand, and whether only they stand there."""
    if (np.diff(indices) > 0).all():
        lo, hi = np.searchsorted(indices, [low, high])
        return int(lo), int(hi), True
    return 0, len(indices), False


def _weights(projection: Projection, real: str) -> dict[str, Any]:
    weight = projection.weight
    if isinstance(weight, float):
        return {"weight_numbers": np.array([weight])}
    numbers = np.zeros(4)
    entries = {"weigh": native(draw_weights, real), "weight_numbers": numbers}
    if isinstance(weight, Distribution):
        most = float(np.finfo(real).max)
        numbers[:] = [*weight.numbers(), max(weight.low, -most), min(weight.high, most)]
        return entries | {"weight_kind": _KINDS[weight.kind]}
    return entries | _strides(projection) | {"weight_kind": LISTED, "weight_values": weight.astype(real)}


def _strides(projection: Projection) -> dict[str, int]:
    listing = projection.rule.listing(projection)
    assert listing is not None
    return {"entity_stride": listing.by_entity, "index_stride": listing.by_index}


def _delays(projection: Projection, real: str) -> dict[str, Any]:
    delays = projection.delays
    entries: dict[str, Any] = {"first_delay": delays.first}
    if not delays.varied:
        return entries
    entries["delay"] = native(draw_delays, real)
    if delays.listed is not None:
        entries |= {"delay_kind": LISTED, "delay_values": delays.listed.astype(np.int32)}
        return entries | _strides(projection)
    if delays.distance is not None:
        distance = delays.distance
        return entries | distance.entries(projection) | {"delay_kind": DISTANCE}
    thresholds, guide = chance_table(delays.chances)
    return entries | {"delay_kind": TABLE, "delay_values": thresholds, "delay_guide": guide}


def chance_table(chances: NDArray[np.float64]) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """For a word of 32 random bits: the largest of each outcome, and for its upper eight bits where to begin."""
    total = np.cumsum(chances) / chances.sum()
    thresholds = np.clip(np.floor(total * 2.0**32) - 1, 0, 2.0**32 - 1).astype(np.uint32)
    thresholds[-1] = 2**32 - 1
    starts = (np.arange(256, dtype=np.uint64) << np.uint64(24)).astype(np.uint32)
    guide = np.searchsorted(thresholds, starts).astype(np.int32)
    return thresholds, guide
