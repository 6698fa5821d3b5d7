"""Neurons advanced step by step, because a dense product stands between one step and the next."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..errors import ShapeError
from ..neurons import Neuron, _plain
from ..neurons._session import sessions_of


def run(neuron: Neuron, inputs: Mapping[str, Tensor], change: _plain.Change) -> Tensor:
    """The output [T, B, *features]; `change` puts values of a step, such as inputs, in the place of others.

    The state is that of the neuron, so `unroll` and `record` see it as that of any neuron.
    """
    sessions = sessions_of(neuron)
    state = next((given for session in sessions if (given := session.begin(neuron)) is not None), None)
    produced, final = _plain.run(neuron, inputs, state, neuron._wanted(sessions), {}, change)
    for session in sessions:
        session.end(neuron, produced, final)
    return produced[neuron.output]


def checked(layer: object, x: Tensor, features: int) -> Tensor:
    """x, if it is [T, B, features]."""
    if x.dim() != 3 or x.shape[2] != features:
        expected, do = f"[T, B, {features}]", "flatten the features, and put time first"
        raise ShapeError(f"input of {type(layer).__name__}", expected=expected, got=list(x.shape), do=do)
    return x
