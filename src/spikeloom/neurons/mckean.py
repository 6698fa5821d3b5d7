"""FitzHugh and Nagumo's neuron in three straight pieces, by McKean."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Input, Option, Param, State
from ..surrogate import ATan, Surrogate
from ._switching import PiecewiseLinear
from ._upward import UpwardCrossing


class McKean(PiecewiseLinear, UpwardCrossing):
    """dv/dt = f(v) - w + i, dw/dt = epsilon (v - gamma w); f(v) is -v, v - a or 1 - v, parted at a / 2 and (1 + a) / 2.

    Spike where v rises through v_th. `spike_times` solves it from event to event, without steps. Without input it rests
    at 0; a constant i with a fixed point on the rising piece makes a limit cycle.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms is the model's, which has no unit; the rest
    has none either.
    Source: McKean 1970, Advances in Mathematics 4:209; Tonnelier 2007, "McKean model", Scholarpedia 2(4):2795. The
    default parameters and the crossing that counts as a spike are not from there.

    >>> import torch, spikeloom as sl
    >>> neuron, i = sl.neurons.McKean(), torch.full((1000,), 0.5)
    >>> neuron(i.view(-1, 1, 1)).sum(), neuron.spike_times(i)
    (tensor(2.), tensor([ 0.9931, 38.8148], dtype=torch.float64))
    """

    dt = Param(0.05, "ms", "time step", low=0.0)
    v_th = Param(0.5, "1", "potential whose upward crossing is a spike")
    surrogate = Option[Surrogate](ATan(), "spike function and its slope in the backward pass")
    a = Param(0.25, "1", "where the rising piece is zero", low=0.0, high=1.0)
    gamma = Param(0.5, "1", "decay of the recovery, relative to its gain", at_least=0.0)
    epsilon = Param(0.1, "1/ms", "rate of the recovery", low=0.0)

    i = Input("1", "input current", span=(0.0, 1.0))
    v = State(0.0, "1", "membrane potential")
    w = State(0.0, "1", "recovery")

    shown = (0.5, 100.0)

    def derivative(self) -> dict[str, Tensor]:
        f = torch.maximum(-self.v, torch.minimum(self.v - self.a, 1 - self.v))
        return {"v": f - self.w + self.i, "w": self.epsilon * (self.v - self.gamma * self.w)}

    def borders(self) -> tuple[Tensor, ...]:
        return self.a / 2, (1 + self.a) / 2
