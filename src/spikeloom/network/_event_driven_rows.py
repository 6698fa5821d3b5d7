"""The synapses of all units in the order in which spikes meet them: by delay, which is any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError
from ._event_driven_statement import Array
from ._seeds import PROJECTION, subseed
from .distributions import Distribution
from .projection import Projection

# Purposes of the random numbers of delays: of the whole way, or of its two parts.
_DELAY, _AXONAL = 7, 8


@dataclass(frozen=True)
class Row:
    """Synapses, one entry each: source and target by number of unit, weight, delay (ms), input of the target."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: Array
    delay: Array
    receptor: int

    def __post_init__(self) -> None:
        assert len(self.source) == len(self.target) == len(self.weight) == len(self.delay)


def row_of(projection: Projection, delay: Any, axonal: Any, first: dict[int, int]) -> Row:
    """The synapses of a projection."""
    drawn = projection.synapses()
    pre, post = projection.pre, projection.post
    delays = _delays(projection, "delay", delay, len(drawn.pre), _DELAY)
    delays = delays + _delays(projection, "axonal_delay", axonal, len(drawn.pre), _AXONAL)
    source = first[pre.population.number] + pre.indices[drawn.pre]
    target = first[post.population.number] + post.indices[drawn.post]
    receptor = list(post.population.inputs).index(projection.receptor)
    return Row(source, target, drawn.weight.astype(np.float64), delays, receptor)


def _delays(projection: Projection, what: str, given: Any, count: int, purpose: int) -> Array:
    if isinstance(given, Distribution):
        found = given.sample(subseed(projection.seed, PROJECTION, purpose), purpose, count)
    elif np.ndim(given) == 0:
        found = np.full(count, float(given))
    else:
        found = _listed(projection, given)
    return found


def _listed(projection: Projection, given: Any) -> Array:
    """In the order of the synapses: as weights of the same pairs would be."""
    rule = projection.rule
    if rule.weights(projection, 1.0) != 1.0:
        do = "give a number or a distribution"
        raise ParameterError(f"delay of {projection.name}", expected="no array with this rule", got=rule, do=do)
    pre, post, number = projection.pre, projection.post, projection.number
    twin = Projection(number, projection.name, pre, post, rule, given, pre.network.dt, 0.0, projection.receptor)
    return twin.synapses().weight.astype(np.float64)


def merged(rows: list[Row], units: int) -> tuple[NDArray[np.int64], tuple[NDArray[Any], ...]]:
    """Where the synapses of each unit begin; targets, weights, delays, inputs."""
    empty = np.zeros(0)
    source, target = (
        np.concatenate([empty, *(getattr(r, n) for r in rows)]).astype(np.int64) for n in ("source", "target")
    )
    weight, delay = (np.concatenate([empty, *(getattr(r, n) for r in rows)]) for n in ("weight", "delay"))
    receptor = np.repeat(np.array([r.receptor for r in rows], dtype=np.int64), [len(r.source) for r in rows])
    order = np.lexsort((target, delay, source))
    starts = np.searchsorted(source[order], np.arange(units + 1)).astype(np.int64)
    return starts, (target[order], weight[order], delay[order], receptor[order])
