"""Calls that repeat: from rest, with plain numbers for all parameters.

Between kernels that stream through memory, the steps of Python before and after them run with cold caches and cost
several times what they cost alone: 4.4 ms without this file and 2.9 ms with it, LIF, T = 32, 131 072 neurons, forward
and backward, two cores. So what a first call has found out is kept where the calls are made.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..parameters import Value, changes
from . import _backend, _execute, _policy
from ._arguments import captured
from ._kernel import Buffers, Span
from ._plan import Plan
from ._statement import Statement


class _Call(NamedTuple):
    """Everything but the input."""

    plan: Plan
    span: Span
    input: str
    output: str
    states: Buffers
    hoisted: _execute.Hoisted
    # Gradients of the final states, which nobody sees.
    nothing: Buffers


class Site:
    """A place from which a statement with one input is run again and again."""

    def __init__(self) -> None:
        self._calls: dict[Hashable, _Call | None] = {}
        self._changes = -1

    def run(
        self, statement: Statement, values: Callable[[], Mapping[str, Value]], x: Tensor, output: str
    ) -> Tensor | None:
        """The output [T, B, *features] from rest; None where a call needs more than is kept here."""
        if type(x) is not Tensor or captured():
            return None
        if self._changes != changes():
            self._calls.clear()
            self._changes = changes()
        differentiated = x.requires_grad and torch.is_grad_enabled()
        key = (x.shape, x.dtype, x.device, differentiated, _policy.chosen(), _backend.chosen())
        if key not in self._calls:
            with torch.no_grad():
                given = values()
            self._calls[key] = _prepared(statement, given, x, output)
        call = self._calls[key]
        if call is None:
            return None
        if differentiated:
            y: Tensor = _Run.apply(call, x)  # type: ignore[no-untyped-call]
            return y
        return _execute.forward(call.plan, call.span, {call.input: x}, call.states, call.hoisted).outputs[0]


def _prepared(statement: Statement, values: Mapping[str, Value], x: Tensor, output: str) -> _Call | None:
    if len(statement.inputs) != 1 or statement.noises or any(isinstance(value, Tensor) for value in values.values()):
        return None
    call = _execute.prepare(statement, values, {next(iter(statement.inputs)): x}, None, (output,))
    plan = call.plan
    if plan.loop.output_kinds[output] != "r" or not plan.neurons or not plan.steps:
        return None
    zero = torch.zeros((), dtype=plan.variant.dtype, device=x.device).expand(plan.neurons)
    states = {name: value.reshape(plan.neurons) for name, value in call.states.items()}
    (name,) = plan.loop.inputs
    hoisted = _execute.hoisted_of(plan, call.params)
    return _Call(plan, plan.span(), name, output, states, hoisted, dict.fromkeys(plan.loop.real_states, zero))


class _Run(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, call: _Call, x: Tensor) -> Tensor:
        result = _execute.forward(call.plan, call.span, {call.input: x}, call.states, call.hoisted)
        ctx.save_for_backward(*result.saved.values())
        ctx.call, ctx.names = call, tuple(result.saved)
        return result.outputs[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        call: _Call = ctx.call
        saved = dict(zip(ctx.names, ctx.saved_tensors, strict=True))
        grads = {call.output: _execute.rows(call.plan, grad, call.plan.variant.stream)}
        streams = {name: _execute.saved_rows(call.plan, name, value) for name, value in saved.items()}
        found = call.plan.kernel.backward(call.span, call.hoisted.rounded, streams, grads, call.nothing)
        return None, found.inputs[call.input].view(call.plan.full)
