"""Electrical synapses."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Param, Shown
from .synapse import Synapse


class GapJunction(Synapse):
    """Gap junction: i = g (u - v), u the potential of the other cell, which is what arrives.

    Between several cells with conductances g_j, g is their sum and u the mean of their potentials with weights g_j / g.
    In a loop (`nn.Recurrent(..., into=...)`) u is that of the step before. The other potential is an input like any
    other: zero means a cell at zero, not none. The current is linear, so `Exact()` stays exact while u is constant.

    Shapes: as the neuron's inputs. Units: nS, mV; in a neuron without units g is in units of 1/r.
    Source: Bennett 1966, Ann. N.Y. Acad. Sci. 137; Connors and Long 2004, Annu. Rev. Neurosci. 27.

    >>> import torch, spikeloom as sl
    >>> cell = sl.synapses.Receptors(sl.LeakyIntegrator(tau_mem=1.0), gap=sl.synapses.GapJunction(g=0.25))
    >>> cell(torch.ones(20, 1, 1))[-1]  # g / (1 + g)
    tensor([[0.2000]])
    """

    needs_potential = True
    shown = Shown(1.5, 50.0)

    g = Param(1.0, "nS", "conductance of the junction", at_least=0.0)
    arriving = Input("mV", "potential of the other cell", span=(-0.5, 3.5))

    def current(self) -> Tensor:
        return self.g * (self.arriving - self.v)
