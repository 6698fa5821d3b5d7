"""Spikes that move the potential at once."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Shown
from .synapse import Synapse


class Delta(Synapse):
    """Delta synapse: a spike of weight w moves the potential by w, after the step's integration.

    Within `Conductance` it moves it a part of the way to the reversal potential, v <- v + (1 - exp(-w)) (e_rev - v),
    where w is the time integral of the conductance over the capacitance. What arrives in a refractory period is lost.

    Shapes: as the neuron's inputs. Units: weights in units of the potential; within `Conductance` without unit.
    Source: Gerstner et al. 2014, "Neuronal dynamics", section 1.3; in conductance form
    Richardson 2004, Phys. Rev. E 69.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.synapses.Receptors(sl.LIF(tau_mem=10.0), exc=sl.synapses.Delta())
    >>> neuron(torch.full((5, 1, 1), 0.4)).flatten()
    tensor([0., 0., 1., 0., 0.])
    """

    needs_potential = True
    shown = Shown(0.6, 50.0, pulses=True)

    arriving = Input("mV", "weighted spikes of the step", span=(-0.5, 1.0))

    def jump(self) -> Tensor:
        return self.arriving
