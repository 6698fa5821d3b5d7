"""A wrapper that adds noise to the input of any neuron."""

from __future__ import annotations

from ..parameters import Noise, Param
from .neuron import Neuron
from .wrapper import Wrapper


class Noisy(Wrapper):
    """Adds Gaussian noise to the input of the wrapped neuron: i <- i + sigma xi, xi standard normal.

    Each neuron and step has a draw of its own, counter-based: it does not depend on threads or back end.

    The noise is constant over a step, so its time integral has variance sigma^2 dt per millisecond: for the same effect
    at another dt, keep sigma sqrt(dt) where the input is integrated, and sigma / sqrt(dt) where it jumps a variable.
    Below threshold, the potential of LIF has standard deviation r sigma sqrt(dt / (2 tau_mem)) for small dt. A neuron
    with several inputs has it on the first. Draws follow `torch.manual_seed`; a continued stream goes on drawing.

    Shapes: as the wrapped neuron. Units: that of the input.
    Source: Gerstner et al. 2014, "Neuronal dynamics", section 8.1.

    >>> import torch, spikeloom as sl
    >>> _ = torch.manual_seed(1)
    >>> sl.Noisy(sl.LIF(tau_mem=2.0), sigma=1.0)(torch.ones(100, 1, 1)).sum()
    tensor(20.)
    """

    sigma = Param(0.1, "1", "standard deviation of the noise", at_least=0.0)
    xi = Noise("noise on the input")

    @property
    def wrapped(self) -> Neuron:
        """The wrapped neuron, bound to the same values but for its input."""
        bound = super().wrapped
        if "_bound" not in self.__dict__:
            return bound
        name = next(iter(self.neuron.inputs))
        return bound.bind({name: self.value(name) + self.sigma * self.xi})
