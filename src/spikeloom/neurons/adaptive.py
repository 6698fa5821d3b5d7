"""Integrate-and-fire with an adaptive threshold."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param, State
from ._membrane import Membrane


class AdaptiveLIF(Membrane):
    """LIF whose threshold rises with each spike: tau_mem dv/dt = v_rest - v + r i, tau_adapt da/dt = -a.

    Spike where v >= v_th + beta a; then a <- a + 1, and v <- v_reset or, with `soft_reset=True`, v is lowered by
    v_th + beta a - v_reset. The adaptation that a spike meets is that of the same step, already decayed.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms, potential and current in units of v_th.
    Source: Bellec et al. 2020, Nature Communications 11:3625, eqs 8 to 10 (there the reset is soft and a decays after
    the spike is added; here the order is that of every neuron: integrate, threshold, reset).

    >>> import torch, spikeloom as sl
    >>> sl.AdaptiveLIF(tau_mem=2.0, beta=0.5)(torch.full((8, 1, 1), 3.0)).flatten()
    tensor([1., 0., 1., 0., 0., 1., 0., 0.])
    """

    tau_mem = Param(20.0, "ms", "membrane time constant", low=0.0)
    tau_adapt = Param(200.0, "ms", "adaptation time constant", low=0.0)
    beta = Param(0.2, "1", "rise of the threshold per unit of adaptation")
    r = Param(1.0, "1", "membrane resistance", low=0.0)
    a = State(0.0, "1", "threshold adaptation")

    def derivative(self) -> dict[str, Tensor]:
        return {"v": (self.v_rest - self.v + self.r * self.i) / self.tau_mem, "a": -self.a / self.tau_adapt}

    def _raised(self) -> Tensor:
        return self.v_th + self.beta * self.a

    def threshold(self) -> Tensor:
        return self.v - self._raised()

    def reset(self) -> dict[str, Tensor]:
        v = self.v - (self._raised() - self.v_reset) if self.soft_reset else self.v_reset
        return {"v": v, "a": self.a + 1}
