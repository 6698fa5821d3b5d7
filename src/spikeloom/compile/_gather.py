"""What a call works with: its tensors by role, checked, and which of them a gradient is wanted of."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ..parameters import Value
from ._arguments import captured, given_state, origin_of, placed_params, rest_state, schedules
from ._statement import Statement

_placed: dict[Hashable, tuple[dict[str, Tensor], dict[str, Tensor]]] = {}


class Gathered(NamedTuple):
    """Tensors of a call by role, checked; the inputs hold the parameters that vary, which `varying` names."""

    inputs: dict[str, Tensor]
    states: dict[str, Tensor]
    params: dict[str, Tensor]
    origin: Tensor
    varying: tuple[str, ...]


def gathered(
    statement: Statement,
    values: Mapping[str, Value],
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    varying: Mapping[str, Tensor] | None,
    x: Tensor,
) -> Gathered:
    """What a call on inputs like `x` [T, B, *features] works with."""
    name = type(statement).__name__
    over_time = schedules(name, statement, varying, x)
    params, rest = _params_and_rest(name, statement, values, x)
    initial = rest if state is None else given_state(name, statement, state, x)
    if over_time:
        params = {label: value for label, value in params.items() if label not in over_time}
    streams = {**inputs, **over_time} if over_time else dict(inputs)
    origin = origin_of(state) if statement.noises else torch.zeros(2, dtype=torch.int64)
    return Gathered(streams, initial, params, origin, tuple(over_time))


def _params_and_rest(
    name: str, statement: Statement, values: Mapping[str, Value], x: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Parameters as they broadcast against [B, *features], and the state at rest; kept for numbers alone."""
    if captured() or any(isinstance(value, Tensor) for value in values.values()):
        params = placed_params(name, statement, values, x)
        return params, rest_state(statement, params, x)
    key = (statement.key(), *values.values(), x.shape[1:], x.dtype, x.device)
    if key not in _placed:
        if len(_placed) > 1024:  # a scheduled parameter takes a new value at every step
            _placed.clear()
        params = placed_params(name, statement, values, x)
        _placed[key] = params, rest_state(statement, params, x)
    return _placed[key]


def differentiated(
    params: Mapping[str, Tensor], inputs: Mapping[str, Tensor], state: Mapping[str, Tensor]
) -> frozenset[str]:
    """Names of the parameters and inputs that a gradient is wanted of."""
    if not torch.is_grad_enabled():
        return frozenset()
    wanted = {n for n, t in (*params.items(), *inputs.items()) if t.requires_grad}
    # A state that requires a gradient needs the backward program even where nothing else does.
    if not wanted and any(s.requires_grad for s in state.values()):
        return frozenset(inputs)
    return frozenset(wanted)
