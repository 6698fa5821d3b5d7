"""The two-compartment pyramidal cell of Pinsky and Rinzel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Input, Param, Preset, State
from ._rates import gating, linoid, steady
from ._upward import UpwardCrossing


def sodium_activation(u: Tensor) -> tuple[Tensor, Tensor]:
    """Rates of m, u mV above the reference potential."""
    return 1.28 * linoid((13.1 - u) / 4), 1.4 * linoid((u - 40.1) / 5)


def sodium_inactivation(u: Tensor) -> tuple[Tensor, Tensor]:
    """Rates of h."""
    return 0.128 * torch.exp((17 - u) / 18), 4 * torch.sigmoid((u - 40) / 5)


def rectifier_activation(u: Tensor) -> tuple[Tensor, Tensor]:
    """Rates of n, of the delayed rectifier."""
    return 0.08 * linoid((35.1 - u) / 5), 0.25 * torch.exp(0.5 - 0.025 * u)


def calcium_activation(u: Tensor) -> tuple[Tensor, Tensor]:
    """Rates of s."""
    return 1.6 * torch.sigmoid(0.072 * (u - 65)), 0.1 * linoid((u - 51.1) / 5)


def fast_activation(u: Tensor) -> tuple[Tensor, Tensor]:
    """Rates of c, of the potassium current that needs calcium and potential, with the erratum of 1995."""
    total = 2 * torch.exp((6.5 - u) / 27)
    low = torch.clamp(u, max=50.0)
    alpha = torch.where(u <= 50, torch.exp((low - 10) / 11 - (low - 6.5) / 27) / 18.975, total)
    return alpha, total - alpha


class PinskyRinzel(UpwardCrossing):
    """c_mem dv/dt = -leak - Na - K_DR + g_c (v_dend - v) / p + i / p; the dendrite has Ca, K_AHP and K_C.

    c_mem dv_dend/dt = -leak - g_ca s^2 (v_dend - e_ca) - (g_ahp q + g_kc c min(ca / 250, 1)) (v_dend - e_k)
    + g_c (v - v_dend) / (1 - p); dca/dt = -0.13 I_Ca - 0.075 ca; the sodium activation m is in equilibrium, and q opens
    with rate min(2e-5 ca, 0.01) and closes with 0.001. Spike where v rises through v_th. At the default coupling a weak
    input makes bursts at 2 Hz, in which a somatic spike sets off a slow dendritic calcium spike; a strong input, or a
    strong coupling, makes regular single spikes.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, uA/cm^2, mS/cm^2, uF/cm^2; ca without unit.
    Source: Pinsky and Rinzel 1994, J. Comput. Neurosci. 1:39, with the erratum 2:275 (1995). The paper counts
    potentials from -60 mV, which is v_rest here. The start, near rest, is that of programs of the model. The
    default integrator is of first order: later spikes of a burst come up to 2 ms off, and where the number of spikes in
    a burst is about to change it may differ; `integrator=RungeKutta4()` at dt = 0.02 ms is accurate.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.PinskyRinzel()(torch.full((40000, 1, 2), 1.0) * torch.tensor([-0.5, 2.5])).sum(0)
    tensor([[ 0., 28.]])
    """

    dt = Param(0.01, "ms", "time step", low=0.0)
    v_th = Param(-20.0, "mV", "potential whose upward crossing is a spike")
    c_mem = Param(3.0, "uF/cm^2", "membrane capacitance", low=0.0)
    g_c = Param(2.1, "mS/cm^2", "coupling of the compartments", at_least=0.0)
    p = Param(0.5, "1", "part of the membrane that is soma", low=0.0, high=1.0)
    g_leak = Param(0.1, "mS/cm^2", "leak conductance", at_least=0.0)
    g_na = Param(30.0, "mS/cm^2", "largest sodium conductance", at_least=0.0)
    g_dr = Param(15.0, "mS/cm^2", "largest conductance of the delayed rectifier", at_least=0.0)
    g_ca = Param(10.0, "mS/cm^2", "largest calcium conductance", at_least=0.0)
    g_ahp = Param(0.8, "mS/cm^2", "largest slow potassium conductance", at_least=0.0)
    g_kc = Param(15.0, "mS/cm^2", "largest fast calcium-dependent potassium conductance", at_least=0.0)
    e_leak = Param(-60.0, "mV", "leak reversal potential")
    e_na = Param(60.0, "mV", "sodium reversal potential")
    e_k = Param(-75.0, "mV", "potassium reversal potential")
    e_ca = Param(80.0, "mV", "calcium reversal potential")
    v_rest = Param(-60.0, "mV", "reference potential, from which the rates count")

    i = Input("uA/cm^2", "current into the soma", span=(0.0, 4.0))
    v = State(-64.6, "mV", "potential of the soma", held=True)
    v_dend = State(-64.5, "mV", "potential of the dendrite")
    h = State(0.999, "1", "sodium inactivation")
    n = State(0.001, "1", "activation of the delayed rectifier")
    s_ca = State(0.009, "1", "calcium activation")
    c = State(0.007, "1", "activation of the fast calcium-dependent potassium current")
    q = State(0.01, "1", "activation of the slow potassium current")
    ca = State(0.2, "1", "calcium level")

    family = "compartmental"
    ordered = (("e_k", "e_na"),)
    shown = (0.75, 1500.0)
    presets: ClassVar[Mapping[str, Preset]] = {
        "bursting": Preset({}, source="Pinsky and Rinzel 1994", drive=0.75, duration=1500.0),
        "regular spiking": Preset(
            {"g_c": 10.5}, source="Pinsky and Rinzel 1994, at five times its coupling", drive=0.75, duration=1500.0
        ),
    }

    def derivative(self) -> dict[str, Tensor]:
        u, u_dend = self.v - self.v_rest, self.v_dend - self.v_rest
        sodium = self.g_na * steady(sodium_activation(u)) ** 2 * self.h * (self.v - self.e_na)
        rectifier = self.g_dr * self.n * (self.v - self.e_k)
        calcium = self.g_ca * self.s_ca**2 * (self.v_dend - self.e_ca)
        slow = self.g_ahp * self.q + self.g_kc * self.c * torch.clamp(self.ca / 250, max=1.0)
        soma = self.i / self.p - self.g_leak * (self.v - self.e_leak) - sodium - rectifier
        dendrite = -self.g_leak * (self.v_dend - self.e_leak) - calcium - slow * (self.v_dend - self.e_k)
        coupling = self.g_c * (self.v_dend - self.v)
        return {
            "v": (soma + coupling / self.p) / self.c_mem,
            "v_dend": (dendrite - coupling / (1 - self.p)) / self.c_mem,
            "h": gating(self.h, sodium_inactivation(u)),
            "n": gating(self.n, rectifier_activation(u)),
            "s_ca": gating(self.s_ca, calcium_activation(u_dend)),
            "c": gating(self.c, fast_activation(u_dend)),
            "q": gating(self.q, (torch.clamp(2e-5 * self.ca, max=0.01), 0.001 * torch.ones_like(self.ca))),
            "ca": -0.13 * calcium - 0.075 * self.ca,
        }
