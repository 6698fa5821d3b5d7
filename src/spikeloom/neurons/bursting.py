"""Integrate-and-fire whose spikes are worth more the longer a burst lasts."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Input, Param, State
from .neuron import Neuron


class Bursting(Neuron):
    """Burst-coded neuron: v <- v + i; s = g where v >= g v_th, then v <- v - s v_th; g = beta^n after n spikes running.

    A spike is worth g times the first one of its burst, so that a large potential is sent in few steps, and small ones
    in small pieces. v_th times the sum of the output is the sum of the input, but for what is left in v.

    Shapes: [T, B, *features] to graded spikes of the same shape. Units: potential and input in units of v_th.
    Source: Park, Kim, Choe and Yoon 2019, "Fast and efficient information transmission with burst spikes in deep
    spiking neural networks", DAC (arXiv 1809.03142), burst constant beta and burst function g.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(5, 1, 1)
    >>> x[0] = 4.2
    >>> sl.neurons.Bursting()(x).flatten()
    tensor([1., 2., 0., 1., 0.])
    """

    v_th = Param(1.0, "1", "threshold of the first spike of a burst", low=0.0)
    beta = Param(2.0, "1", "burst constant, by which threshold and worth grow with each spike of a burst", at_least=1.0)
    v_rest = Param(0.0, "1", "potential at the beginning")
    i = Input("1", "summed synaptic current", span=(-0.5, 2.0))
    v = State("v_rest", "1", "membrane potential")
    g = State(1.0, "1", "burst function")
    z = State(0.0, "1", "whether there was a spike in the step before")

    family = "few spikes"
    graded = True

    def charge(self) -> dict[str, Tensor]:
        return {"v": self.v + self.i, "g": 1.0 + self.z * (self.beta * self.g - 1.0), "z": torch.zeros_like(self.z)}

    def threshold(self) -> Tensor:
        return self.v - self.g * self.v_th

    def fire(self) -> Tensor:
        return self.g * super().fire()

    def reset(self) -> dict[str, Tensor]:
        s = self.value("s")
        return {"v": self.v - s * self.v_th, "z": s / self.g}
