"""LIF with learnable leak and threshold, whose soft reset comes one step after the spike."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Option, Param
from ..surrogate import Surrogate, Triangle
from ._late_reset import LateReset


class LateResetLIF(LateReset):
    """LIF of DIET-SNN, per step: v(t) = leak v(t-1) + i(t) - v_th s(t-1).

    Spike where z = v / v_th - 1 >= 0, and the slope of the surrogate is taken at z, so that its width is in units of
    the threshold. `learn=("leak", "v_th")` trains both. The spikes are those of
    `PLIF(rate=1 - leak, decay_input=False, soft_reset=True, v_reset=v_th (1 - 1 / leak))`.

    Shapes: [T, B, *features] to spikes of the same shape. Units: potential, threshold and input in one unit.
    Source: Rathi and Roy 2020, "DIET-SNN: direct input encoding with leakage and threshold optimization in deep
    spiking neural networks", arXiv 2008.03658, where the spike needs z > 0; the slope is 0.3 max(0, 1 - |z|).

    >>> import torch, spikeloom as sl
    >>> sl.neurons.LateResetLIF(leak=0.5)(torch.full((6, 1, 1), 0.75)).flatten()
    tensor([0., 1., 0., 0., 1., 0.])
    """

    shown = (0.15, 50.0)
    leak = Param(0.9, "1", "factor of the potential per step", at_least=0.0, at_most=1.0)
    v_th = Param(1.0, "1", "spike threshold", low=0.0)
    surrogate = Option[Surrogate](Triangle(), "spike function and its slope in the backward pass")
    i = Input("1", "summed synaptic current", span=(-0.3, 1.2))

    def potential(self) -> Tensor:
        return self.leak * self.v + self.i - self.v_th * self.fired

    def threshold(self) -> Tensor:
        return self.v / self.v_th - 1
