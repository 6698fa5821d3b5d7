"""Profiles: the probability of a synapse as a function of distance."""

from __future__ import annotations

import math
from abc import ABC
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...compile import Table, invoke, native
from ...errors import ParameterError
from ._space_kernels import DECAY, DISC, GAUSSIAN, probabilities
from .rule import probability


@dataclass(frozen=True)
class Profile(ABC):
    """Abstract: falls from p at distance 0.

    Raises: ParameterError for a p outside [0, 1], or a width that is not > 0.
    """

    kind: ClassVar[int]
    p: float
    width: float

    def __post_init__(self) -> None:
        probability(f"{type(self).__name__}.p", self.p)
        good = isinstance(self.width, int | float | np.number) and not isinstance(self.width, bool)
        if not good or not 0 < self.width < math.inf:
            raise ParameterError(f"{type(self).__name__}.width", expected="a length > 0", got=repr(self.width))

    def numbers(self) -> NDArray[np.float64]:
        """For the kernel."""
        return np.array([self.p, self.width], dtype=np.float64)

    def __call__(self, distance: Any) -> NDArray[np.float64]:
        """Probabilities at distances."""
        found = np.array(distance, dtype=np.float64, order="C")
        invoke(native(probabilities), Table(self.kind, self.numbers(), found), 0, found.size)
        return found


class Gaussian(Profile):
    """p exp(-d^2 / (2 width^2)).

    >>> Gaussian(0.5, 2.0)([0.0, 2.0]).round(3)
    array([0.5  , 0.303])
    """

    kind = GAUSSIAN


class Decay(Profile):
    """p exp(-d / width).

    >>> Decay(0.5, 2.0)([0.0, 2.0]).round(3)
    array([0.5  , 0.184])
    """

    kind = DECAY


class Disc(Profile):
    """p up to the distance width, and 0 beyond.

    >>> Disc(0.5, 2.0)([0.0, 2.0, 2.1])
    array([0.5, 0.5, 0. ])
    """

    kind = DISC
