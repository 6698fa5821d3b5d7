"""What spikes do to a potential: filters before the weights, and output spikes on a time grid."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..neurons import LeakyIntegrator, Neuron
from ..parameters import Input, Param, State


def exponential(x: Tensor, decay: float) -> Tensor:
    """y[t] = decay y[t - 1] + x[t] along the first axis."""
    if not decay:
        return x
    y: Tensor = LeakyIntegrator(tau_mem=-1.0 / math.log(decay), r=1.0 / (1.0 - decay))(x)
    return y


def double_exponential(x: Tensor, tau_mem: float, tau_syn: float, dt: float) -> Tensor:
    """Both exponentials of a response with a peak of 1, [2, *x.shape]; it is the first less the second."""
    peak = tau_mem * tau_syn / (tau_mem - tau_syn) * math.log(tau_mem / tau_syn)
    v_0 = 1.0 / (math.exp(-peak / tau_mem) - math.exp(-peak / tau_syn))
    return torch.stack([v_0 * exponential(x, math.exp(-dt / tau)) for tau in (tau_mem, tau_syn)])


class OwnSpikes(Neuron):
    """A spike wherever i - sum_(t_s < t) decay^(t - t_s) >= 1, at most one in a step; i is the potential without own
    spikes, in units of the threshold.
    """

    decay = Param(0.9, "1", "share of the response to an own spike that is left after a step", at_least=0.0, high=1.0)
    i = Input("1", "potential without own spikes")
    h = State(0.0, "1", "response to own spikes")

    def charge(self) -> dict[str, Tensor]:
        return {"h": self.decay * self.h}

    def threshold(self) -> Tensor:
        return self.i + self.h - 1.0

    def reset(self) -> dict[str, Tensor]:
        return {"h": self.h - 1.0}


def before_spikes(spikes: Tensor, decay: float) -> Tensor:
    """sum_(t_s < t) decay^(t - t_s) of spike trains, time first."""
    return exponential(spikes, decay) - spikes
