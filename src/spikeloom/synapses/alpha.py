"""Currents that follow the alpha function."""

from __future__ import annotations

import math

from torch import Tensor

from ..parameters import Param, State
from .synapse import Synapse


class Alpha(Synapse):
    """Alpha synapse: i(t) = w (t/tau_syn) exp(1 - t/tau_syn) for one spike of weight w.

    As a system: tau_syn dh/dt = -h, tau_syn dg/dt = e h - g, i = g; each spike adds w to h. Peak w at t = tau_syn,
    area e tau_syn w.

    Shapes: as the neuron's inputs. Units: ms; weights and g in units of the neuron's current.
    Source: Rall 1967, J. Neurophysiol. 30; as a system, Rotter and Diesmann 1999, Biol. Cybern. 81.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.synapses.Receptors(sl.LIF(tau_mem=10.0), exc=sl.synapses.Alpha(tau_syn=2.0))
    >>> neuron(torch.ones(8, 1, 1)).flatten()
    tensor([0., 0., 0., 0., 0., 1., 0., 0.])
    """

    tau_syn = Param(2.0, "ms", "synaptic time constant", low=0.0)
    h = State(0.0, "pA", "what is about to open")
    g = State(0.0, "pA", "synaptic current")

    def deliver(self) -> dict[str, Tensor]:
        return {"h": self.h + self.arriving}

    def derivative(self) -> dict[str, Tensor]:
        return {"h": -self.h / self.tau_syn, "g": (math.e * self.h - self.g) / self.tau_syn}

    def current(self) -> Tensor:
        return self.g
