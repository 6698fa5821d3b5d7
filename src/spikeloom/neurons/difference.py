"""Integrate-and-fire as a difference equation with a constant leak and a floor."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Param
from ._membrane import Membrane


class DifferenceIF(Membrane):
    """Integrate-and-fire of converted networks, per step: v(t) = max(v(t-1) + leak + i(t), v_floor).

    Spike where v >= v_th; then v <- v_reset, or v is lowered by v_th - v_reset with `soft_reset=True`, but not below
    v_floor. The paper tests for a spike first and for the floor afterwards; since v_floor < v_th this is the same.
    Where the floor holds, no gradient passes. One step is one time unit: dt has no effect.

    Shapes: [T, B, *features] to spikes of the same shape. Units: potential, leak and input in units of v_th.
    Raises: ParameterError unless v_floor < v_th.
    Source: Cao, Chen and Khosla 2015, "Spiking deep convolutional neural networks for energy-efficient object
    recognition", Int. J. Comput. Vis. 113, section 3 (there the floor is the resting potential).

    >>> import torch, spikeloom as sl
    >>> sl.neurons.DifferenceIF(leak=-0.1)(torch.tensor([0.5, 0.5, 0.0, 0.3, 0.9]).view(5, 1, 1)).flatten()
    tensor([0., 0., 0., 0., 1.])
    """

    shown = (0.22, 50.0)
    leak = Param(-0.1, "1", "constant change of the potential per step, usually not positive")
    v_floor = Param(0.0, "1", "lowest potential")

    ordered: ClassVar[tuple[tuple[str, str], ...]] = (("v_reset", "v_th"), ("v_floor", "v_th"))

    def charge(self) -> dict[str, Tensor]:
        return {"v": torch.maximum(self.v + self.leak + self.i, self.v_floor)}

    def reset(self) -> dict[str, Tensor]:
        return {"v": torch.maximum(super().reset()["v"], self.v_floor)}
