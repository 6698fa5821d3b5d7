"""Rules in which each target has a given number of sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParameterError
from ._kernels import in_degrees
from .rule import Rule

if TYPE_CHECKING:
    from ..projection import Projection


@dataclass(frozen=True)
class FixedInDegree(Rule):
    """Each target has the same number of synapses; their sources are drawn independently, with replacement.

    Raises: ParameterError for a negative number.
    """

    degree: int
    autapses: bool = True

    def __post_init__(self) -> None:
        if self.degree < 0 or self.degree != int(self.degree):
            raise ParameterError("FixedInDegree.degree", expected="a whole number >= 0", got=self.degree)

    def kernel(self) -> Callable[..., None]:
        return in_degrees

    def entries(self, projection: Projection) -> tuple[Any, ...]:
        degrees = np.full(len(projection.post), self.degree, dtype=np.int64)
        return degrees, 0 if self.autapses else projection.self_index()
