"""Integrate-and-fire in two straight pieces."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Option, Param, State
from ._membrane import Membrane
from ._switching import PiecewiseLinear
from .integrators import ExponentialEuler, Integrator


class PiecewiseLinearIF(PiecewiseLinear, Membrane):
    """tau_mem dv/dt = f(v) - a + i, tau_adapt da/dt = beta v - a; f(v) is v above 0 and -slope v below.

    Spike where v >= v_th; then v <- v_reset and a <- a + jump. The default, |v| without adaptation, is the absolute
    integrate-and-fire neuron, which spikes like the quadratic one: a constant i > 0 with the period
    tau_mem (ln(1 - v_reset / i) + ln(1 + v_th / i)). `spike_times` solves it from event to event, without steps.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms, potential and current without unit.
    Source: Coombes, Thul and Wedgwood 2012, Physica D 241:2042. The default values and tau_mem are not from there.

    >>> import torch, spikeloom as sl
    >>> neuron, i = sl.neurons.PiecewiseLinearIF(), torch.full((500,), 0.5)
    >>> neuron.spike_times(i)
    tensor([10.9861, 32.9584], dtype=torch.float64)
    """

    dt = Param(0.1, "ms", "time step", low=0.0)
    v_reset = Param(-1.0, "1", "potential after a spike")
    integrator = Option[Integrator](ExponentialEuler(), "how the derivative becomes the next state")
    tau_mem = Param(10.0, "ms", "membrane time constant", low=0.0)
    slope = Param(1.0, "1", "slope of the lower piece, downward", at_least=0.0)
    tau_adapt = Param(100.0, "ms", "adaptation time constant", low=0.0)
    beta = Param(0.0, "1", "adaptation at constant v, relative to v")
    jump = Param(0.0, "1", "rise of the adaptation at a spike")
    a = State(0.0, "1", "adaptation")

    ordered = (("v_reset", "v_th"), ("v_rest", "v_th"))
    shown = (0.5, 100.0)

    def derivative(self) -> dict[str, Tensor]:
        f = torch.where(self.v > 0, self.v, -self.slope * self.v)
        return {
            "v": (f - self.a + self.i) / self.tau_mem,
            "a": (self.beta * self.v - self.a) / self.tau_adapt,
        }

    def reset(self) -> dict[str, Tensor]:
        return {**super().reset(), "a": self.a + self.jump}

    def borders(self) -> tuple[Tensor, ...]:
        return (torch.zeros(()),)
