"""Continuing streams and recording variables: state goes in and comes out, nothing is kept on the modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from torch import Tensor, nn

from ..errors import ShapeError, SpikeloomError, UnknownNameError
from ..neurons import Neuron
from ..neurons._session import Session, States, _sessions, active
from ._segments import in_segments


def unroll(
    model: nn.Module,
    x: Tensor,
    state: Mapping[str, Mapping[str, Tensor]] | None = None,
    *,
    segments: int | None = None,
    truncate: bool = False,
) -> tuple[Tensor, States]:
    """Run `model` on a piece of a stream, from `state` or from rest; return its output and the state at the end.

    The state is a dict: module name of each neuron -> variable -> tensor [B, *features]. Running a sequence in pieces
    gives the same result as running it whole. Gradients flow through the state; use .detach() to truncate them.

    With `segments` the sequence runs in so many pieces, of which only the input and the state between them are kept
    for the backward pass; what lies within is computed again there. Memory then grows with the length of a piece, and
    about the square root of T pieces need least. `truncate=True` also stops gradients between pieces (truncated
    back-propagation through time). Batch normalisation in training, which looks at all steps at once, is refused.

    Shapes: x [T, B, *features]. Raises: UnknownNameError or ShapeError for a state of another model or size,
    ParameterError for `segments`.
    Source: Chen et al. 2016, arXiv 1604.06174, section 4; Williams and Peng 1990, Neural Computation 2(4).

    >>> import torch, spikeloom as sl
    >>> net, x = sl.LIF(tau_mem=2.0), torch.rand(10, 1, 3) * 2
    >>> first, state = unroll(net, x[:4])
    >>> second, _ = unroll(net, x[4:], state)
    >>> bool((torch.cat([first, second]) == net(x)).all())
    True
    """
    start = None if state is None else _checked(model, state)
    if segments is None and not truncate:
        return _piece(model, x, start)
    if any(session.names.keys() & _names(model).keys() for session in _sessions.get()):
        raise SpikeloomError("unroll in segments cannot be recorded", do="record without segments, or fewer steps")
    return in_segments(model, partial(_piece, model), x, start, 1 if segments is None else segments, truncate)


def _piece(model: nn.Module, x: Tensor, state: States | None) -> tuple[Tensor, States]:
    session = Session(_names(model), given=state, final={})
    with active(session):
        y = model(x)
    return y, session.final or {}


@contextmanager
def record(model: nn.Module, *variables: str) -> Iterator[dict[str, Tensor]]:
    """Record variables of every neuron of `model` that has them, while the block runs.

    Yields a dict that fills as the model runs: "<module name>.<variable>" -> tensor [T, B, *features], for `s` (spikes)
    and any state such as `v`, after the reset of each step. Recorded tensors are part of the graph, so losses on them
    train. A later run of the model inside the block replaces what an earlier one recorded.

    Raises: UnknownNameError if no neuron has a variable of that name.

    >>> import torch, spikeloom as sl
    >>> net = sl.nn.Sequential(nn.Linear(4, 2), sl.LIF())
    >>> with record(net, "v") as trace:
    ...     y = net(torch.rand(5, 1, 4))
    >>> trace["1.v"].shape
    torch.Size([5, 1, 2])
    """
    known = {v for module in model.modules() if isinstance(module, Neuron) for v in module.variables}
    for variable in variables:
        if variable not in known:
            raise UnknownNameError("record", variable, known)
    session = Session(_names(model), variables=variables)
    with active(session):
        yield session.recorded


def _names(model: nn.Module) -> dict[nn.Module, str]:
    """The neurons that run, by module; one inside a wrapper is part of the wrapper."""
    for name, module in model.named_modules():
        if hasattr(module, "_orig_mod"):
            do = "pass the model itself, and call the compiled one elsewhere"
            raise SpikeloomError(f"{name or 'the model'} is compiled by torch.compile and cannot be looked into", do=do)
    neurons = {module: name for name, module in model.named_modules() if isinstance(module, Neuron)}
    inner = {part for neuron in neurons for part in neuron.modules() if part is not neuron}
    return {module: name for module, name in neurons.items() if module not in inner}


def _checked(model: nn.Module, state: Mapping[str, Mapping[str, Tensor]]) -> States:
    names = set(_names(model).values())
    for name in state:
        if name not in names:
            raise UnknownNameError("state of unroll", name, names)
    if missing := names.difference(state) if state else None:
        do = "pass the whole state that unroll returned"
        raise ShapeError("state of unroll", expected=f"{sorted(names)}", got=f"none for {sorted(missing)}", do=do)
    if not state:
        raise ShapeError(
            "state of unroll", expected="the state that unroll returned", got="an empty one", do="pass None"
        )
    return {name: dict(values) for name, values in state.items()}
