"""Perfect integrate-and-fire."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param
from ._membrane import Membrane


class IF(Membrane):
    """Perfect integrate-and-fire: c_mem dv/dt = i.

    Spike where v >= v_th; then v <- v_reset, or v <- v - (v_th - v_reset) with `soft_reset=True`. A constant current i
    fires at rate i / (c_mem (v_th - v_reset)).

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms, the rest without unit.
    Source: Lapicque 1907; Gerstner et al. 2014, "Neuronal dynamics", section 1.3, without leak.

    >>> import torch, spikeloom as sl
    >>> sl.IF()(torch.full((4, 1, 1), 0.5)).flatten()
    tensor([0., 1., 0., 1.])
    """

    shown = (0.22, 50.0)

    c_mem = Param(1.0, "1", "membrane capacitance", low=0.0)

    def derivative(self) -> dict[str, Tensor]:
        return {"v": self.i / self.c_mem}
