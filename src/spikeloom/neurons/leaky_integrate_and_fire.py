"""Leaky integrate-and-fire, driven by its input directly or through an exponential synaptic current."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from ..parameters import Option, Param, Preset, State
from ._membrane import Membrane


class LIF(Membrane):
    """Leaky integrate-and-fire: tau_mem dv/dt = v_rest - v + r i.

    Spike where v >= v_th; then v <- v_reset, or v <- v - (v_th - v_reset) with `soft_reset=True`. With
    `decay_input=False` the input does not pass through the membrane filter: it jumps the potential, v <- v + i, after
    the decay of the step. `learn=("tau_mem",)` makes it the parametric LIF. A constant current i fires with period
    tau_mem ln((r i - v_reset) / (r i - v_th)) for v_rest = 0.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms, potential and current in units of v_th.
    Source: Lapicque 1907; Gerstner et al. 2014, "Neuronal dynamics", eqs 1.5 and 1.7; learnable tau_mem: Fang et al.
    2021, ICCV, eq. 6 (there tau = 1 / sigmoid(w); here tau_mem = exp(raw_tau_mem), so it stays positive).

    >>> import torch, spikeloom as sl
    >>> sl.LIF(tau_mem=2.0)(torch.full((5, 1, 1), 1.5)).flatten()
    tensor([0., 0., 1., 0., 0.])
    """

    tau_mem = Param(20.0, "ms", "membrane time constant", low=0.0)
    r = Param(1.0, "1", "membrane resistance", low=0.0)
    decay_input = Option(True, "pass the input through the membrane filter instead of adding it to v")

    # With r = tau_mem / c_mem in mV/pA the equation is in mV, ms and pA.
    presets: ClassVar[Mapping[str, Preset]] = {
        "iaf": Preset(
            {"tau_mem": 10.0, "r": 10.0 / 250.0, "v_rest": -70.0, "v_th": -55.0, "v_reset": -70.0, "dt": 0.1},
            "NEST's iaf_psc_alpha with its default values: 250 pF, and t_ref = 2 ms for Refractory",
            drive=1000.0,
            duration=50.0,
        ),
        "Brunel 2000": Preset(
            {"tau_mem": 20.0, "v_th": 20.0, "v_reset": 10.0, "dt": 0.1},
            "Brunel 2000, J. Comput. Neurosci. 8(3):183-208; current in mV, t_ref = 2 ms for Refractory",
            drive=30.0,
            duration=100.0,
        ),
    }

    @property
    def late_inputs(self) -> frozenset[str]:
        """Without `decay_input`, the input."""
        return frozenset() if self.decay_input else frozenset({"i"})

    def derivative(self) -> dict[str, Tensor]:
        drive = self.r * self.i if self.decay_input else 0.0
        return {"v": (self.v_rest - self.v + drive) / self.tau_mem}

    def charge(self) -> dict[str, Tensor]:
        charged = super().charge()
        return charged if self.decay_input else {"v": charged["v"] + self.i}


class CurrentLIF(Membrane):
    """LIF with an exponential synaptic current: tau_syn di_syn/dt = -i_syn, tau_mem dv/dt = v_rest - v + r i_syn.

    The input of a step jumps the current, i_syn <- i_syn + i, before it is integrated. Spike and reset as in `LIF`. One
    input of size w at t = 0 gives v(t) = w r tau_syn / (tau_mem - tau_syn) (exp(-t/tau_mem) - exp(-t/tau_syn)), and
    w r (t / tau) exp(-t / tau) where both time constants are tau; the default integrator meets both exactly.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms, potential and current in units of v_th.
    Source: Gerstner et al. 2014, "Neuronal dynamics", sections 1.3 and 3.1; Rotter and Diesmann 1999, Biol. Cybern. 81.

    >>> import torch, spikeloom as sl
    >>> sl.CurrentLIF(tau_mem=10.0, tau_syn=5.0)(torch.ones(8, 1, 1)).flatten()
    tensor([0., 0., 0., 0., 0., 1., 0., 0.])
    """

    tau_mem = Param(20.0, "ms", "membrane time constant", low=0.0)
    tau_syn = Param(5.0, "ms", "synaptic time constant", low=0.0)
    r = Param(1.0, "1", "membrane resistance", low=0.0)
    i_syn = State(0.0, "1", "synaptic current")

    def deliver(self) -> dict[str, Tensor]:
        return {"i_syn": self.i_syn + self.i}

    def derivative(self) -> dict[str, Tensor]:
        return {
            "v": (self.v_rest - self.v + self.r * self.i_syn) / self.tau_mem,
            "i_syn": -self.i_syn / self.tau_syn,
        }
