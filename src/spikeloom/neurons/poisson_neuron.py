"""Linear-nonlinear-Poisson neuron."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Noise, Option, Param, State
from ..surrogate import StraightThrough, Surrogate
from .escape_noise import ExponentialHazard, Hazard
from .neuron import Neuron


class LinearNonlinearPoisson(Neuron):
    """Linear-nonlinear-Poisson neuron: tau_mem dv/dt = r i - v, spikes of a Poisson process of rate rho(v - v_th).

    The nonlinearity rho is `hazard`. Nothing is reset: a spike leaves no trace, and given the input spikes are
    independent. At most one spike per step, with probability 1 - exp(-rho dt). Weights in front of it make the spatial
    filter; for a temporal filter of any shape see `GLM` without history.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms, rate in 1/ms, the rest without unit.
    Source: Chichilnisky 2001, Network 12; Dayan and Abbott 2001, "Theoretical neuroscience", section 2.1. The
    exponential filter is one of many.

    >>> import torch, spikeloom as sl
    >>> _ = torch.manual_seed(0)
    >>> neuron = sl.neurons.LinearNonlinearPoisson(tau_mem=10.0)
    >>> neuron(torch.full((1000, 1, 3), 1.0) * torch.tensor([0.2, 0.5, 0.8])).sum(0)
    tensor([[ 22.,  83., 311.]])
    """

    tau_mem = Param(20.0, "ms", "time constant of the linear filter", low=0.0)
    r = Param(1.0, "1", "gain of the linear filter")
    v_th = Param(1.0, "1", "value of v at which the rate is that at threshold")
    hazard = Option[Hazard](ExponentialHazard(), "nonlinearity: rate of spikes as a function of v - v_th")
    surrogate = Option[Surrogate](StraightThrough(), "slope of a spike by its probability in the backward pass")
    i = Input("1", "stimulus", span=(-0.5, 3.5))
    v = State(0.0, "1", "filtered stimulus", held=True)
    xi = Noise("draw that decides on a spike", uniform=True)

    family = "stochastic"
    shown = (0.6, 200.0)

    def derivative(self) -> dict[str, Tensor]:
        return {"v": (self.r * self.i - self.v) / self.tau_mem}

    def threshold(self) -> Tensor:
        return self.v - self.v_th

    def fire(self) -> Tensor:
        return self.surrogate(self.hazard.margin(self.threshold(), self.xi, self.dt))
