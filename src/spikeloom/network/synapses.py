"""The synapses of a projection as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compile import native
from ._row_kernels import SINK, list_pairs
from ._sinks import Block, drawn

if TYPE_CHECKING:
    from .projection import Projection


class Synapses(NamedTuple):
    """One entry per synapse: source and target by index in the views that are connected, weight, delay in ms."""

    pre: NDArray[np.int32]
    post: NDArray[np.int32]
    weight: NDArray[Any]
    delay: NDArray[np.float64]


def counted(projection: Projection) -> int:
    """How many synapses there are."""
    return int(_listed(projection, 0, {})[SINK.count])


def synapses_of(projection: Projection) -> Synapses:
    """Drawn again, in the order of the rule."""
    count, real = counted(projection), projection.real
    pre, post = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.int32)
    weights = np.empty(count, dtype=real)
    steps = np.full(count, projection.delays.first, dtype=np.int32)
    if isinstance(projection.weight, float):
        weights[:] = projection.weight
    out = {"out_sources": pre, "out_targets": post, "out_weights": weights, "out_delays": steps}
    _listed(projection, count, out)
    delays = np.asarray((steps - projection.shift) * projection.dt, dtype=np.float64)
    return Synapses(pre, post, weights, delays)


def _listed(projection: Projection, capacity: int, out: dict[str, Any]) -> Any:
    block, size = Block(projection.real), projection.post.population.size
    return drawn(projection, native(list_pairs, projection.real), block, 0, size, capacity=capacity, **out)
