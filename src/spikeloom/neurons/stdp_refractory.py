"""A refractory period that turns gradients into spike-timing-dependent plasticity."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Option, Param
from ..surrogate import Surrogate
from ._refractory_period import RefractoryPeriod
from .wrapper import Wrapper


class Depression(Surrogate):
    """Never a spike, and slope -height everywhere: F = -z."""

    height = Param(0.3, "1", "slope below zero, the dampening factor", low=0.0)

    def primitive(self, z: Tensor) -> Tensor:
        return -z

    def __call__(self, x: Tensor) -> Tensor:
        """Zero, with a slope."""
        smooth = self.smooth(x)
        return smooth - smooth.detach()


class STDPRefractory(RefractoryPeriod, Wrapper):
    """Refractory period that enters the gradient: no spike for t_ref, but a slope of -gamma, and then a second reset.

    The potential is not held: it goes on from its reset, and is reset again when the period is over. With a LIF,
    v <- alpha v (1 - s - r) + i with r = 1 in the last step of the period, so that the eligibility of a synapse is
    eps <- alpha (1 - s - r) eps + s_pre, and its trace is h eps with h = -gamma in the period. An input before the
    spike then has a gradient of one sign, an input shortly after it of the other, as in spike-timing-dependent
    plasticity. gamma is the height of `depression`; the wrapped neuron's surrogate is the slope at other times.

    Shapes: as the wrapped neuron. Units: ms. Raises: ParameterError if a number t_ref is not a multiple of a number dt.
    Source: Traub, Butz, Baayen and Otte 2020, ICANN (arXiv:2006.09988). Not settled there: the slope at the spike is
    the ordinary one here.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.STDPRefractory(sl.LIF(tau_mem=2.0), t_ref=2.0)(torch.full((7, 1, 1), 9.0)).flatten()
    tensor([1., 0., 0., 1., 0., 0., 1.])
    """

    depression = Option[Surrogate](Depression(), "slope of the spike function in the refractory period")

    def deliver(self) -> dict[str, Tensor]:
        over = self._resting() & (self.remaining < 1.5 * self.dt)
        states = self.states
        again = {
            name: torch.where(over, value, self.value(name))
            for name, value in Wrapper.reset(self).items()
            if states[name].held
        }
        return {**again, **RefractoryPeriod.deliver(self.bind(again))}

    def charge(self) -> dict[str, Tensor]:
        return Wrapper.charge(self)

    def fire(self) -> Tensor:
        return torch.where(self._resting(), self.depression(self.threshold()), Wrapper.fire(self))
