"""The membrane that the integrate-and-fire family shares: threshold and reset."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from ..parameters import Input, Option, Param, State
from .neuron import Neuron


class Membrane(Neuron):
    """Abstract: potential v with a threshold and a hard or soft reset; a subclass states how v is charged."""

    v_th = Param(1.0, "1", "spike threshold")
    v_rest = Param(0.0, "1", "resting potential")
    v_reset = Param(0.0, "1", "potential after a spike")
    soft_reset = Option(False, "lower v by v_th - v_reset at a spike instead of setting it to v_reset")

    ordered: ClassVar[tuple[tuple[str, str], ...]] = (("v_reset", "v_th"),)
    family = "linear integrate-and-fire"

    i = Input("1", "summed synaptic current")
    v = State("v_rest", "1", "membrane potential", held=True)

    def threshold(self) -> Tensor:
        return self.v - self.v_th

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.v - (self.v_th - self.v_reset) if self.soft_reset else self.v_reset}
