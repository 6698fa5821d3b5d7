"""A neuron as a plain loop over time: what a kernel must equal, and the way of those that no kernel can be made for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .. import random
from ..compile._arguments import (
    NOISE,
    checked_inputs,
    given_state,
    origin_of,
    placed_params,
    rest_state,
    schedules,
    state_dtype,
)
from ..errors import NonFiniteError

if TYPE_CHECKING:
    from .neuron import Neuron

Change = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]


def run(
    neuron: Neuron,
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    outputs: Sequence[str],
    varying: Mapping[str, Tensor],
    change: Change | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """`step` on ordinary tensors, one time step after the other, under autograd; as `compile.run` otherwise.

    `change` is given all values of a step, and returns those to put in their place.

    Raises: ShapeError, DTypeError, DeviceError, NonFiniteError.
    """
    name = type(neuron).__name__
    x = checked_inputs(name, inputs)
    over_time = schedules(name, neuron, varying, x)
    params = {n: v.to(state_dtype(x)) for n, v in placed_params(name, neuron, neuron.param_values(), x).items()}
    now = rest_state(neuron, params, x) if state is None else given_state(name, neuron, state, x)
    origin = origin_of(state) if neuron.noises else torch.zeros(2, dtype=torch.int64)
    streams = {n: v.to(state_dtype(x)) for n, v in {**inputs, **over_time}.items()}
    rows: list[dict[str, Tensor]] = []
    for t in range(x.shape[0]):
        step = {n: stream[t] for n, stream in streams.items()}
        values = {**params, **now, **_noise(neuron, origin, t, x), **step}
        result = neuron.step(values if change is None else {**values, **change(values)})
        now = {label: result[label].expand(x.shape[1:]) for label in now}
        _refuse_nan(name, now, t, x.shape[0])
        rows.append({label: result[label].expand(x.shape[1:]) for label in outputs})
    produced = {n: torch.stack([row[n] for row in rows]).to(x.dtype) if rows else torch.zeros_like(x) for n in outputs}
    return produced, {**now, **({NOISE: origin + torch.tensor([0, x.shape[0]])} if neuron.noises else {})}


def _noise(neuron: Neuron, origin: Tensor, t: int, x: Tensor) -> dict[str, Tensor]:
    """What the step draws: each noise from a stream of its own."""
    if not neuron.noises:
        return {}
    seed, first = origin.tolist()
    index = torch.arange(x[0].numel()).view(x.shape[1:])
    return {
        name: getattr(random, noise.distribution)(seed, k, index, first + t).to(x.device, state_dtype(x))
        for k, (name, noise) in enumerate(neuron.noises.items())
    }


def _refuse_nan(name: str, states: Mapping[str, Tensor], t: int, steps: int) -> None:
    for label, value in states.items():
        bad = torch.isnan(value).nonzero()
        if len(bad):
            where = f"{name}.{label} of neuron {bad[0].tolist()} (batch index first)"
            do = "check parameters, input scale and dt"
            raise NonFiniteError(f"{where} became NaN in step {t} of {steps} steps", do=do)
