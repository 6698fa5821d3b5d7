"""The rule with a given number of synapses in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...compile import Table
from ...errors import ParameterError
from ._degrees import DrawnPartners, degree_table
from .rule import places, whole

if TYPE_CHECKING:
    from ..projection import Projection


@dataclass(frozen=True)
class FixedTotalNumber(DrawnPartners):
    """So many synapses in all; the pair of each is drawn from all pairs.

    Without `multapses` no pair is drawn twice, without `autapses` none is of a neuron and itself. The numbers of
    synapses of targets are drawn first, then for each target its sources.

    Raises: ParameterError for a number that is not whole and >= 0, or exceeds the pairs without multapses.
    """

    number: int

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("FixedTotalNumber.number", self.number)

    def entries(self, projection: Projection) -> Table:
        choices = self._choices(projection)
        draws = np.random.Generator(np.random.Philox(key=projection.seed))
        drawn = _with_replacement if self.multapses else _without_replacement
        degrees = drawn(int(self.number), choices, draws)
        return degree_table(degrees, projection.post, projection.pre, self.autapses)

    def _choices(self, projection: Projection) -> NDArray[np.int64]:
        """By target, the sources that it may have."""
        choices = np.full(len(projection.post), len(projection.pre), dtype=np.int64)
        if not self.autapses:
            choices -= places(projection.post, projection.pre) < len(projection.pre)
        return choices

    def verify(self, projection: Projection) -> None:
        pairs = int(self._choices(projection).sum())
        if self.number and (self.number > pairs if not self.multapses else not pairs):
            do = "give a smaller one" + ("" if self.multapses else ", or multapses=True")
            what = f"FixedTotalNumber.number of {projection.name}"
            raise ParameterError(what, expected=f"at most {pairs}, the pairs to choose from", got=self.number, do=do)


def _with_replacement(number: int, choices: NDArray[np.int64], draws: np.random.Generator) -> NDArray[np.int64]:
    if not number:
        return np.zeros(len(choices), dtype=np.int64)
    return draws.multinomial(number, choices / choices.sum()).astype(np.int64)


def _without_replacement(number: int, choices: NDArray[np.int64], draws: np.random.Generator) -> NDArray[np.int64]:
    """How a random set of pairs is shared out among targets: multivariate hypergeometric.

    Each pair is first taken with the same chance; then pairs are added or taken away at random until the number is
    right. At each of these stages, all sets of one size are equally likely.
    """
    taken = draws.binomial(choices, number / max(1, int(choices.sum()))).astype(np.int64)
    surplus = int(taken.sum()) - number
    # A target is drawn by the pairs that it can give at first, and accepted by what it still has of them.
    left = taken.copy() if surplus > 0 else choices - taken
    at_first, step = left.copy(), -1 if surplus > 0 else 1
    edges, missing = np.cumsum(at_first), abs(surplus)
    while missing:
        for pair in draws.integers(0, edges[-1], size=missing):
            target = int(np.searchsorted(edges, pair, side="right"))
            if draws.random() * at_first[target] < left[target]:
                left[target] -= 1
                taken[target] += step
                missing -= 1
    return taken
