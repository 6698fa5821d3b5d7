"""The closed set of scalar operations that programs are made of: name, signature, definition in PyTorch.

A signature reads "arguments>result" with r for a real number, i for an integer of 32 bits and b for a truth value.
Every back end emits exactly these operations; `evaluate` is what they mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .. import random


@dataclass(frozen=True)
class Operation:
    """One scalar operation."""

    name: str
    signature: str
    evaluate: Callable[..., Tensor]

    @property
    def arguments(self) -> str:
        """Kinds of the arguments, one letter each."""
        return self.signature.split(">")[0]

    @property
    def result(self) -> str:
        """Kind of the result."""
        return self.signature.split(">")[1]


def _tensor(value: Any) -> Tensor:
    return (
        value
        if isinstance(value, Tensor)
        else torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
    )


def _on_tensors(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Constants may stand for any argument; a 0-dimensional tensor does not promote a float32 one."""
    return lambda *arguments: function(*(_tensor(a) for a in arguments))


def _real(x: Tensor) -> Tensor:
    return x.to(torch.float32)


def _integer(x: Tensor) -> Tensor:
    """Towards zero; numbers beyond 32 bits become the nearest integer of 32 bits, and NaN becomes 0."""
    return torch.nan_to_num(x.double()).clamp(-(2**31), 2**31 - 1).to(torch.int32)


def _wrapping(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Integers wrap at 32 bits, constants included."""
    return lambda *arguments: function(*(a.to(torch.int64) for a in arguments)).to(torch.int32)


def _where(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    # torch.where promotes a 0-dimensional float64 branch over a 0-dimensional float32 one; constants must not.
    dtype = x.dtype if x.dim() or not y.dim() else y.dtype
    return torch.where(condition, x.to(dtype), y.to(dtype))


def _unless_zero(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Dividing an integer by zero gives zero."""

    def divide(x: Tensor, y: Tensor) -> Tensor:
        zero = y == 0
        return torch.where(zero, 0, function(x, torch.where(zero, 1, y)))

    return divide


def _int_where(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return torch.where(condition, x.to(torch.int32), y.to(torch.int32))


_TABLE: tuple[tuple[str, str, Callable[..., Tensor]], ...] = (
    ("add", "rr>r", torch.add),
    ("sub", "rr>r", torch.sub),
    ("mul", "rr>r", torch.mul),
    ("div", "rr>r", torch.div),
    ("neg", "r>r", torch.neg),
    ("abs", "r>r", torch.abs),
    ("sign", "r>r", torch.sign),
    ("floor", "r>r", torch.floor),
    ("trunc", "r>r", torch.trunc),
    ("round", "r>r", torch.round),
    ("fmod", "rr>r", torch.fmod),
    ("sqrt", "r>r", torch.sqrt),
    ("exp", "r>r", torch.exp),
    ("expm1", "r>r", torch.expm1),
    ("log", "r>r", torch.log),
    ("log1p", "r>r", torch.log1p),
    ("log2", "r>r", torch.log2),
    ("pow", "rr>r", torch.pow),
    ("tanh", "r>r", torch.tanh),
    ("sigmoid", "r>r", torch.sigmoid),
    ("erf", "r>r", torch.erf),
    ("atan", "r>r", torch.atan),
    ("atan2", "rr>r", torch.atan2),
    ("hypot", "rr>r", torch.hypot),
    ("sin", "r>r", torch.sin),
    ("cos", "r>r", torch.cos),
    ("minimum", "rr>r", torch.minimum),
    ("maximum", "rr>r", torch.maximum),
    ("lt", "rr>b", torch.lt),
    ("le", "rr>b", torch.le),
    ("gt", "rr>b", torch.gt),
    ("ge", "rr>b", torch.ge),
    ("eq", "rr>b", torch.eq),
    ("ne", "rr>b", torch.ne),
    ("and", "bb>b", torch.logical_and),
    ("or", "bb>b", torch.logical_or),
    ("not", "b>b", torch.logical_not),
    ("where", "brr>r", _where),
    ("real", "b>r", _real),
    # Integers: sums and products wrap, quotients round down.
    ("int_add", "ii>i", _wrapping(torch.add)),
    ("int_sub", "ii>i", _wrapping(torch.sub)),
    ("int_mul", "ii>i", _wrapping(torch.mul)),
    ("int_neg", "i>i", _wrapping(torch.neg)),
    ("int_abs", "i>i", _wrapping(torch.abs)),
    ("int_sign", "i>i", _wrapping(torch.sign)),
    ("int_minimum", "ii>i", _wrapping(torch.minimum)),
    ("int_maximum", "ii>i", _wrapping(torch.maximum)),
    ("int_floor_div", "ii>i", _wrapping(_unless_zero(torch.floor_divide))),
    ("int_remainder", "ii>i", _wrapping(_unless_zero(torch.remainder))),
    ("int_and", "ii>i", _wrapping(torch.bitwise_and)),
    ("int_or", "ii>i", _wrapping(torch.bitwise_or)),
    ("int_xor", "ii>i", _wrapping(torch.bitwise_xor)),
    ("int_not", "i>i", _wrapping(torch.bitwise_not)),
    ("int_shift_left", "ii>i", _wrapping(torch.bitwise_left_shift)),
    ("int_shift_right", "ii>i", _wrapping(torch.bitwise_right_shift)),
    ("int_lt", "ii>b", torch.lt),
    ("int_le", "ii>b", torch.le),
    ("int_eq", "ii>b", torch.eq),
    ("int_where", "bii>i", _int_where),
    ("bool_where", "bbb>b", torch.where),
    ("real_of_int", "i>r", torch.Tensor.double),
    ("int_of_real", "r>i", _integer),
    ("int_of_bool", "b>i", _integer),
    # Random numbers of seed, purpose, entity and step.
    ("uniform", "iiii>r", random.uniform),
    ("normal", "iiii>r", random.normal),
    # Gone once a program is differentiated: one stops a gradient, the other is a name to differentiate with respect to.
    ("detach", "r>r", torch.detach),
    ("alias", "r>r", torch.clone),
)

OPERATIONS: dict[str, Operation] = {
    name: Operation(name, signature, _on_tensors(function)) for name, signature, function in _TABLE
}

# The form of an operation for integers.
ON_INTEGERS = {
    name.removeprefix("int_"): name for name in OPERATIONS if name.startswith("int_") and not name.startswith("int_of_")
}
