"""A neuron whose surrogate slope depends on when it last spiked."""

from __future__ import annotations

import torch
from torch import Tensor

from ..neurons._late_reset import LateReset
from ..parameters import Input, Option, Param, State
from ..surrogate import StraightThrough, Surrogate


class LastSpikeLIF(LateReset):
    """v(t) = leak v(t-1) + i(t) - v_th s(t-1), with the slope ds/dz = alpha exp(-beta k) for z = v / v_th - 1.

    k counts steps since the last spike; one in this step counts, so that there k = 0. A neuron that has not spiked yet
    counts from step -1000, and learns next to nothing. Spike where z >= 0. The slope of `surrogate` is a further
    factor, by default 1.

    Shapes: [T, B, *features] to spikes of the same shape. Units: potential, threshold and input in one unit.
    Source: Rathi, Srinivasan, Panda and Roy 2020, "Enabling deep spiking neural networks with hybrid conversion and
    spike timing dependent backpropagation", ICLR (alpha = 0.3, beta = 0.01), where the spike needs z > 0.

    >>> import torch, spikeloom as sl
    >>> sl.conversion.LastSpikeLIF()(torch.full((4, 1, 1), 0.5)).flatten()
    tensor([0., 1., 0., 1.])
    """

    leak = Param(1.0, "1", "factor of the potential per step", at_least=0.0, at_most=1.0)
    v_th = Param(1.0, "1", "spike threshold", low=0.0)
    alpha = Param(0.3, "1", "slope at a spike", low=0.0)
    beta = Param(0.01, "1", "decay of the slope per step", at_least=0.0)
    surrogate = Option[Surrogate](StraightThrough(), "spike function, and a further factor of the slope")
    i = Input("1", "summed synaptic current")
    since = State(1000.0, "1", "steps since the last spike")

    def potential(self) -> Tensor:
        return self.leak * self.v + self.i - self.v_th * self.fired

    def charge(self) -> dict[str, Tensor]:
        return {**super().charge(), "since": self.since + 1.0}

    def threshold(self) -> Tensor:
        return self.v / self.v_th - 1.0

    def fire(self) -> Tensor:
        s = super().fire()
        since = torch.where(s.detach() > 0, torch.zeros_like(self.since), self.since)
        return s.detach() + self.alpha * torch.exp(-self.beta * since) * (s - s.detach())

    def reset(self) -> dict[str, Tensor]:
        return {**super().reset(), "since": torch.zeros_like(self.since)}
