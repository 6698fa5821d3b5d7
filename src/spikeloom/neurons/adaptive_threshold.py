"""A wrapper that gives any neuron with a threshold an adaptive one."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Param, State
from ._raised_threshold import RaisedThreshold


class AdaptiveThreshold(RaisedThreshold):
    """Raises the threshold of the wrapped neuron with each spike: v_th + beta a, tau_adapt da/dt = -a.

    Spike where the wrapped neuron would with that threshold; then a <- a + 1. A soft reset lowers the potential by the
    raised threshold. The adaptation that a spike meets is that of the same step, already decayed; its decay is exact
    whatever the wrapped neuron's integrator. `AdaptiveThreshold(LIF())` is `AdaptiveLIF()`. With a short tau_adapt
    and a large beta it makes a relative refractory period.

    Shapes: as the wrapped neuron. Units: ms, and that of v_th. Raises: ParameterError for a neuron without v_th.
    Source: Bellec et al. 2020, Nature Communications 11:3625, eqs 8 to 10, with the order of `AdaptiveLIF`.

    >>> import torch, spikeloom as sl
    >>> sl.AdaptiveThreshold(sl.LIF(tau_mem=2.0), beta=0.5)(torch.full((8, 1, 1), 3.0)).flatten()
    tensor([1., 0., 1., 0., 0., 1., 0., 0.])
    """

    tau_adapt = Param(200.0, "ms", "adaptation time constant", low=0.0)
    beta = Param(0.2, "1", "rise of the threshold per unit of adaptation")
    a = State(0.0, "1", "threshold adaptation")

    def rise(self) -> Tensor:
        return self.beta * self.a

    def charge(self) -> dict[str, Tensor]:
        return {**super().charge(), "a": torch.exp(-self.dt / self.tau_adapt) * self.a}

    def reset(self) -> dict[str, Tensor]:
        return {**super().reset(), "a": self.a + 1}
