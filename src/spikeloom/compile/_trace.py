"""Tracing: run a statement's plain PyTorch methods on stand-ins for scalars and record what they do.

A traced value is a tensor without data; every ATen operation on it, those of autograd's backward formulas included,
arrives at `__torch_dispatch__` and becomes scalar operations of a program.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import TraceError
from ._lowering import LOWERINGS
from ._program import Builder, Node

_REAL = torch.float32
_SPIKELOOM = str(Path(__file__).parent)
_TORCH = str(Path(torch.__file__).parent)


class Traced(Tensor):
    """A scalar whose value is known only at run time; `node` names it in the program being built."""

    node: Node
    builder: Builder

    @staticmethod
    def __new__(cls, node: Node, builder: Builder, requires_grad: bool = False) -> Traced:
        dtype = _REAL if builder.kind(node) == "r" else torch.bool
        traced: Traced = torch.Tensor._make_wrapper_subclass(cls, (), dtype=dtype, requires_grad=requires_grad)  # type: ignore[attr-defined]
        traced.node, traced.builder = node, builder
        return traced

    def __repr__(self, *, tensor_contents: object = None) -> str:
        return f"Traced({self.node})"

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(
        cls, operation: Any, types: Sequence[type], arguments: tuple[Any, ...] = (), options: dict[str, Any] | None = None
    ) -> Any:
        builder = next(a.builder for a in _flat(arguments) if isinstance(a, Traced))
        nodes = tuple(_node(argument, operation) for argument in arguments)
        functional = _functional(operation)
        lowering = LOWERINGS.get(functional)
        if lowering is None:
            return _decomposed(operation, arguments, options or {})
        try:
            node = lowering(builder, *nodes, **(options or {}))
        except NotImplementedError as reason:
            raise TraceError(f"{reason} cannot be compiled", do=_advice(operation)) from None
        if functional is operation:
            return Traced(node, builder)
        arguments[0].node = node
        return arguments[0]


def _functional(operation: Any) -> Any:
    """`aten.mul.Tensor` for `aten.mul_.Tensor`: some backward formulas change their own intermediates in place."""
    name = operation._schema.name.removeprefix("aten::")
    packet = getattr(torch.ops.aten, name[:-1], None) if name.endswith("_") else None
    return getattr(packet, operation._overloadname, operation) if packet is not None else operation


def _flat(arguments: Sequence[Any]) -> Iterator[Any]:
    for argument in arguments:
        if isinstance(argument, list | tuple):
            yield from argument
        else:
            yield argument


def _node(argument: Any, operation: Any) -> Any:
    """Traced values become nodes, scalar tensors constants; everything else passes through."""
    if isinstance(argument, Traced):
        return argument.node
    if isinstance(argument, Tensor):
        if argument.dim() and argument.numel() != 1:
            raise TraceError(
                f"{operation} meets a tensor of shape {list(argument.shape)} that is not declared",
                do="declare it as a Param, so that the compiler knows it, and read it as self.<name>",
            )
        argument = argument.item()
    if isinstance(argument, int) and not isinstance(argument, bool):
        return float(argument)
    return argument


def _decomposed(operation: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Operations without a lowering of their own are tried as PyTorch's decomposition into simpler ones."""
    # Imported here because it loads PyTorch's reference implementations, which few statements need.
    from torch._decomp import decomposition_table

    decomposition = decomposition_table.get(operation)
    if decomposition is None or operation in _DATA_DEPENDENT:
        raise TraceError(f"{operation} cannot be compiled", do=_advice(operation))
    return decomposition(*arguments, **options)


_DATA_DEPENDENT = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.is_nonzero.default}


def _advice(operation: Any) -> str:
    if operation in _DATA_DEPENDENT:
        return "a value is known only at run time: write torch.where(condition, a, b) instead of `if`, `and`, `float()`"
    return "state the dynamics with elementwise operations of PyTorch: + - * /, comparisons, torch.where, exp, clamp ..."


def traced_inputs(builder: Builder, prefix: str, names: Sequence[str], differentiable: Sequence[str]) -> dict[str, Traced]:
    """One traced value per name, declared as an input of the builder."""
    return {n: Traced(builder.input(f"{prefix}{n}"), builder, requires_grad=n in differentiable) for n in names}


def node_of(value: object, what: str) -> Node:
    """The node of what a statement's method returned: a traced value or a constant."""
    if isinstance(value, Traced):
        return value.node
    if isinstance(value, Tensor) and value.numel() == 1:
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    raise TraceError(what, expected="an elementwise result", got=type(value).__name__, do="return a tensor")


def is_traced_constant(value: object, forbidden: Sequence[Tensor]) -> bool:
    """Whether a traced value does not depend on any of `forbidden`; True for values that are not traced."""
    if not isinstance(value, Traced):
        return True
    steps = {step.name: step for step in value.builder.body}
    pending, banned = [value.node], {v.node for v in forbidden if isinstance(v, Traced)}
    while pending:
        node = pending.pop()
        if node in banned:
            return False
        if isinstance(node, str) and node in steps:
            pending.extend(steps[node].sources)
    return True


@contextmanager
def speaking_of(statement: object) -> Iterator[None]:
    """Errors raised inside name file, line and method of the statement's own code."""
    try:
        yield
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        # Catalogue code counts as the statement's own; the compiler and PyTorch do not.
        own = [f for f in frames if not f.filename.startswith((_SPIKELOOM, _TORCH)) and not f.filename.startswith("<")]
        if not own:
            raise
        at = own[-1]
        place = f"{at.filename}:{at.lineno} in {type(statement).__name__}.{at.name}"
        if isinstance(error, TraceError):
            raise TraceError(f"{place}: `{at.line}`: {error}") from None
        raise TraceError(f"{place}: `{at.line}`: {type(error).__name__}: {error}") from error
