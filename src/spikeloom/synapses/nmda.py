"""NMDA receptors."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Param
from .double_exponential import RiseAndDecay
from .reversal import Reversal


class NMDA(Reversal, RiseAndDecay):
    """NMDA receptor with magnesium block: i = g(t) B(v) (e_rev - v), B(v) = 1 / (1 + mg/3.57 exp(-0.062 v)).

    g rises and decays as in `DoubleExponential`, so one spike of weight w opens w at the peak, of which the block
    leaves B(v): 4 % at -70 mV, 78 % at 0 mV and 1 mM. Spikes add up without saturation.

    Shapes: as the neuron's inputs. Units: mV, ms, nS, mM; the potential must be in mV.
    Source: Jahr and Stevens 1990, J. Neurosci. 10(9):3178-3182 (the block at equilibrium); the double exponential is
    not from there, and its default constants are those usual in network models.

    >>> import torch, spikeloom as sl
    >>> lif = sl.LIF.preset("iaf", dt=1.0, integrator=sl.neurons.ExponentialEuler())
    >>> neuron = sl.synapses.Receptors(lif, nmda=sl.synapses.NMDA())
    >>> with sl.record(neuron, "v") as trace:
    ...     s = neuron(torch.full((5, 1, 1), 4.0))
    >>> trace["v"].flatten()
    tensor([-70.0000, -69.9744, -69.9104, -69.8021, -69.6477])
    """

    tau_rise = Param(2.0, "ms", "rise time constant", low=0.0)
    tau_decay = Param(100.0, "ms", "decay time constant", low=0.0)
    mg = Param(1.0, "mM", "magnesium concentration outside", at_least=0.0)

    def block(self) -> Tensor:
        """What magnesium leaves open."""
        return 1 / (1 + self.mg / 3.57 * torch.exp(-0.062 * self.v))

    def conductance(self) -> Tensor:
        return self.g * self.block()
