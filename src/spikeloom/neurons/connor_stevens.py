"""The crab axon of Connor and Stevens, with a transient potassium current."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Input, Param, State
from ._rates import gating, settled
from ._upward import UpwardCrossing
from .hodgkin_huxley import potassium_activation, sodium_activation, sodium_inactivation

_REST = -67.978


def _sodium_activation(v: Tensor) -> tuple[Tensor, Tensor]:
    alpha, beta = sodium_activation(v + 54.7)
    return 3.8 * alpha, 3.8 * beta


def _sodium_inactivation(v: Tensor) -> tuple[Tensor, Tensor]:
    alpha, beta = sodium_inactivation(v + 48)
    return 3.8 * alpha, 3.8 * beta


def _potassium_activation(v: Tensor) -> tuple[Tensor, Tensor]:
    alpha, beta = potassium_activation(v + 55.7)
    return 2 * alpha, 2 * beta


def _transient_activation(v: Tensor) -> tuple[Tensor, Tensor]:
    """As rates a_inf / tau_a and (1 - a_inf) / tau_a."""
    # The cube root is taken before the exponentials, lest a root of zero have an infinite slope.
    root = torch.exp(0.0314 / 3 * (v + 94.22) - torch.log1p(torch.exp(0.0346 * (v + 1.17))) / 3)
    settling = 0.0761 ** (1 / 3) * root
    tau = 0.3632 + 1.158 * torch.sigmoid(-0.0497 * (v + 55.96))
    return settling / tau, (1 - settling) / tau


def _transient_inactivation(v: Tensor) -> tuple[Tensor, Tensor]:
    """As rates b_inf / tau_b and (1 - b_inf) / tau_b."""
    settling = torch.sigmoid(-0.0688 * (v + 53.3)) ** 4
    tau = 1.24 + 2.678 * torch.sigmoid(-0.0624 * (v + 50))
    return settling / tau, (1 - settling) / tau


class ConnorStevens(UpwardCrossing):
    """c_mem dv/dt = i - g_na m^3 h (v - e_na) - g_k n^4 (v - e_k) - g_a a^3 b (v - e_a) - g_leak (v - e_leak).

    Each gate follows x' = alpha (1 - x) - beta x. The rates of m, h and n are those of `HodgkinHuxley`, shifted by
    54.7, 48 and 55.7 mV and 3.8, 3.8 and 2 times as fast. The A current, of which b is open at rest, delays the first
    spike and lets the neuron fire at any rate, however low (class I); with g_a = 0 it would not. Spike where v rises
    through v_th. The gates start where they settle at the default v_rest.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, uA/cm^2, mS/cm^2, uF/cm^2.
    Source: Connor and Stevens 1971, J. Physiol. 213:31; Connor, Walter and McKown 1977, Biophys. J. 18:81; numbers as
    in Dayan and Abbott 2001, "Theoretical neuroscience", section 6.6, where 1 / 18 is rounded to 0.0556. The crossing
    that counts as a spike is not from there.

    >>> import torch, spikeloom as sl
    >>> i = torch.full((10000, 1, 3), 1.0) * torch.tensor([8.0, 10.0, 20.0])
    >>> sl.neurons.ConnorStevens()(i).sum(0)
    tensor([[ 0.,  3., 12.]])
    """

    dt = Param(0.01, "ms", "time step", low=0.0)
    c_mem = Param(1.0, "uF/cm^2", "membrane capacitance", low=0.0)
    g_na = Param(120.0, "mS/cm^2", "largest sodium conductance", at_least=0.0)
    g_k = Param(20.0, "mS/cm^2", "largest potassium conductance", at_least=0.0)
    g_a = Param(47.7, "mS/cm^2", "largest transient potassium conductance", at_least=0.0)
    g_leak = Param(0.3, "mS/cm^2", "leak conductance", at_least=0.0)
    e_na = Param(55.0, "mV", "sodium reversal potential")
    e_k = Param(-72.0, "mV", "potassium reversal potential")
    e_a = Param(-75.0, "mV", "transient potassium reversal potential")
    e_leak = Param(-17.0, "mV", "leak reversal potential")
    v_rest = Param(_REST, "mV", "potential at the start, where the default settles")

    i = Input("uA/cm^2", "input current", span=(0.0, 30.0))
    v = State("v_rest", "mV", "membrane potential")
    m = State(settled(_sodium_activation, _REST), "1", "sodium activation")
    h = State(settled(_sodium_inactivation, _REST), "1", "sodium inactivation")
    n = State(settled(_potassium_activation, _REST), "1", "potassium activation")
    a = State(settled(_transient_activation, _REST), "1", "transient potassium activation")
    b = State(settled(_transient_inactivation, _REST), "1", "transient potassium inactivation")

    ordered = (("e_k", "e_na"),)
    shown = (10.0, 200.0)

    def derivative(self) -> dict[str, Tensor]:
        sodium = self.g_na * self.m**3 * self.h * (self.v - self.e_na)
        potassium = self.g_k * self.n**4 * (self.v - self.e_k)
        transient = self.g_a * self.a**3 * self.b * (self.v - self.e_a)
        leak = self.g_leak * (self.v - self.e_leak)
        return {
            "v": (self.i - sodium - potassium - transient - leak) / self.c_mem,
            "m": gating(self.m, _sodium_activation(self.v)),
            "h": gating(self.h, _sodium_inactivation(self.v)),
            "n": gating(self.n, _potassium_activation(self.v)),
            "a": gating(self.a, _transient_activation(self.v)),
            "b": gating(self.b, _transient_inactivation(self.v)),
        }
