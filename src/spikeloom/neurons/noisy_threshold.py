"""A wrapper that draws the threshold anew in every step."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Noise, Param
from .wrapper import Wrapper


class NoisyThreshold(Wrapper):
    """Adds Gaussian noise to the threshold of the wrapped neuron: spike where v >= v_th + sigma xi, xi standard normal.

    Drawn for each neuron and step, so that the probability of a spike in a step is Phi((v - v_th) / sigma), Phi the
    normal distribution function: an escape noise without dt. A finer dt gives more chances to cross, and more spikes.

    Shapes: as the wrapped neuron. Units: that of v. Draws follow `torch.manual_seed`; a continued stream goes on
    drawing.
    Source: Gerstner et al. 2014, "Neuronal dynamics", section 9.1 on noise in the threshold.

    >>> import torch, spikeloom as sl
    >>> _ = torch.manual_seed(0)
    >>> sl.neurons.NoisyThreshold(sl.LIF(tau_mem=2.0), sigma=0.2)(torch.full((1000, 1, 1), 0.9)).mean()
    tensor(0.1430)
    """

    sigma = Param(0.1, "that of v", "standard deviation of the threshold", at_least=0.0)
    xi = Noise("deviation of the threshold")

    family = "stochastic"

    def fire(self) -> Tensor:
        surrogate, shift = self.wrapped.surrogate, self.sigma * self.xi
        # In the place of the wrapped neuron's own, so that its refractory period holds.
        return self.wrapped.bind({"surrogate": lambda distance: surrogate(distance - shift)}).fire()
