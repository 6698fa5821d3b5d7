"""The rule in which each pair has a synapse with a probability."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...compile import Table
from ._kernels import BERNOULLI, STRETCH, bernoulli
from .rule import Rule, flag, places, probability

if TYPE_CHECKING:
    from ..projection import Projection


@dataclass(frozen=True)
class Bernoulli(Rule):
    """Each pair has a synapse with probability p, independently of others; without `autapses` no neuron and itself.

    Numbers of synapses are binomial; the work is proportional to them, not to the pairs.

    Raises: ParameterError for a p outside [0, 1], or NaN.
    """

    p: float
    autapses: bool = True
    by_source = True

    def __post_init__(self) -> None:
        probability("Bernoulli.p", self.p)
        flag("Bernoulli.autapses", self.autapses)

    def kernel(self) -> Callable[..., None]:
        return bernoulli

    def entries(self, projection: Projection) -> Table:
        # A geometric number is log(u) / log(1 - p), rounded down.
        scale = -0.0 if self.p == 1 else 1 / math.log1p(-self.p) if self.p > 1e-300 else -1e300
        excluded = 0 if self.autapses else places(projection.pre, projection.post)
        # As many as a stretch takes, mostly.
        some = self.p * STRETCH + 1
        chunk = min(64, 8 * math.ceil((some + math.sqrt(some)) / 8))
        skips = np.empty(chunk, dtype=np.int64)
        return Table.of(BERNOULLI, scale=np.array([scale]), excluded=excluded, skips=skips, chunk=chunk)
