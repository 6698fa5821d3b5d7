"""Checks and layout of what a run is given: inputs, parameters and initial state, refused here if they do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor

from ..errors import DeviceError, DTypeError, ShapeError
from ..parameters import Value
from ._statement import Statement


def checked_inputs(name: str, inputs: Mapping[str, Tensor]) -> Tensor:
    """Refuse inputs that are not [T, B, *features] of one shape, dtype and device; return the first."""
    first = next(iter(inputs.values()))
    for label, x in inputs.items():
        what = f"input {label!r} of {name}"
        if not isinstance(x, Tensor) or not x.is_floating_point():
            got = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise DTypeError(what, expected="a floating-point tensor", got=got, do="convert it with .float()")
        if x.dim() < 2:
            do = "time comes first: add a batch axis with x.unsqueeze(1)"
            raise ShapeError(what, expected="[T, B, *features]", got=list(x.shape), do=do)
        if x.shape != first.shape:
            raise ShapeError(what, expected=list(first.shape), got=list(x.shape), do="give all inputs one shape")
        if x.device != first.device:
            raise DeviceError(what, expected=first.device, got=x.device, do="move it with .to()")
        if x.dtype != first.dtype:
            raise DTypeError(what, expected=first.dtype, got=x.dtype, do="convert it with .to()")
    return first


def state_dtype(x: Tensor) -> torch.dtype:
    """State is float64 for float64 input, else float32, also where the input is of half precision."""
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def placed_params(name: str, statement: Statement, values: Mapping[str, Value], x: Tensor) -> dict[str, Tensor]:
    """Parameters as tensors that broadcast against [B, *features]; their axes are the leading feature axes."""
    return {label: _placed(f"{name}.{label}", values[label], x) for label in statement.params}


@lru_cache(maxsize=4096)
def _number(value: float, device: torch.device) -> Tensor:
    return torch.tensor(value, dtype=torch.float64, device=device)


def _placed(what: str, value: Value, x: Tensor) -> Tensor:
    if not isinstance(value, Tensor):
        return _number(value, x.device)
    if value.dim() and value.device != x.device:
        do = f"move the module with .to({str(x.device)!r})"
        raise DeviceError(what, expected=f"a tensor on {x.device}", got=value.device, do=do)
    features = x.shape[2:]
    leading = features[: value.dim()]
    if len(leading) < value.dim() or any(p not in (1, f) for p, f in zip(value.shape, leading, strict=True)):
        expected = f"a number or the leading sizes of the features {list(features)}"
        do = "one value per channel has shape [C], one per neuron the whole feature shape"
        raise ShapeError(what, expected=expected, got=list(value.shape), do=do)
    trailing = len(features) - value.dim() if value.dim() else 0
    return value.to(x.device).reshape((*value.shape, *[1] * trailing))


def initial_state(
    name: str, statement: Statement, params: Mapping[str, Tensor], state: Mapping[str, Tensor] | None, x: Tensor
) -> dict[str, Tensor]:
    """The given state [B, *features], or rest."""
    dtype, shape = state_dtype(x), x.shape[1:]
    if state is None:
        rest = {
            n: params[s.rest] if isinstance(s.rest, str) else _number(s.rest, x.device)
            for n, s in statement.states.items()
        }
        return {n: r.to(x.device, dtype).expand(shape) for n, r in rest.items()}
    if set(state) != set(statement.states):
        do = "continue with the state that unroll returned for this model"
        raise ShapeError(f"state of {name}", expected=sorted(statement.states), got=sorted(state), do=do)
    for label, value in state.items():
        what = f"state {label!r} of {name}"
        if not isinstance(value, Tensor):
            raise DTypeError(what, expected="a tensor", got=type(value).__name__, do="pass what unroll returned")
        if value.shape != shape:
            do = "continue a stream with the batch and feature sizes it began with"
            raise ShapeError(what, expected=list(shape), got=list(value.shape), do=do)
        if value.device != x.device:
            raise DeviceError(what, expected=x.device, got=value.device, do="move it with .to()")
    return {label: state[label].to(dtype) for label in statement.states}
