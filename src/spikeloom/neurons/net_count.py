"""Integrate-and-fire with spikes of both signs, whose sum is never negative."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Input, Option, Param, State
from .neuron import Neuron


class NetCount(Neuron):
    """Integrate-and-fire that can take spikes back, so that their sum n counts a rectified input.

    v <- v + i; where v >= v_th, s = min(floor(v / v_th), levels); where v < -v_neg, s = max(-levels, -n,
    -floor((-v - v_neg) / v_th) - 1); then v <- v - s v_th and n <- n + s. One level gives ternary spikes. The potential
    begins at v_rest: with v_rest = v_th / 2, v_neg = 0 and enough levels n is the sum of the input in units of v_th,
    rounded, or 0.

    Shapes: [T, B, *features] to graded spikes of the same shape. Units: potential and input in units of v_th.
    Raises: ParameterError for less than one level.
    Source: Yu, Ma, Song, Li, Dang and Tan 2022, "Constructing accurate and efficient deep spiking neural networks with
    double-threshold and augmented schemes", IEEE TNNLS 33, where v_neg = v_th.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.NetCount(levels=3)(torch.tensor([2.5, 0.0, -2.0, -9.0]).view(4, 1, 1)).flatten()
    tensor([ 2.,  0., -2.,  0.])
    """

    v_th = Param(1.0, "1", "spike threshold", low=0.0)
    v_neg = Param(0.0, "1", "depth below 0 at which a spike is taken back", at_least=0.0)
    v_rest = Param(0.0, "1", "potential at the beginning")
    levels = Option(1, "most spikes in a step")
    i = Input("1", "summed synaptic current", span=(-1.0, 2.0))
    v = State("v_rest", "1", "membrane potential")
    n = State(0.0, "1", "sum of the spikes so far")

    family = "graded"
    graded = True
    shown = (0.22, 50.0)

    def verify(self) -> None:
        super().verify()
        if self.levels < 1:
            raise ParameterError("NetCount.levels", expected="at least 1", got=self.levels)

    def charge(self) -> dict[str, Tensor]:
        return {"v": self.v + self.i}

    def threshold(self) -> Tensor:
        return self.v - self.v_th

    def fire(self) -> Tensor:
        more = torch.clamp(torch.floor(self.v / self.v_th), min=1.0, max=float(self.levels))
        below = torch.floor((-self.v - self.v_neg) / self.v_th) + 1.0
        less = torch.minimum(torch.clamp(below, min=1.0, max=float(self.levels)), self.n)
        # Strictly below, so that a potential of 0 takes nothing back.
        back = 1.0 - self.surrogate(self.v + self.v_neg)
        return more * super().fire() - less * back

    def reset(self) -> dict[str, Tensor]:
        s = self.value("s")
        return {"v": self.v - s * self.v_th, "n": self.n + s}
