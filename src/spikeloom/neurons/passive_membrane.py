"""The membrane without channels, of passive cables."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Param, State
from .neuron import Neuron


class PassiveMembrane(Neuron):
    """A membrane with a leak alone: c_mem dv/dt = -g_leak (v - e_leak) + i.

    Does not spike; the output is v. Time constant c_mem / g_leak. For cables, see `Cable`; alone it is one compartment.

    Shapes: [T, B, *features] to potentials of the same shape. Units: ms, mV, uA/cm^2, mS/cm^2, uF/cm^2.
    Source: Rall 1959, Experimental Neurology 1, the membrane of his cables; the default values are ours.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.PassiveMembrane(e_leak=0.0)(torch.full((3, 1, 1), 0.1)).flatten()
    tensor([0.0975, 0.1903, 0.2786])
    """

    c_mem = Param(1.0, "uF/cm^2", "membrane capacitance", low=0.0)
    g_leak = Param(0.05, "mS/cm^2", "leak conductance", at_least=0.0)
    e_leak = Param(-65.0, "mV", "leak reversal potential")
    i = Input("uA/cm^2", "input current", span=(0.0, 2.0))
    v = State("e_leak", "mV", "membrane potential", held=True)

    output = "v"
    family = "compartmental"
    shown = (1.0, 100.0)

    def derivative(self) -> dict[str, Tensor]:
        return {"v": (self.i - self.g_leak * (self.v - self.e_leak)) / self.c_mem}
