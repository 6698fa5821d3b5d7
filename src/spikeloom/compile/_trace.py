"""Tracing: run a statement's plain PyTorch methods on stand-ins for scalars and record what they do."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import ShapeError, TraceError
from ._complex import apply as complex_function
from ._complex import is_complex, makes_complex
from ._differentiate import gradients
from ._program import Builder, Node
from ._special_functions import FUNCTIONS

_PACKAGE = str(Path(__file__).parents[1])
_TORCH = str(Path(torch.__file__).parent)

_ELEMENTWISE = "state the dynamics elementwise: + - * /, comparisons, torch.where, torch.exp, torch.clamp ..."
_RUN_TIME = "its value is known only at run time: write torch.where(condition, a, b) instead of `if`, `and`, `float()`"


DTYPES = {"r": torch.float32, "i": torch.int32, "b": torch.bool}


class Traced:
    """Stands for one scalar of a step; operators, methods and torch functions on it are recorded."""

    def __init__(self, node: Node, builder: Builder) -> None:
        self.node, self.builder = node, builder

    @property
    def dtype(self) -> torch.dtype:
        """torch.float32 for any real number, whatever the state's dtype will be; torch.int32, torch.bool."""
        return DTYPES[self.builder.kind(self.node)]

    @property
    def shape(self) -> torch.Size:
        """That of a scalar: a step does not know how many neurons there are."""
        return torch.Size(())

    @property
    def device(self) -> torch.device:
        """A place for constants; they are part of the program, not of a device."""
        return torch.device("cpu")

    def __repr__(self) -> str:
        return f"Traced({self.node})"

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Sequence[type], arguments: Sequence[Any] = (), options: dict[str, Any] | None = None
    ) -> Any:
        return _record(function.__name__, arguments, options or {})

    def __getattr__(self, name: str) -> Callable[..., Traced]:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("item", "tolist", "numpy"):
            raise TraceError(f".{name}() cannot be compiled", do=_RUN_TIME)
        return lambda *arguments, **options: _record(name, (self, *arguments), options)

    def __bool__(self) -> bool:
        raise TraceError("a condition on a traced value cannot be compiled", do=_RUN_TIME)

    def __float__(self) -> float:
        raise TraceError("float() and math functions of a traced value cannot be compiled", do=_RUN_TIME)

    __int__ = __index__ = __len__ = __float__

    def __iter__(self) -> Iterator[Any]:
        raise TraceError("iterating over or indexing a traced value cannot be compiled", do=_ELEMENTWISE)

    def __getitem__(self, index: object) -> Any:
        raise TraceError("iterating over or indexing a traced value cannot be compiled", do=_ELEMENTWISE)

    def __matmul__(self, other: object) -> Any:
        raise TraceError("a matrix product cannot be compiled", do=_ELEMENTWISE)

    __rmatmul__ = __matmul__
    __hash__ = object.__hash__


def _operator(name: str, reflected: bool) -> Callable[..., Any]:
    def apply(*arguments: Any) -> Any:
        return _record(name, arguments[::-1] if reflected else arguments, {})

    return apply


for _name in ("add", "sub", "mul", "truediv", "floordiv", "pow", "mod", "and", "or", "xor", "lshift", "rshift"):
    setattr(Traced, f"__{_name}__", _operator(_name, reflected=False))
    setattr(Traced, f"__r{_name}__", _operator(_name, reflected=True))
for _name in ("neg", "abs", "invert", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Traced, f"__{_name}__", _operator(_name, reflected=False))


