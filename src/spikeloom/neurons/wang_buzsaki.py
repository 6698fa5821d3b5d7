"""The fast-spiking interneuron of Wang and Buzsaki."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Option, Param, State
from ._rates import gating, settled, steady
from ._upward import UpwardCrossing
from .hodgkin_huxley import potassium_activation, sodium_activation, sodium_inactivation
from .integrators import Integrator
from .runge_kutta import Midpoint

_REST = -64.0176


def _sodium_inactivation(v: Tensor) -> tuple[Tensor, Tensor]:
    return sodium_inactivation(v + 58)


def _potassium_activation(v: Tensor) -> tuple[Tensor, Tensor]:
    return potassium_activation(v + 44)


class WangBuzsaki(UpwardCrossing):
    """c_mem dv/dt = i - g_na m_inf^3 h (v - e_na) - g_k n^4 (v - e_k) - g_leak (v - e_leak).

    h and n follow x' = phi (alpha (1 - x) - beta x), m is always where it settles. The rates of m, h and n are those of
    `HodgkinHuxley`, shifted by 60, 58 and 44 mV. Spike where v rises through v_th. The gates start where they settle at
    the default v_rest. It fires at any rate from zero to some 400 Hz.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, uA/cm^2, mS/cm^2, uF/cm^2.
    Source: Wang and Buzsaki 1996, J. Neurosci. 16:6402, section "Model neuron". The crossing that counts as a spike is
    not from the paper.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.WangBuzsaki()(torch.full((5000, 1, 3), 1.0) * torch.tensor([0.1, 1.0, 4.0])).sum(0)
    tensor([[ 0.,  6., 16.]])
    """

    dt = Param(0.02, "ms", "time step", low=0.0)
    # With m at once where it settles, dv/dt grows with v, and exponential Euler would fire 4 % late at half this dt.
    integrator = Option[Integrator](Midpoint(), "how the derivative becomes the next state")
    c_mem = Param(1.0, "uF/cm^2", "membrane capacitance", low=0.0)
    g_na = Param(35.0, "mS/cm^2", "largest sodium conductance", at_least=0.0)
    g_k = Param(9.0, "mS/cm^2", "largest potassium conductance", at_least=0.0)
    g_leak = Param(0.1, "mS/cm^2", "leak conductance", at_least=0.0)
    e_na = Param(55.0, "mV", "sodium reversal potential")
    e_k = Param(-90.0, "mV", "potassium reversal potential")
    e_leak = Param(-65.0, "mV", "leak reversal potential")
    phi = Param(5.0, "1", "factor of the rates of h and n", low=0.0)
    v_rest = Param(_REST, "mV", "potential at the start, where the default settles")

    i = Input("uA/cm^2", "input current", span=(0.0, 5.0))
    v = State("v_rest", "mV", "membrane potential")
    h = State(settled(_sodium_inactivation, _REST), "1", "sodium inactivation")
    n = State(settled(_potassium_activation, _REST), "1", "potassium activation")

    ordered = (("e_k", "e_na"),)
    shown = (1.0, 100.0)

    def derivative(self) -> dict[str, Tensor]:
        m = steady(sodium_activation(self.v + 60))
        sodium = self.g_na * m**3 * self.h * (self.v - self.e_na)
        potassium = self.g_k * self.n**4 * (self.v - self.e_k)
        leak = self.g_leak * (self.v - self.e_leak)
        return {
            "v": (self.i - sodium - potassium - leak) / self.c_mem,
            "h": self.phi * gating(self.h, _sodium_inactivation(self.v)),
            "n": self.phi * gating(self.n, _potassium_activation(self.v)),
        }
