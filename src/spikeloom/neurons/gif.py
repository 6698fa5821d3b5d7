"""The generalised integrate-and-fire neuron that is fitted to recordings."""

from __future__ import annotations

from typing import Self

from torch import Tensor

from ..parameters import Input, Param, State
from .neuron import Neuron


class GIF(Neuron):
    """Generalised integrate-and-fire: c_mem dv/dt = i - g_leak (v - v_rest) - eta_1 - eta_2.

    Spike where v >= v_th + gamma_1 + gamma_2; then v <- v_reset, two currents set in, eta_k <- eta_k + q_eta_k, and the
    threshold rises twice, gamma_k <- gamma_k + q_gamma_k. Each decays with its own time constant. The published neuron
    spikes at random with rate lambda_0 exp((v - v_th - gamma_1 - gamma_2) / delta_v) and is refractory for 4 ms, which
    is `Refractory(EscapeNoise(GIF(), hazard=ExponentialHazard(rho=0.001, width=1.4)), t_ref=4.0)`; what is stated here
    is its limit of small delta_v.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, pA, nS, pF.
    Source: Mensi et al. 2012, J. Neurophysiol. 107:1756; Pozzorini et al. 2015, PLoS Comput. Biol. 11:e1004275. There
    each kernel is a sum of any number of exponentials, here of two. Defaults: the cell of Mensi et al. that NEST's
    example gif_population uses, with delta_v = 1.4 mV and lambda_0 = 1/s.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.GIF()(torch.full((5000, 1, 1), 200.0)).sum()
    tensor(11.)
    """

    dt = Param(0.1, "ms", "time step", low=0.0)
    c_mem = Param(83.1, "pF", "membrane capacitance", low=0.0)
    g_leak = Param(3.7, "nS", "leak conductance", low=0.0)
    v_rest = Param(-67.0, "mV", "resting potential")
    v_th = Param(-39.6, "mV", "threshold at rest")
    v_reset = Param(-36.7, "mV", "potential after a spike")
    q_eta_1 = Param(56.7, "pA", "rise of the first spike-triggered current")
    q_eta_2 = Param(-6.9, "pA", "rise of the second spike-triggered current")
    tau_eta_1 = Param(57.8, "ms", "time constant of the first spike-triggered current", low=0.0)
    tau_eta_2 = Param(218.2, "ms", "time constant of the second spike-triggered current", low=0.0)
    q_gamma_1 = Param(11.7, "mV", "first rise of the threshold")
    q_gamma_2 = Param(1.8, "mV", "second rise of the threshold")
    tau_gamma_1 = Param(53.8, "ms", "time constant of the first rise of the threshold", low=0.0)
    tau_gamma_2 = Param(640.0, "ms", "time constant of the second rise of the threshold", low=0.0)

    i = Input("pA", "input current", span=(0.0, 1500.0))
    v = State("v_rest", "mV", "membrane potential", held=True)
    eta_1 = State(0.0, "pA", "first spike-triggered current")
    eta_2 = State(0.0, "pA", "second spike-triggered current")
    gamma_1 = State(0.0, "mV", "first rise of the threshold")
    gamma_2 = State(0.0, "mV", "second rise of the threshold")

    family = "linear integrate-and-fire"
    ordered = (("v_rest", "v_th"),)
    shown = (200.0, 1000.0)

    @classmethod
    def example(cls) -> Self:
        """With steps in which something happens within a few."""
        return cls(dt=0.5)

    def derivative(self) -> dict[str, Tensor]:
        current = self.i - self.eta_1 - self.eta_2
        return {
            "v": (current - self.g_leak * (self.v - self.v_rest)) / self.c_mem,
            "eta_1": -self.eta_1 / self.tau_eta_1,
            "eta_2": -self.eta_2 / self.tau_eta_2,
            "gamma_1": -self.gamma_1 / self.tau_gamma_1,
            "gamma_2": -self.gamma_2 / self.tau_gamma_2,
        }

    def threshold(self) -> Tensor:
        return self.v - (self.v_th + self.gamma_1 + self.gamma_2)

    def reset(self) -> dict[str, Tensor]:
        return {
            "v": self.v_reset,
            "eta_1": self.eta_1 + self.q_eta_1,
            "eta_2": self.eta_2 + self.q_eta_2,
            "gamma_1": self.gamma_1 + self.q_gamma_1,
            "gamma_2": self.gamma_2 + self.q_gamma_2,
        }
