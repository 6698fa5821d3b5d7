"""Integrate-and-fire on the clock of a phase code: a spike is worth half as much in each step of a period."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Input, Option, Param, State
from ._nan import nan_of
from .neuron import Neuron


class WeightedSpikes(Neuron):
    """Phase-coded neuron: v <- v + i; in step k of a period, s = w = 2^-(1 + k) where v >= v_th w, and v <- v - v_th s.

    The clock is the same for all neurons. What could not be sent in a period is sent in later ones, as the potential
    goes on; with `carried=False` each begins with v = 0. What arrives in the first step of a period is then rounded
    down to so many binary digits, as by `FewSpikes.relu`.

    Shapes: [T, B, *features] to graded spikes of the same shape. Units: potential and input in units of v_th.
    Raises: ParameterError for a period that is no whole number.
    Source: Kim, Kim, Huh, Lee and Choi 2018, "Deep neural networks with weighted spikes", Neurocomputing 311.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(3, 1, 1)
    >>> x[0] = 0.625
    >>> sl.neurons.WeightedSpikes(period=3)(x).flatten()
    tensor([0.5000, 0.0000, 0.1250])
    """

    v_th = Param(1.0, "1", "twice the threshold in the first step of a period", low=0.0)
    v_rest = Param(0.0, "1", "potential at the beginning")
    period = Param(8.0, "1", "steps of a period", at_least=1.0)
    carried = Option(True, "whether the potential goes on from period to period")
    i = Input("1", "summed synaptic current", span=(-0.2, 0.5))
    v = State("v_rest", "1", "membrane potential")
    k = State(0.0, "1", "step within the period", dtype=torch.int32)
    w = State(0.0, "1", "size of a spike")

    family = "few spikes"
    graded = True

    def verify(self) -> None:
        super().verify()
        period = torch.as_tensor(self.param_values()["period"])
        if bool((period != period.round()).any()):
            got = period.flatten()[0].item() if period.numel() == 1 else "others"
            raise ParameterError("WeightedSpikes.period", expected="whole numbers of steps", got=got)

    def charge(self) -> dict[str, Tensor]:
        first = self.k == 0
        return {
            "v": (self.v if self.carried else torch.where(first, nan_of(self.v), self.v)) + self.i,
            "k": torch.where(self.k >= self.period - 1, 0, self.k + 1),
            # Halving is exact.
            "w": torch.where(first, nan_of(self.w) + 0.5, self.w * 0.5),
        }

    def threshold(self) -> Tensor:
        return self.v - self.v_th * self.w

    def fire(self) -> Tensor:
        return self.w * super().fire()

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.v - self.v_th * self.value("s")}
