"""The barnacle muscle fibre of Morris and Lecar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Input, Param, Preset, State
from ._upward import UpwardCrossing

_BOOK = "Rinzel and Ermentrout 1998, Analysis of neural excitability and oscillations, table 7.1"
_SNIC = {"g_ca": 4.0, "v3": 12.0, "v4": 17.4, "v_rest": -59.4740, "w_rest": 0.0002704}
_FAST = {
    **{"c_mem": 2.0, "g_ca": 20.0, "g_k": 20.0, "e_ca": 50.0, "e_k": -100.0, "e_leak": -70.0},
    **{"v4": 10.0, "phi": 0.15, "v_rest": -69.4, "w_rest": 0.0},
}
_THREE = "Prescott, De Koninck and Sejnowski 2008, PLoS Comput. Biol. 4(10):e1000198"


class MorrisLecar(UpwardCrossing):
    """c_mem dv/dt = i - g_ca m (v - e_ca) - g_k w (v - e_k) - g_leak (v - e_leak), dw/dt = phi (w_inf - w) / tau_w.

    With m = (1 + tanh((v - v1) / v2)) / 2, w_inf = (1 + tanh((v - v3) / v4)) / 2, tau_w = 1 / cosh((v - v3) / (2 v4)).
    Spike where v rises through v_th. The default, "class II", begins to fire at a rate above zero (Hopf bifurcation);
    "class I" at rate zero (saddle-node on an invariant circle); "homoclinic" too, from a stable rest beside the cycle.
    The presets of Prescott et al., whose fast inward current is one of sodium, differ by v3 alone: class 1 fires at any
    rate, class 2 from a rate above zero, class 3 once at the onset of a current.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, uA/cm^2, mS/cm^2, uF/cm^2.
    Source: Morris and Lecar 1981, Biophys. J. 35:193; parameters of Rinzel and Ermentrout 1998. The crossing that
    counts as a spike is not from the papers.

    >>> import torch, spikeloom as sl
    >>> i = torch.full((20000, 1, 2), 1.0) * torch.tensor([60.0, 100.0])
    >>> sl.neurons.MorrisLecar()(i).sum(0)
    tensor([[ 0., 12.]])
    """

    dt = Param(0.05, "ms", "time step", low=0.0)
    c_mem = Param(20.0, "uF/cm^2", "membrane capacitance", low=0.0)
    g_ca = Param(4.4, "mS/cm^2", "largest calcium conductance", at_least=0.0)
    g_k = Param(8.0, "mS/cm^2", "largest potassium conductance", at_least=0.0)
    g_leak = Param(2.0, "mS/cm^2", "leak conductance", at_least=0.0)
    e_ca = Param(120.0, "mV", "calcium reversal potential")
    e_k = Param(-84.0, "mV", "potassium reversal potential")
    e_leak = Param(-60.0, "mV", "leak reversal potential")
    v1 = Param(-1.2, "mV", "potential of half calcium activation")
    v2 = Param(18.0, "mV", "width of calcium activation", low=0.0)
    v3 = Param(2.0, "mV", "potential of half potassium activation")
    v4 = Param(30.0, "mV", "width of potassium activation", low=0.0)
    phi = Param(0.04, "1/ms", "rate of potassium activation at v3", low=0.0)
    v_rest = Param(-60.8554, "mV", "potential at the start")
    w_rest = Param(0.0149, "1", "potassium activation at the start")

    i = Input("uA/cm^2", "input current", span=(40.0, 140.0))
    v = State("v_rest", "mV", "membrane potential")
    w = State("w_rest", "1", "potassium activation")

    ordered = (("e_k", "e_ca"),)
    shown = (100.0, 500.0)
    presets: ClassVar[Mapping[str, Preset]] = {
        "class I": Preset({**_SNIC, "phi": 1 / 15}, source=_BOOK, drive=45.0, duration=1000.0),
        "class II": Preset({}, source=_BOOK, drive=100.0, duration=500.0),
        "homoclinic": Preset({**_SNIC, "phi": 0.23}, source=_BOOK, drive=40.0, duration=500.0),
        "Prescott class 1": Preset({**_FAST, "v3": 0.0}, source=_THREE, drive=45.0, duration=200.0),
        "Prescott class 2": Preset({**_FAST, "v3": -13.0}, source=_THREE, drive=60.0, duration=200.0),
        "Prescott class 3": Preset({**_FAST, "v3": -21.0}, source=_THREE, drive=70.0, duration=200.0),
    }

    def derivative(self) -> dict[str, Tensor]:
        open_calcium = (1 + torch.tanh((self.v - self.v1) / self.v2)) / 2
        x = (self.v - self.v3) / self.v4
        calcium = self.g_ca * open_calcium * (self.v - self.e_ca)
        potassium = self.g_k * self.w * (self.v - self.e_k)
        leak = self.g_leak * (self.v - self.e_leak)
        return {
            "v": (self.i - calcium - potassium - leak) / self.c_mem,
            "w": self.phi * torch.cosh(x / 2) * ((1 + torch.tanh(x)) / 2 - self.w),
        }
