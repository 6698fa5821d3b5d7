"""The hippocampal pyramidal cell of Traub and Miles, reduced to the currents of its spike."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Input, Param, State
from ._rates import gating, linoid, settled
from ._upward import UpwardCrossing

_START = 3.0


def _sodium_activation(u: Tensor) -> tuple[Tensor, Tensor]:
    return 1.28 * linoid((13 - u) / 4), 1.4 * linoid((u - 40) / 5)


def _sodium_inactivation(u: Tensor) -> tuple[Tensor, Tensor]:
    return 0.128 * torch.exp((17 - u) / 18), 4 * torch.sigmoid((u - 40) / 5)


def _potassium_activation(u: Tensor) -> tuple[Tensor, Tensor]:
    return 0.16 * linoid((15 - u) / 5), 0.5 * torch.exp((10 - u) / 40)


class TraubMiles(UpwardCrossing):
    """c_mem dv/dt = i - g_na m^3 h (v - e_na) - g_k n^4 (v - e_k) - g_leak (v - e_leak); x' = alpha (1 - x) - beta x.

    The rates are functions of u = v - v_t, with x / (e^x - 1) = L(x):

        m: alpha = 1.28 L((13 - u) / 4),         beta = 1.4 L((u - 40) / 5)
        h: alpha = 0.128 exp((17 - u) / 18),     beta = 4 / (1 + exp((40 - u) / 5))
        n: alpha = 0.16 L((15 - u) / 5),         beta = 0.5 exp((10 - u) / 40)

    Spike where v rises through v_th. It starts at e_leak with its gates settled as far above v_t as the default's are.
    The default is the neuron of the benchmark COBAHH, which in a network is held by conductances and by itself fires
    without input; e_leak = -65 makes one that rests.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, uA/cm^2, mS/cm^2, uF/cm^2.
    Source: Traub and Miles 1991, "Neuronal networks of the hippocampus", as in Brette et al. 2007, J. Comput. Neurosci.
    23:349, benchmark 3; leak and v_th of Brian's example COBAHH, where gates start at 0 and crossings within 3 ms after
    a spike do not count: `Refractory(TraubMiles(), t_ref=3.0)`.

    >>> import torch, spikeloom as sl
    >>> i = torch.full((10000, 1, 3), 1.0) * torch.tensor([0.0, 1.0, 3.0])
    >>> sl.neurons.TraubMiles(e_leak=-65.0)(i).sum(0)
    tensor([[0., 4., 9.]])
    """

    dt = Param(0.01, "ms", "time step", low=0.0)
    v_th = Param(-20.0, "mV", "potential whose upward crossing is a spike")
    c_mem = Param(1.0, "uF/cm^2", "membrane capacitance", low=0.0)
    g_na = Param(100.0, "mS/cm^2", "largest sodium conductance", at_least=0.0)
    g_k = Param(30.0, "mS/cm^2", "largest potassium conductance", at_least=0.0)
    g_leak = Param(0.05, "mS/cm^2", "leak conductance", at_least=0.0)
    e_na = Param(50.0, "mV", "sodium reversal potential")
    e_k = Param(-90.0, "mV", "potassium reversal potential")
    e_leak = Param(-60.0, "mV", "leak reversal potential")
    v_t = Param(-63.0, "mV", "potential from which the rates count; spikes begin about 13 mV above")

    i = Input("uA/cm^2", "input current", span=(-1.0, 5.0))
    v = State("e_leak", "mV", "membrane potential")
    m = State(settled(_sodium_activation, _START), "1", "sodium activation")
    h = State(settled(_sodium_inactivation, _START), "1", "sodium inactivation")
    n = State(settled(_potassium_activation, _START), "1", "potassium activation")

    ordered = (("e_k", "e_na"),)
    shown = (2.0, 100.0)

    def derivative(self) -> dict[str, Tensor]:
        u = self.v - self.v_t
        sodium = self.g_na * self.m**3 * self.h * (self.v - self.e_na)
        potassium = self.g_k * self.n**4 * (self.v - self.e_k)
        leak = self.g_leak * (self.v - self.e_leak)
        return {
            "v": (self.i - sodium - potassium - leak) / self.c_mem,
            "m": gating(self.m, _sodium_activation(u)),
            "h": gating(self.h, _sodium_inactivation(u)),
            "n": gating(self.n, _potassium_activation(u)),
        }
