"""Currents that rise and decay."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Param, State
from .synapse import Synapse


class RiseAndDecay(Synapse):
    """Abstract: g rises with tau_rise, falls with tau_decay, and one spike of weight w takes it to a peak of w.

    tau_rise dh/dt = -h, tau_decay dg/dt = k h - g, k = rho^(1 / (rho - 1)), rho = tau_rise / tau_decay; each spike
    adds w to h. The peak is at tau_rise tau_decay / (tau_decay - tau_rise) ln(tau_decay / tau_rise), the area is
    k tau_rise w. Where both constants are tau this is the alpha function, with k = e.
    """

    tau_rise = Param(1.0, "ms", "rise time constant", low=0.0)
    tau_decay = Param(5.0, "ms", "decay time constant", low=0.0)
    h = State(0.0, "pA", "what is about to open")
    g = State(0.0, "pA", "synaptic current")

    def deliver(self) -> dict[str, Tensor]:
        return {"h": self.h + self.arriving}

    def derivative(self) -> dict[str, Tensor]:
        k = _peak_factor(self.tau_rise / self.tau_decay)
        return {"h": -self.h / self.tau_rise, "g": (k * self.h - self.g) / self.tau_decay}


class DoubleExponential(RiseAndDecay):
    """Double-exponential synapse: i(t) = w (exp(-t/tau_decay) - exp(-t/tau_rise)) / its peak, for a spike of weight w.

    As a system: tau_rise dh/dt = -h, tau_decay dg/dt = k h - g, i = g, where k makes the peak w; each spike adds w to
    h. The time constants may be equal. Peak and area: see `RiseAndDecay`.

    Shapes: as the neuron's inputs. Units: ms; weights and g in units of the neuron's current.
    Source: Roth and van Rossum 2009, "Modeling synapses", in De Schutter, "Computational modeling methods for
    neuroscientists", chapter 6; that k as a function of the ratio alone is ours.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.synapses.Receptors(sl.LIF(tau_mem=10.0), exc=sl.synapses.DoubleExponential(tau_rise=1.0))
    >>> neuron(torch.ones(8, 1, 1)).flatten()
    tensor([0., 0., 0., 0., 0., 1., 0., 0.])
    """

    def current(self) -> Tensor:
        return self.g


def _peak_factor(rho: Tensor) -> Tensor:
    """rho^(1 / (rho - 1)) = exp(ln(1 + u) / u), u = rho - 1; by its series near u = 0, where the quotient is 0 / 0."""
    u = rho - 1
    small = torch.abs(u) < 1e-2
    safe = torch.where(small, 1.0, u)
    series = 1 - u * (1 / 2 - u * (1 / 3 - u * (1 / 4 - u * (1 / 5 - u * (1 / 6 - u * (1 / 7 - u / 8))))))
    return torch.exp(torch.where(small, series, torch.log1p(safe) / safe))
