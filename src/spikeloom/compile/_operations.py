"""The closed set of scalar operations that programs are made of: name, signature, definition in PyTorch.

A signature reads "arguments>result" with r for a real number and b for a truth value. Every back end emits exactly
these operations; `evaluate` is what they mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


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
        else torch.tensor(value, dtype=None if isinstance(value, bool) else torch.float64)
    )


def _on_tensors(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Constants may stand for any argument; a 0-dimensional tensor does not promote a float32 one."""
    return lambda *arguments: function(*(_tensor(a) for a in arguments))


def _real(x: Tensor) -> Tensor:
    return x.to(torch.float32)


def _where(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    # torch.where promotes a 0-dimensional float64 branch over a 0-dimensional float32 one; constants must not.
    dtype = x.dtype if x.dim() or not y.dim() else y.dtype
    return torch.where(condition, x.to(dtype), y.to(dtype))


_TABLE: tuple[tuple[str, str, Callable[..., Tensor]], ...] = (
    ("add", "rr>r", torch.add),
    ("sub", "rr>r", torch.sub),
    ("mul", "rr>r", torch.mul),
    ("div", "rr>r", torch.div),
    ("neg", "r>r", torch.neg),
    ("abs", "r>r", torch.abs),
    ("sign", "r>r", torch.sign),
    ("floor", "r>r", torch.floor),
    ("sqrt", "r>r", torch.sqrt),
    ("exp", "r>r", torch.exp),
    ("expm1", "r>r", torch.expm1),
    ("log", "r>r", torch.log),
    ("log1p", "r>r", torch.log1p),
    ("pow", "rr>r", torch.pow),
    ("tanh", "r>r", torch.tanh),
    ("sigmoid", "r>r", torch.sigmoid),
    ("erf", "r>r", torch.erf),
    ("atan", "r>r", torch.atan),
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
    # Gone once a program is differentiated: one stops a gradient, the other is a name to differentiate with respect to.
    ("detach", "r>r", torch.clone),
    ("alias", "r>r", torch.clone),
)

OPERATIONS: dict[str, Operation] = {
    name: Operation(name, signature, _on_tensors(function)) for name, signature, function in _TABLE
}
