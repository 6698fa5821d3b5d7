"""Integrate-and-fire on the clock of a phase code: a spike is worth half as much in each step of a period."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Input, Option, Param, State
from .neuron import Neuron


class WeightedSpikes(Neuron):
    """Phase-coded neuron: v <- v + i; in step k of a period, s = w = 2^-(1 + k) where v >= v_th w, and v <- v - v_th s.

    The clock is the same for all neurons. What could not be sent in a period is sent in later ones, as the potential
    goes on. A constant input of x v_th / period per step, 0 <= x < 1, has outputs that add up to x per period.

    Shapes: [T, B, *features] to graded spikes of the same shape. Units: potential and input in units of v_th.
    Raises: ParameterError for less than one step, or more than 23.
    Source: Kim, Kim, Huh, Lee and Choi 2018, "Deep neural networks with weighted spikes", Neurocomputing 311.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(3, 1, 1)
    >>> x[0] = 0.625
    >>> sl.neurons.WeightedSpikes(period=3)(x).flatten()
    tensor([0.5000, 0.0000, 0.1250])
    """

    v_th = Param(1.0, "1", "twice the threshold in the first step of a period", low=0.0)
    v_rest = Param(0.0, "1", "potential at the beginning")
    period = Option(8, "steps of a period")
    i = Input("1", "summed synaptic current", span=(-0.2, 0.5))
    v = State("v_rest", "1", "membrane potential")
    k = State(0.0, "1", "step within the period", dtype=torch.int32)

    family = "few spikes"
    graded = True

    def verify(self) -> None:
        super().verify()
        if not 1 <= self.period <= 23:
            do = "float32 has no digits beyond these"
            raise ParameterError("WeightedSpikes.period", expected="1...23 steps", got=self.period, do=do)

    def size(self) -> Tensor:
        """The size of a spike in this step."""
        # Halving is exact, and powers of two are not in every back end.
        size, k = torch.full_like(self.v, 0.5), self.before("k")
        for step in range(1, self.period):
            size = torch.where(k >= step, size * 0.5, size)
        return size

    def charge(self) -> dict[str, Tensor]:
        return {"v": self.v + self.i, "k": torch.where(self.k == self.period - 1, 0, self.k + 1)}

    def threshold(self) -> Tensor:
        return self.v - self.v_th * self.size()

    def fire(self) -> Tensor:
        return self.size() * super().fire()

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.v - self.v_th * self.value("s")}
