"""LIF whose potential is scaled by a learnable factor before it meets the threshold."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Option, Param
from ._per_step import PerStep


class KLIF(PerStep):
    """LIF with a learnable factor k between charge and threshold: f = max(k h, 0), h the charged potential of `PLIF`.

    Spike where f >= v_th. The potential then goes on from f: v <- f, and at a spike v <- v_reset or f - (v_th -
    v_reset). With `scale_reset=True` it goes on from f / k: the state v is max(h, 0), and at a spike v <- v_reset or
    v - (v_th - v_reset) / k. With k = 1 and input that is never negative it is `PLIF`.

    Shapes: [T, B, *features] to spikes of the same shape. Units: potential and input in units of v_th.
    Source: Jiang and Zhang 2023, "KLIF: an optimized spiking neuron unit for tuning surrogate gradient slope and
    membrane potential", arXiv 2302.09238; `scale_reset` is from SpikingJelly. Here k > 0 also while it learns.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.KLIF(k=2.0)(torch.full((4, 1, 1), 1.0)).flatten()
    tensor([1., 1., 1., 1.])
    """

    shown = (1.2, 50.0)
    k = Param(1.0, "1", "factor of the potential", low=0.0)
    scale_reset = Option(False, "divide the potential by k again after the threshold was looked at")

    def _gain(self) -> Tensor | float:
        return 1.0 if self.scale_reset else self.k

    def charge(self) -> dict[str, Tensor]:
        return {"v": torch.relu(self._gain() * super().charge()["v"])}

    def threshold(self) -> Tensor:
        return (self.k * self.v if self.scale_reset else self.v) - self.v_th

    def reset(self) -> dict[str, Tensor]:
        if self.scale_reset and self.soft_reset:
            return {"v": self.v - (self.v_th - self.v_reset) / self.k}
        return super().reset()
