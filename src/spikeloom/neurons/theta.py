"""The theta neuron: quadratic integrate-and-fire on a circle."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..parameters import Input, Option, Param, State
from ..surrogate import ATan, Surrogate
from .integrators import Integrator
from .neuron import Neuron
from .runge_kutta import Midpoint


class ThetaNeuron(Neuron):
    """Theta neuron: tau dtheta/dt = 1 - cos(theta) + (1 + cos(theta)) (eta + i).

    Spike where theta >= pi; then theta <- theta - 2 pi, the same point of the circle. With v = tan(theta / 2) it is the
    quadratic integrate-and-fire tau dv/dt = v^2 + eta + i between -infinity and infinity. A constant drive
    I = eta + i > 0 fires with period pi tau / sqrt(I); below 0 the phase rests at -2 atan(sqrt(-I)), which is where it
    starts. At most one spike per step: the step must be shorter than a turn.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms, the rest without unit.
    Source: Ermentrout and Kopell 1986, SIAM J. Appl. Math. 46; Gerstner et al. 2014, "Neuronal dynamics", section 5.3.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.ThetaNeuron()(torch.full((10_000, 1, 3), 1.0) * torch.tensor([0.04, 0.09, 0.25])).sum(0)
    tensor([[ 64.,  95., 159.]])
    """

    dt = Param(0.1, "ms", "time step", low=0.0)
    tau = Param(1.0, "ms", "time constant", low=0.0)
    eta = Param(0.0, "1", "excitability: drive without input")
    theta_0 = Param(0.0, "1", "phase at the beginning")
    surrogate = Option[Surrogate](ATan(), "spike function and its slope in the backward pass")
    integrator = Option[Integrator](Midpoint(), "how the derivative becomes the next state")
    i = Input("1", "input", span=(0.0, 12.0))
    theta = State("theta_0", "1", "phase", held=True)

    family = "nonlinear integrate-and-fire"
    shown = (0.1, 50.0)

    def derivative(self) -> dict[str, Tensor]:
        turn = torch.cos(self.theta)
        return {"theta": (1 - turn + (1 + turn) * (self.eta + self.i)) / self.tau}

    def threshold(self) -> Tensor:
        return self.theta - math.pi

    def reset(self) -> dict[str, Tensor]:
        return {"theta": self.theta - 2 * math.pi}
