"""The charge per step that the parametric LIF and its relatives share."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Option, Param
from ._membrane import Membrane


class PerStep(Membrane):
    """Abstract: v <- v + rate (v_rest - v + i), the input undecayed by choice; one step is one time unit."""

    rate = Param(0.5, "1", "share of the way to rest gone in a step, 1 / tau", at_least=0.0, at_most=1.0)
    decay_input = Option(True, "scale the input by the rate instead of adding it as it is")

    def charge(self) -> dict[str, Tensor]:
        if self.decay_input:
            return {"v": self.v + self.rate * (self.v_rest - self.v + self.i)}
        return {"v": self.v + self.rate * (self.v_rest - self.v) + self.i}
