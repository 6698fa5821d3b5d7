"""Checks and layout of what a run is given: inputs, parameters and initial state, refused here if they do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor

from ..errors import DeviceError, DTypeError, ShapeError, UnknownNameError
from ..parameters import Value
from ._statement import Statement

# The entry of a stream's state that holds the seed of its noise and the number of steps since rest.
NOISE = "noise"


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


def _number(value: float, device: torch.device) -> Tensor:
    # While a graph is captured a number becomes part of the graph.
    return torch.full((), value, dtype=torch.float64, device=device) if captured() else _kept_number(value, device)


@lru_cache(maxsize=4096)
def _kept_number(value: float, device: torch.device) -> Tensor:
    return torch.tensor(value, dtype=torch.float64, device=device)


def captured() -> bool:
    """Whether tensors are stand-ins, because a graph is being captured or transformed, and so have no values."""
    return torch.compiler.is_compiling() or torch._C._functorch.peek_interpreter_stack() is not None


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


def schedules(name: str, statement: Statement, given: Mapping[str, Tensor] | None, x: Tensor) -> dict[str, Tensor]:
    """Parameters that vary with time, [T, ...] each, as streams of the inputs' shape [T, B, *features]."""
    found = {}
    for label, value in (given or {}).items():
        what = f"{name}.{label}"
        if label not in statement.params:
            raise UnknownNameError(f"{name} has no parameter {label!r}", label, statement.params)
        checked = value if captured() else statement.params[label].check(name, value)
        if not isinstance(checked, Tensor) or not checked.dim() or checked.dim() > x.dim():
            got = list(checked.shape) if isinstance(checked, Tensor) else "a number"
            do = "set a value that does not change with time at construction"
            raise ShapeError(what, expected="[T], or [T, B, ...] with sizes of 1 where all share", got=got, do=do)
        if checked.device != x.device:
            raise DeviceError(what, expected=x.device, got=checked.device, do="move it with .to()")
        leading = x.shape[: checked.dim()]
        if checked.shape[0] != x.shape[0] or any(n not in (1, m) for n, m in zip(checked.shape, leading, strict=True)):
            do = "its axes are time, batch and the leading feature axes"
            raise ShapeError(what, expected=f"the leading sizes of {list(x.shape)}", got=list(checked.shape), do=do)
        aligned = checked.reshape((*checked.shape, *[1] * (x.dim() - checked.dim())))
        found[label] = aligned.to(x.dtype).expand(x.shape)
    return found


def rest_state(statement: Statement, params: Mapping[str, Tensor], x: Tensor) -> dict[str, Tensor]:
    """The state variables at rest, [B, *features]."""
    rest = {}
    for name, state in statement.states.items():
        value = params[state.rest] if isinstance(state.rest, str) else _number(state.rest.real, x.device)
        rest[name] = value.to(x.device, state_dtype(x) if state.dtype is None else state.dtype).expand(x.shape[1:])
    return rest


def given_state(name: str, statement: Statement, state: Mapping[str, Tensor], x: Tensor) -> dict[str, Tensor]:
    """The state that a stream continues from, checked."""
    shape, known = x.shape[1:], [*statement.states, *([NOISE] if statement.noises else [])]
    if set(state) != set(known):
        do = "continue with the state that unroll returned for this model"
        raise ShapeError(f"state of {name}", expected=sorted(known), got=sorted(state), do=do)
    for label, declared in statement.states.items():
        value, what = state[label], f"state {label!r} of {name}"
        if not isinstance(value, Tensor):
            raise DTypeError(what, expected="a tensor", got=type(value).__name__, do="pass what unroll returned")
        if value.shape != shape:
            do = "continue a stream with the batch and feature sizes it began with"
            raise ShapeError(what, expected=list(shape), got=list(value.shape), do=do)
        if value.device != x.device:
            raise DeviceError(what, expected=x.device, got=value.device, do="move it with .to()")
        if declared.dtype is not None and value.dtype != declared.dtype:
            raise DTypeError(what, expected=declared.dtype, got=value.dtype, do="pass what unroll returned")
    dtype = state_dtype(x)
    return {label: state[label].to(declared.dtype or dtype) for label, declared in statement.states.items()}


def origin_of(state: Mapping[str, Tensor] | None) -> Tensor:
    """Seed and first step of the random numbers of a run: as a stream goes on, or a new seed of PyTorch's generator."""
    if state is None:
        return torch.cat([torch.randint(2**31 - 1, (1,)), torch.zeros(1, dtype=torch.int64)])
    return state[NOISE]
