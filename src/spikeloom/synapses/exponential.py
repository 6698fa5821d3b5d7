"""Currents that jump with each spike and decay."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param, State
from .synapse import Synapse


class Exponential(Synapse):
    """Exponential synapse: tau_syn dg/dt = -g, i = g; each spike of weight w adds w to g.

    One spike gives w exp(-t/tau_syn): peak w at once, area w tau_syn.

    Shapes: as the neuron's inputs. Units: ms; weights and g in units of the neuron's current.
    Source: Gerstner et al. 2014, "Neuronal dynamics", section 3.1.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.synapses.Receptors(sl.LIF(tau_mem=10.0), exc=sl.synapses.Exponential(tau_syn=5.0))
    >>> neuron(torch.ones(8, 1, 1)).flatten()
    tensor([0., 0., 0., 0., 0., 1., 0., 0.])
    """

    tau_syn = Param(5.0, "ms", "synaptic time constant", low=0.0)
    g = State(0.0, "pA", "synaptic current")

    def deliver(self) -> dict[str, Tensor]:
        return {"g": self.g + self.arriving}

    def derivative(self) -> dict[str, Tensor]:
        return {"g": -self.g / self.tau_syn}

    def current(self) -> Tensor:
        return self.g
