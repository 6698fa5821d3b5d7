"""Places whose neurons take their input through synapses."""

from __future__ import annotations

import math

from torch import Tensor

from ..coding import exponential_trace
from ..neurons import Neuron
from ._sites import Site, added_up


class Filtered(Site):
    """Neurons behind synapses with a time constant: all that reaches them, biases included, is low-pass filtered.

    Equation: i[t] = d i[t-1] + (1 - d) x[t], d = exp(-1 / tau_syn), with tau_syn in steps. The mean of the current is
    that of the input, but for what is still to come at the end.
    """

    def __init__(self, neuron: Neuron, scale: Tensor, tau_syn: float) -> None:
        super().__init__(neuron, scale)
        self.tau_syn = tau_syn

    def spikes(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        """What the neurons send."""
        x = added_up(x, bias, residual)
        return super().spikes(-math.expm1(-1.0 / self.tau_syn) * exponential_trace(x, tau=self.tau_syn))
