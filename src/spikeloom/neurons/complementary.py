"""Complementary leaky integrate-and-fire."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Option, State
from ..surrogate import Rectangle, Surrogate
from ._per_step import PerStep


class CLIF(PerStep):
    """Complementary LIF: a second potential m remembers spikes and deepens the reset.

    Per step, after the charge of `PLIF`: m <- m sigmoid(rate v); spike where v >= v_th; then m <- m + 1 and
    v <- v - (v_th - v_reset) - sigmoid(m), or v_reset - sigmoid(m) with `soft_reset=False`. m gives the gradient a path
    through time beside v, so the reset is differentiated by default.

    Shapes: [T, B, *features] to spikes of the same shape. Units: potential and input in units of v_th.
    Source: Huang et al. 2024, "CLIF: complementary leaky integrate-and-fire neuron for spiking neural networks", ICML,
    with the soft reset, the undecayed input and the rectangular surrogate of its code; rate is 1 / tau.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.CLIF()(torch.full((8, 1, 1), 1.0)).flatten()
    tensor([1., 0., 1., 0., 1., 0., 1., 0.])
    """

    shown = (0.7, 50.0)
    decay_input = Option(False, "scale the input by the rate instead of adding it as it is")
    soft_reset = Option(True, "lower v by v_th - v_reset at a spike instead of setting it to v_reset")
    detach_reset = Option(False, "keep the reset out of the gradient")
    surrogate = Option[Surrogate](Rectangle(), "spike function and its slope in the backward pass")
    m = State(0.0, "1", "complementary potential")

    def charge(self) -> dict[str, Tensor]:
        v = super().charge()["v"]
        return {"v": v, "m": self.m * torch.sigmoid(self.rate * v)}

    def reset(self) -> dict[str, Tensor]:
        # m + s, not m + 1: the gradient sees how a spike deepens its own reset.
        deeper = torch.sigmoid(self.m + self.value("s"))
        return {"v": super().reset()["v"] - deeper, "m": self.m + 1}
