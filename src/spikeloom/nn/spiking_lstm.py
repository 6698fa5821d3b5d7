"""Layers of spiking LSTM and GRU units, which send their spikes back to themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import DTypeError, ParameterError
from ..neurons import GRUUnit, LSTMUnit, Neuron
from ._layers import apply
from ._stepwise import checked, run


class _GatedLayer(nn.Module):
    """Abstract: weights from below and from the layer itself to the gates of each unit."""

    kind: type[Neuron]
    gates: tuple[str, ...]

    def __init__(self, inputs: int, units: int, *, neuron: Neuron | None = None) -> None:
        super().__init__()
        if inputs < 1 or units < 1:
            got = f"{inputs} inputs and {units} units"
            raise ParameterError(f"size of {type(self).__name__}", expected="at least 1 each", got=got)
        self.neuron = self.kind() if neuron is None else neuron
        if not isinstance(self.neuron, self.kind):
            what, expected = f"neuron of {type(self).__name__}", f"a sl.neurons.{self.kind.__name__}"
            raise DTypeError(what, expected=expected, got=repr(neuron))
        self.inputs, self.units = inputs, units
        self.below = nn.Linear(inputs, len(self.gates) * units)
        self.returned = nn.Linear(units, len(self.gates) * units, bias=False)
        for linear in (self.below, self.returned):
            nn.init.normal_(linear.weight, std=math.sqrt(2 / (inputs + units)))
        nn.init.zeros_(self.below.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Run from rest over x [T, B, inputs]; return the spikes h [T, B, units]."""
        steps, batch = checked(self, x, self.inputs).shape[:2]
        currents = apply(self.below, x.flatten(0, 1)).view(steps, batch, -1).chunk(len(self.gates), dim=-1)
        return run(self.neuron, dict(zip(self.gates, currents, strict=True)), self._with_returned)

    def _with_returned(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        h = values["h"].to(self.returned.weight.dtype)
        sent = F.linear(h, self.returned.weight).chunk(len(self.gates), dim=-1)
        return self._joined(values, dict(zip(self.gates, sent, strict=True)))

    def _joined(self, values: Mapping[str, Tensor], sent: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The inputs of a step: what comes from below and what the layer sends back."""
        return {gate: values[gate] + current for gate, current in sent.items()}

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.inputs}, {self.units}"


class SpikingLSTM(_GatedLayer):
    """A layer of spiking LSTM units: each gate of `sl.neurons.LSTMUnit` receives W x(t) + U h(t-1) + b.

    Weights from below are `below.weight` [4 units, inputs], those of the layer to itself `returned.weight`
    [4 units, units], in the order forget, admit, emit, candidate; they begin normal with variance 2 / (inputs + units).
    The state, c and h of every unit, goes in and out by `unroll`. It is a plain loop over steps, not one kernel.

    Shapes: [T, B, inputs] to spikes [T, B, units]. Raises: ShapeError, ParameterError, DTypeError.
    Source: Lotfi Rezaabad and Vishwanath 2020, "Long short-term memory spiking networks and their applications", ICONS
    (arXiv 2007.04779); the initial weights are those of its code.

    >>> import torch, spikeloom as sl
    >>> layer = sl.nn.SpikingLSTM(8, 5)
    >>> h, state = sl.unroll(layer, torch.rand(7, 2, 8))
    >>> h.shape, sorted(state["neuron"])
    (torch.Size([7, 2, 5]), ['c', 'h'])
    """

    kind = LSTMUnit
    gates = ("forget", "admit", "emit", "candidate")


class SpikingGRU(_GatedLayer):
    """A layer of spiking GRU units: the gates of `sl.neurons.GRUUnit` receive W x(t) + U h(t-1) + b.

    Of the candidate, W x(t) + b is its current from below and U h(t-1) what the reset gate lets through. Weights are
    laid out as in `SpikingLSTM`, in the order reset_gate, update, candidate. A plain loop over steps, not one kernel.

    Shapes: [T, B, inputs] to spikes [T, B, units]. Raises: ShapeError, ParameterError, DTypeError.
    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", EMNLP, with spike functions.

    >>> import torch, spikeloom as sl
    >>> sl.nn.SpikingGRU(8, 5)(torch.rand(7, 2, 8)).shape
    torch.Size([7, 2, 5])
    """

    kind = GRUUnit
    gates = ("reset_gate", "update", "candidate")

    def _joined(self, values: Mapping[str, Tensor], sent: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        gates = {gate: values[gate] + sent[gate] for gate in ("reset_gate", "update")}
        return {**gates, "returned": sent["candidate"]}
