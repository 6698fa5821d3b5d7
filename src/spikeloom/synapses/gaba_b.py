"""GABA_B receptors."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Input, Param, Shown, State
from .reversal import Reversal


class GABAB(Reversal):
    """GABA_B receptor: dr/dt = k1 T (1 - r) - k2 r, ds/dt = k3 r - k4 s, i = g_max s^4 / (s^4 + k_d) (e_rev - v).

    r is the bound fraction of the receptors, s the G-protein that opens potassium channels, four to a channel: a single
    spike opens next to nothing, a burst out of proportion more. T, the transmitter, is a pulse of `t_max` for `c_dur`
    after a spike; it is over before anything else changes, so r jumps to where the pulse takes it. A spike of weight w
    is a pulse w times as long, so weights are counts of releases; the strength is `g_max`.

    Shapes: as the neuron's inputs. Units: mV, ms, nS, mM; s and k_d in units of their own (micromolar).
    Source: Destexhe, Bal, McCormick and Sejnowski 1996, J. Neurophysiol. 76 (rates, pulse, reversal potential);
    Destexhe, Mainen and Sejnowski 1998, in Koch and Segev, "Methods in neuronal modeling", chapter 1, has the
    same scheme with k1 = 0.09, k2 = 0.0012, k3 = 0.18, k4 = 0.034. That the pulse takes no time is not from there.

    >>> import torch, spikeloom as sl
    >>> lif = sl.LIF.preset("iaf", dt=1.0, integrator=sl.neurons.ExponentialEuler())
    >>> neuron = sl.synapses.Receptors(lif, slow=sl.synapses.GABAB(g_max=1e3))
    >>> with sl.record(neuron, "v") as trace:
    ...     s = neuron((torch.arange(300) < 10).float().view(-1, 1, 1))
    >>> trace["v"].min()
    tensor(-85.0614)
    """

    shown = Shown(6.0, 500.0, pulses=True)

    e_rev = Param(-95.0, "mV", "reversal potential")
    g_max = Param(10.0, "nS", "conductance with all channels open", at_least=0.0)
    k1 = Param(0.52, "1/(ms mM)", "binding rate of the transmitter", at_least=0.0)
    k2 = Param(0.0013, "1/ms", "unbinding rate of the transmitter", at_least=0.0)
    k3 = Param(0.098, "1/ms", "activation rate of the G-protein", at_least=0.0)
    k4 = Param(0.033, "1/ms", "deactivation rate of the G-protein", at_least=0.0)
    k_d = Param(100.0, "1", "s^4 at which half of the channels are open", low=0.0)
    t_max = Param(0.5, "mM", "transmitter in the cleft after a spike", low=0.0)
    c_dur = Param(0.3, "ms", "duration of the pulse of transmitter", low=0.0)

    arriving = Input("1", "spikes of the step", span=(0.0, 1.5))
    r = State(0.0, "1", "bound fraction of the receptors")
    s = State(0.0, "1", "activated G-protein")

    def deliver(self) -> dict[str, Tensor]:
        binding = self.k1 * self.t_max
        rate = binding + self.k2
        return {"r": self.r - torch.expm1(-rate * self.c_dur * self.arriving) * (binding / rate - self.r)}

    def derivative(self) -> dict[str, Tensor]:
        return {"r": -self.k2 * self.r, "s": self.k3 * self.r - self.k4 * self.s}

    def conductance(self) -> Tensor:
        bound = self.s**4
        return self.g_max * bound / (bound + self.k_d)
