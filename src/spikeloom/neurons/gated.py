"""Gated LIF: learnable mixtures of two kinds of leak, of input and of reset."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Param
from ._late_reset import LateReset


def _unit(default: float, meaning: str) -> Param:
    """A parameter that learns as the sigmoid of an unbounded number."""
    return Param(default, "1", meaning, at_least=0.0, at_most=1.0)


class GatedLIF(LateReset):
    """Gated LIF, per step: each of leak, input and reset mixes two forms by a gate between 0 and 1.

        d = 1 - alpha (1 - decay)
        v(t) = d v(t-1) - (1 - alpha) leak + (1 - beta (1 - conductance)) i(t)
               - s(t-1) (gamma d v(t-1) + (1 - gamma) v_sub)

    alpha = 1: exponential leak, 0: constant leak. beta = 1: input times conductance, 0: input as it is. gamma = 1: the
    potential that spiked is taken away, 0: v_sub is. Spike where v >= v_th; the reset acts in the next step. All
    parameters may be given per channel, and learn as sigmoids. The published conductance has one value per step: call
    the neuron with `conductance=` a tensor [T] or [T, 1, C].

    Shapes: [T, B, *features] to spikes of the same shape. Units: potential and input without unit.
    Source: Yao, Li, Mo and Cheng 2022, "GLIF: a unified gated leaky integrate-and-fire neuron for spiking neural
    networks", NeurIPS; defaults are the initial values of its code for T = 4, with gates at 1/2 instead of drawn near.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.GatedLIF()(torch.full((6, 1, 1), 0.6)).flatten()
    tensor([0., 1., 0., 1., 0., 1.])
    """

    alpha = _unit(0.5, "gate of the leak: exponential at 1, constant at 0")
    beta = _unit(0.5, "gate of the input: scaled at 1, as it is at 0")
    gamma = _unit(0.5, "gate of the reset: to zero at 1, by subtraction at 0")
    decay = _unit(0.25, "factor of the potential per step, of the exponential leak")
    leak = _unit(0.0625, "fall of the potential per step, of the constant leak")
    conductance = _unit(0.5, "factor of the input")
    v_sub = _unit(0.5, "what the reset by subtraction takes away")
    v_th = _unit(0.5, "spike threshold")
    shown = (0.35, 50.0)
    i = Input("1", "summed synaptic current", span=(-0.5, 1.5))

    def potential(self) -> Tensor:
        kept = (1 - self.alpha * (1 - self.decay)) * self.v
        driven = kept - (1 - self.alpha) * self.leak + (1 - self.beta * (1 - self.conductance)) * self.i
        return driven - self.fired * (self.gamma * kept + (1 - self.gamma) * self.v_sub)

    def threshold(self) -> Tensor:
        return self.v - self.v_th
