"""The squid giant axon of Hodgkin and Huxley."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Input, Param, Preset, State
from ._rates import gating, linoid, settled
from ._upward import UpwardCrossing


def sodium_activation(u: Tensor) -> tuple[Tensor, Tensor]:
    """Rates of m, u mV above rest: eqs 20 and 21."""
    return linoid((25 - u) / 10), 4 * torch.exp(-u / 18)


def sodium_inactivation(u: Tensor) -> tuple[Tensor, Tensor]:
    """Rates of h, u mV above rest: eqs 23 and 24."""
    return 0.07 * torch.exp(-u / 20), torch.sigmoid((u - 30) / 10)


def potassium_activation(u: Tensor) -> tuple[Tensor, Tensor]:
    """Rates of n, u mV above rest: eqs 12 and 13."""
    return 0.1 * linoid((10 - u) / 10), 0.125 * torch.exp(-u / 80)


class HodgkinHuxley(UpwardCrossing):
    """c_mem dv/dt = i - g_na m^3 h (v - e_na) - g_k n^4 (v - e_k) - g_leak (v - e_leak); x' = alpha (1 - x) - beta x.

    Spike where v rises through v_th: v >= v_th now, v < v_th when the step began. The rates of the gates are functions
    of the distance from v_rest, and so the gates start at their steady state in any convention. The default is the
    modern one, inside minus outside with a rest of -65 mV. `HodgkinHuxley.preset("1952")` counts from rest as the paper
    does, but depolarisation upward and inward current positive: the paper's V is -v, its I is -i.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, uA/cm^2, mS/cm^2, uF/cm^2.
    Source: Hodgkin and Huxley 1952, J. Physiol. 117, eqs 12 to 26 and table 3. Potentials that are shifted by -65 mV
    and the crossing that counts as a spike are not from the paper.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.HodgkinHuxley()(torch.full((5000, 1, 3), 1.0) * torch.tensor([2.0, 5.0, 10.0])).sum(0)
    tensor([[0., 1., 4.]])
    """

    dt = Param(0.01, "ms", "time step", low=0.0)
    c_mem = Param(1.0, "uF/cm^2", "membrane capacitance", low=0.0)
    g_na = Param(120.0, "mS/cm^2", "largest sodium conductance", at_least=0.0)
    g_k = Param(36.0, "mS/cm^2", "largest potassium conductance", at_least=0.0)
    g_leak = Param(0.3, "mS/cm^2", "leak conductance", at_least=0.0)
    e_na = Param(50.0, "mV", "sodium reversal potential")
    e_k = Param(-77.0, "mV", "potassium reversal potential")
    e_leak = Param(-54.387, "mV", "leak reversal potential")
    v_rest = Param(-65.0, "mV", "resting potential, from which the rates count")
    phi = Param(1.0, "1", "factor of all rates, 3^((T - 6.3) / 10) at T degrees Celsius", low=0.0)

    i = Input("uA/cm^2", "input current", span=(0.0, 20.0))
    v = State("v_rest", "mV", "membrane potential")
    m = State(settled(sodium_activation, 0.0), "1", "sodium activation")
    h = State(settled(sodium_inactivation, 0.0), "1", "sodium inactivation")
    n = State(settled(potassium_activation, 0.0), "1", "potassium activation")

    ordered = (("e_k", "e_na"),)
    shown = (10.0, 100.0)
    presets: ClassVar[Mapping[str, Preset]] = {
        "1952": Preset(
            {"v_rest": 0.0, "e_na": 115.0, "e_k": -12.0, "e_leak": 10.613, "v_th": 65.0},
            source="Hodgkin and Huxley 1952, table 3, with depolarisation positive",
            drive=10.0,
            duration=100.0,
        ),
    }

    def derivative(self) -> dict[str, Tensor]:
        u = self.v - self.v_rest
        sodium = self.g_na * self.m**3 * self.h * (self.v - self.e_na)
        potassium = self.g_k * self.n**4 * (self.v - self.e_k)
        leak = self.g_leak * (self.v - self.e_leak)
        return {
            "v": (self.i - sodium - potassium - leak) / self.c_mem,
            "m": self.phi * gating(self.m, sodium_activation(u)),
            "h": self.phi * gating(self.h, sodium_inactivation(u)),
            "n": self.phi * gating(self.n, potassium_activation(u)),
        }
