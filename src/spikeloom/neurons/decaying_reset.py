"""The neuron of networks whose memory lies in their synapses."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Option, Param, State
from ..surrogate import Gaussian, Surrogate
from ._nan import nan_of
from .neuron import Neuron


class DecayingReset(Neuron):
    """Potential without memory but for its own spikes: v(t) = i(t) - r(t), r(t+1) = exp(-dt/tau_mem) r(t) + v_th s(t).

    Spike where v >= v_th. Its input is meant to be filtered by the synapses: `sl.synapses.IIRFilter` in front of the
    layer that carries the weights. With exponential kernels this is a spike response model, without a step of delay
    between a spike and its reset.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms, potential and input in units of v_th.
    Source: Fang, Shrestha, Zhao and Qiu 2020, "Exploiting neuron and synapse filter dynamics in spatial temporal
    learning of deep spiking neural network", IJCAI; threshold 1, tau_mem of 4 steps and the surrogate, the density of a
    normal distribution of standard deviation 0.4, are those of its code.

    >>> import torch, spikeloom as sl
    >>> layer = sl.nn.Sequential(
    ...     sl.synapses.IIRFilter.double_exponential(), torch.nn.Linear(3, 2), sl.neurons.DecayingReset()
    ... )
    >>> layer(torch.ones(5, 1, 3)).shape
    torch.Size([5, 1, 2])
    """

    tau_mem = Param(4.0, "ms", "time constant of the reset", low=0.0)
    v_th = Param(1.0, "1", "spike threshold")
    surrogate = Option[Surrogate](
        Gaussian(width=0.4, height=0.99736), "spike function and its slope in the backward pass"
    )
    i = Input("1", "filtered synaptic input", span=(-0.5, 3.0))
    v = State(0.0, "1", "membrane potential", held=True)
    r = State(0.0, "1", "trace of own spikes")

    family = "spike response"

    def derivative(self) -> dict[str, Tensor]:
        return {"r": -self.r / self.tau_mem}

    def charge(self) -> dict[str, Tensor]:
        return {"v": self.i - self.r + nan_of(self.v), **super().charge()}

    def threshold(self) -> Tensor:
        return self.v - self.v_th

    def reset(self) -> dict[str, Tensor]:
        return {"r": self.r + self.v_th}
