"""A neuron as an encoder: it is given the signal as a current."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_sequence, wide
from spikeloom.coding.encoder import Encoder
from spikeloom.errors import DTypeError
from spikeloom.neurons import LIF, Neuron


class NeuronCode(Encoder):
    """The spikes of a neuron that is driven by a signal: the larger, the earlier and the more often.

    A constant x fires an LIF neuron first after tau_mem ln(r x / (r x - v_th)) and then at that interval; values that
    the membrane does not bring to the threshold are silent. Other encoders hand their currents to it.
    Shapes: x [time, batch, *features], finite -> spikes of the same shape, differentiable through the surrogate.
    Raises: DTypeError (no neuron; no floating tensor), ParameterError (NaN), ShapeError.

    >>> NeuronCode(LIF(tau_mem=4.0, r=2.0))(torch.ones(9, 1, 1)).flatten().tolist()  # 4 ln 2 = 2.77
    [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]

    Reference: Gerstner et al. (2014), Neuronal Dynamics, section 1.3.
    """

    of_sequence = True

    def __init__(self, neuron: Neuron) -> None:
        super().__init__()
        if not isinstance(neuron, Neuron):
            raise DTypeError("neuron of NeuronCode", expected="a Neuron", got=type(neuron).__name__)
        self.neuron = neuron

    @classmethod
    def example(cls) -> Self:
        """A leaky neuron of 5 ms that fires for currents above 0.2."""
        return cls(LIF(tau_mem=5.0, r=5.0))

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [time, batch, *features]; nothing is drawn."""
        spikes: Tensor = self.neuron(wide(check_sequence("x of NeuronCode", x)))
        return spikes.to(x.dtype)