def _record(name: str, arguments: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Emit a function of PyTorch, or raise TraceError saying why not."""
    # Tensor.__rsub__(traced, tensor) and the like arrive under the operator's own name.
    plain = name.strip("_")
    if plain not in FUNCTIONS and plain.startswith("r") and plain[1:] in FUNCTIONS:
        plain, arguments = plain[1:], arguments[::-1]
    if makes_complex(plain) or any(map(is_complex, (*arguments, *options.values()))):
        return complex_function(name, arguments, options)
    builder = next((a.builder for a in (*arguments, *options.values()) if isinstance(a, Traced)), None)
    if builder is None:
        raise TraceError(f"{name} cannot be compiled", do=_ELEMENTWISE)
    if not torch.is_grad_enabled():
        do = "use .detach() to stop a gradient, and a Surrogate's primitive instead of a torch.autograd.Function"
        raise TraceError(f"{name} inside torch.no_grad() or a torch.autograd.Function cannot be compiled", do=do)
    if plain in ("max", "min") and len(arguments) == 2:
        plain += "imum"
    if plain not in FUNCTIONS or (name.endswith("_") and not name.startswith("__")):
        raise TraceError(f"{name} cannot be compiled", do=_ELEMENTWISE)
    nodes = [_node(a, name) for a in arguments]
    named = {key: _node(value, name) for key, value in options.items()}
    try:
        return Traced(FUNCTIONS[plain](builder, *nodes, **named), builder)
    except (NotImplementedError, TypeError) as reason:
        raise TraceError(f"{name} cannot be compiled: {reason}", do=_ELEMENTWISE) from None


def _node(argument: Any, name: str) -> Any:
    """Traced values become nodes, numbers and scalar tensors constants; dtypes and flags pass through."""
    if isinstance(argument, Traced):
        return argument.node
    if isinstance(argument, Tensor):
        if argument.numel() != 1:
            do = "declare it as a Param, so that the compiler knows it, and read it as self.<name>"
            raise TraceError(f"{name} meets a tensor of shape {list(argument.shape)} that is not declared", do=do)
        argument = argument.item()
    return argument


def traced_inputs(builder: Builder, prefix: str, kinds: Mapping[str, str]) -> dict[str, Traced]:
    """One traced value per name, declared as an input of the builder."""
    return {name: Traced(builder.input(f"{prefix}{name}", kind), builder) for name, kind in kinds.items()}


def node_of(value: object, what: str, builder: Builder, kind: str) -> Node:
    """The node of what a statement's method returned: a traced value or a constant, of the kind that is declared."""
    if isinstance(value, Traced):
        node = value.node
    elif isinstance(value, int | float | Tensor):
        node = _node(value, what)
    else:
        raise TraceError(what, expected="an elementwise result", got=type(value).__name__, do="return a tensor")
    if kind != "r" and builder.kind(node) == "r" and isinstance(node, str):
        expected, do = f"{DTYPES[kind]}, as declared", f"convert it with .to({DTYPES[kind]})"
        raise TraceError(what, expected=expected, got="a real number", do=do)
    return builder.as_kind(node, kind)


def partials(value: Any, leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Partial derivatives of an elementwise function, differentiable again; what it does not depend on is left out.

    Serves statements that differentiate themselves, traced or on ordinary tensors. Leaves come from `leaf`.
    """
    if isinstance(value, Traced):
        nodes = {name: traced.node for name, traced in leaves.items()}
        found = gradients(value.builder, {value.node: 1.0}, nodes.values())
        return {name: Traced(found[node], value.builder) for name, node in nodes.items() if found[node] != 0.0}
    if not isinstance(value, Tensor) or not value.requires_grad:
        return {}
    ones = torch.ones_like(value)
    slopes = torch.autograd.grad(value, list(leaves.values()), ones, create_graph=True, allow_unused=True)
    known = {name: slope for name, slope in zip(leaves, slopes, strict=True) if slope is not None}
    for name, slope in known.items():
        if slope.shape != value.shape:
            # Autograd would add up over the axes along which the leaf was broadcast.
            raise ShapeError(f"partial derivative by {name}", expected=list(value.shape), got=list(slope.shape))
    return known


def leaf(value: Any) -> Any:
    """A value of its own, equal to `value`, to differentiate with respect to; gradients still pass through it."""
    if isinstance(value, Traced):
        return Traced(value.builder.emit("alias", value.node), value.builder)
    return value.clone() if value.requires_grad else value.detach().requires_grad_()


def depends(value: Any, on: Iterable[Any]) -> bool:
    """Whether a traced value depends on any of `on`; not known, and False, for ordinary tensors."""
    if not isinstance(value, Traced):
        return False
    steps = {step.name: step for step in value.builder.body}
    banned = {traced.node for traced in on if isinstance(traced, Traced)}
    pending = [value.node]
    while pending:
        node = pending.pop()
        if node in banned:
            return True
        if isinstance(node, str) and node in steps:
            pending.extend(steps[node].sources)
    return False


@contextmanager
def speaking_of(statement: object) -> Iterator[None]:
    """Errors raised inside name file, line and method of the statement's own code."""
    try:
        yield
    except Exception as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith((_TORCH, "<"))]
        own = [f for f in frames if not f.filename.startswith(_PACKAGE)]
        if not own and isinstance(error, TraceError):
            raise
        at = (own or frames)[-1]
        place = f"{at.filename}:{at.lineno} in {type(statement).__name__}.{at.name}"
        detail = str(error) if isinstance(error, TraceError) else f"{type(error).__name__}: {error}"
        raise TraceError(f"{place}: `{at.line}`: {detail}") from (None if isinstance(error, TraceError) else error)
