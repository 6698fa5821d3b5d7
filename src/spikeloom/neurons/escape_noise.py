"""Escape noise: neurons that spike at random, the more likely the nearer to threshold."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Declared, Noise, Option, Param
from ..surrogate import StraightThrough, Surrogate
from .wrapper import Wrapper

# exp of it, 5e8, is a certain spike at any rate and step, and far from overflow in float32.
_HIGHEST = 20.0


class Hazard(Declared):
    """Abstract: spikes per millisecond as a function of the distance to threshold; a subclass states `rate`."""

    rho = Param(1.0, "1/ms", "rate at threshold or its scale", low=0.0)
    width = Param(0.2, "that of v", "distance to threshold over which the rate changes", low=0.0)

    def rate(self, distance: Tensor) -> Tensor:
        """Spikes per millisecond at `distance` above threshold."""
        raise NotImplementedError(f"{type(self).__name__} states no rate(self, distance)")

    def survival(self, distance: Tensor, dt: Tensor) -> Tensor:
        """Probability of no spike in a step of dt ms, in which the rate is constant."""
        return torch.exp(-self.rate(distance) * dt)

    def margin(self, distance: Tensor, xi: Tensor, dt: Tensor) -> Tensor:
        """Not below 0 where the draw xi, uniform in [0, 1), means a spike in a step of dt ms."""
        return xi - self.survival(distance, dt)


class ExponentialHazard(Hazard):
    """rho exp(distance / width); the exponent is cut off at 20.

    Source: Gerstner et al. 2014, "Neuronal dynamics", section 9.1; Jolivet et al. 2006, J. Comput. Neurosci. 21.
    """

    def rate(self, distance: Tensor) -> Tensor:
        return self.rho * torch.exp(torch.clamp(distance / self.width, max=_HIGHEST))


class SigmoidHazard(Hazard):
    """rho / (1 + exp(-distance / width)), rho / 2 at threshold and rho at most."""

    def rate(self, distance: Tensor) -> Tensor:
        return self.rho * torch.sigmoid(distance / self.width)


class LinearHazard(Hazard):
    """rho max(0, distance / width): silent below threshold.

    Source: Gerstner et al. 2014, "Neuronal dynamics", section 9.1.
    """

    def rate(self, distance: Tensor) -> Tensor:
        return self.rho * torch.clamp(distance / self.width, min=0.0)


class EscapeNoise(Wrapper):
    """Makes the wrapped neuron spike at random: in a step of dt with probability 1 - exp(-rho(v - v_th) dt).

    `hazard` is the rate rho as a function of the distance to the wrapped neuron's threshold; spikes beyond the first in
    a step do not occur. Each neuron and step has a draw xi of its own, uniform in [0, 1): spike where xi >= the
    probability of none. The backward pass sees the surrogate's slope at xi - exp(-rho dt); the default slope is 1, so
    that a spike has the derivative of its probability, without bias where what follows is linear in each spike.

    Shapes: as the wrapped neuron. Units: hazards in 1/ms. Draws follow `torch.manual_seed`; a continued stream goes on
    drawing.
    Source: Plesser and Gerstner 2000, Neural Computation 12; Gerstner et al. 2014, "Neuronal dynamics", section 9.1;
    the slope: Bengio, Leonard and Courville 2013, arXiv 1308.3432, section 3.

    >>> import torch, spikeloom as sl
    >>> _ = torch.manual_seed(0)
    >>> neuron = sl.neurons.EscapeNoise(sl.LIF(tau_mem=5.0), hazard=sl.neurons.SigmoidHazard(rho=0.1))
    >>> neuron(torch.full((1000, 1, 1), 1.0)).mean()
    tensor(0.0430)
    """

    hazard = Option[Hazard](ExponentialHazard(), "rate of spikes as a function of the distance to threshold")
    surrogate = Option[Surrogate](StraightThrough(), "slope of a spike by its probability in the backward pass")
    xi = Noise("draw that decides on a spike", uniform=True)

    family = "stochastic"

    def fire(self) -> Tensor:
        def escape(distance: Tensor) -> Tensor:
            return self.surrogate(self.hazard.margin(distance, self.xi, self.value("dt")))

        # In the place of the wrapped neuron's own, so that its refractory period holds.
        return self.wrapped.bind({"surrogate": escape}).fire()
