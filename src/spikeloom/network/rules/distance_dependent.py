"""The rule in which the probability of a synapse depends on the distance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...compile import Table
from ...errors import DTypeError
from ..distances import Period, space_of
from ._space_kernels import GROUP, NEARBY, nearby
from .profile import Profile
from .rule import Rule, flag, places

if TYPE_CHECKING:
    from ..projection import Projection


@dataclass(frozen=True)
class DistanceDependent(Rule):
    """Each pair has a synapse with the probability that a profile has at their distance, in 1 to 3 dimensions.

    Neurons are at `Population.positions`, [n, dimensions]; where these are not set, on a grid of the population's shape
    in the unit cube. `period` is the size of a periodic space, in all dimensions or in each. Probabilities below 1e-12
    are taken as 0. With `delay=DistanceDelay(base, velocity)` delays grow with the distance, too.

    Raises: DTypeError, ShapeError, ParameterError.
    """

    profile: Profile
    period: Period | None = None
    autapses: bool = True
    by_source = True

    def __post_init__(self) -> None:
        if not isinstance(self.profile, Profile):
            do = "for example Gaussian(0.5, 0.1)"
            raise DTypeError("DistanceDependent.profile", expected="a profile", got=repr(self.profile), do=do)
        flag("DistanceDependent.autapses", self.autapses)

    def kernel(self) -> Callable[..., None]:
        return nearby

    def verify(self, projection: Projection) -> None:
        space_of(projection, self.period)

    def entries(self, projection: Projection) -> Table:
        pre, post, box = space_of(projection, self.period)
        order = _grouped(post)
        groups = -(-len(order) // GROUP)
        corners, spans = np.zeros((groups, 2, 3)), np.zeros((groups, 2), dtype=np.int32)
        for group in range(groups):
            members = order[group * GROUP : (group + 1) * GROUP]
            corners[group] = post[members].min(axis=0), post[members].max(axis=0)
            spans[group] = members.min(), members.max()
        excluded = 0 if self.autapses else places(projection.pre, projection.post)
        return Table.of(
            NEARBY, pre_positions=pre, post_positions=post[order], box=box, kind=self.profile.kind,
            numbers=self.profile.numbers(), excluded=excluded, order=order, groups=groups, corners=corners, spans=spans,
            bounds=np.empty(groups), skips=np.empty(groups, dtype=np.int64), chances=np.empty(GROUP),
        )  # fmt: skip


def _grouped(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """An order in which neighbours stand together: the longest side is halved until a group is left."""
    found = list[NDArray[np.int64]]()
    left = [np.arange(len(points))]
    while left:
        members = left.pop()
        if len(members) <= GROUP:
            found.append(members)
            continue
        axis = int(np.ptp(points[members], axis=0).argmax())
        members = members[np.argsort(points[members, axis], kind="stable")]
        # The first half fills its groups.
        half = -(-len(members) // (2 * GROUP)) * GROUP
        left += [members[half:], members[:half]]
    return np.concatenate([np.zeros(0, dtype=np.int64), *found]).astype(np.int32)
