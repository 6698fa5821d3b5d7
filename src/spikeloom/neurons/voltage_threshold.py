"""A wrapper whose threshold follows the potential."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Param, State
from ._raised_threshold import RaisedThreshold


class VoltageThreshold(RaisedThreshold):
    """Lets the threshold theta follow the potential: tau_theta dtheta/dt = v_th + a max(0, v - v_onset) - theta.

    With a = 0 the wrapped neuron is as it was, an integrator, which fires however slowly its input rises. With a >= 1
    it is a differentiator: the threshold keeps ahead of a slow rise, and only a depolarisation that is fast beside
    tau_theta makes a spike. The potential that the threshold meets in a step is that at its beginning; the decay is
    exact. The state `lift` is theta - v_th.

    Shapes: as the wrapped neuron, which needs a state v and a parameter v_th. Units: ms, and that of v.
    Raises: ParameterError for a neuron without v_th.
    Source: Platkiewicz and Brette 2010, PLoS Comput. Biol. 6:e1000850, for the equation, with a threshold at
    equilibrium that is piecewise linear; Han, De Schutter and Hong 2020, NeurIPS (arXiv:2010.12127), for integrators
    and differentiators, which there are Morris-Lecar neurons.

    >>> import torch, spikeloom as sl
    >>> ramp = torch.linspace(0, 3, 300).view(-1, 1, 1)
    >>> neuron = sl.neurons.VoltageThreshold(sl.LIF(tau_mem=5.0), a=1.2)
    >>> neuron(ramp).sum(), neuron(torch.full((20, 1, 1), 3.0)).sum()
    (tensor(0.), tensor(6.))
    """

    tau_theta = Param(20.0, "ms", "time constant of the threshold", low=0.0)
    a = Param(0.5, "1", "rise of the threshold per depolarisation, in equilibrium", at_least=0.0)
    v_onset = Param(0.0, "that of v", "potential above which the threshold follows")
    lift = State(0.0, "that of v", "threshold above that at rest")

    def rise(self) -> Tensor:
        return self.lift

    def charge(self) -> dict[str, Tensor]:
        decay = torch.exp(-self.dt / self.tau_theta)
        target = self.a * torch.clamp(self.value("v") - self.v_onset, min=0.0)
        return {**super().charge(), "lift": target + decay * (self.lift - target)}
