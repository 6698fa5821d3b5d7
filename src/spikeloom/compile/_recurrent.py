"""Running a statement whose output returns to its own input through a weight: all steps in one call where compiled."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..parameters import Value
from ._arguments import NOISE, checked_inputs, given_state, origin_of, placed_params, rest_state, schedules, state_dtype
from ._backend import choose
from ._execute import _differentiated, backward, by_role, forward, run
from ._kernel import Variant
from ._loop import build_loop
from ._plan import Plan, _fields
from ._recurrent_kernel import RecurrentKernel, RecurrentLoop
from ._statement import Statement


@dataclass(frozen=True)
class Feedback:
    """Which output [T, B, n] returns to which input `delay` steps later, through weight [n, n] = [to, from].

    `before` [delay, B, n] holds the outputs of the steps before the first, oldest first; None at rest.
    """

    output: str
    into: str
    delay: int
    weight: Tensor
    before: Tensor | None = None


@dataclass(frozen=True)
class RecurrentCall:
    """A checked call of a statement, in the dtype of the state."""

    statement: Statement
    values: Mapping[str, Value]
    inputs: dict[str, Tensor]
    state: Mapping[str, Tensor] | None
    outputs: tuple[str, ...]
    feedback: Feedback
    varying: dict[str, Tensor]

    @property
    def x(self) -> Tensor:
        """The input that what returns is added to."""
        return self.inputs[self.feedback.into]

    @property
    def before(self) -> Tensor:
        """Outputs in flight before the first step; zeros at rest."""
        if self.feedback.before is not None:
            return self.feedback.before
        return torch.zeros((), dtype=self.x.dtype, device=self.x.device).expand(self.feedback.delay, *self.x.shape[1:])


_kernels: dict[Hashable, RecurrentKernel] = {}


def run_recurrent(
    statement: Statement,
    values: Mapping[str, Value],
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    outputs: Sequence[str],
    feedback: Feedback,
    varying: Mapping[str, Tensor] | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
    """Advance over all steps of `inputs` [T, B, n]; at step t the input `feedback.into` is x_t + weight s_{t - delay}.

    Returns outputs [T, B, n], the final state, and the outputs in flight after the last step [delay, B, n]. On a back
    end that compiles recurrent loops one kernel runs all steps; elsewhere they run one after another.

    Raises: what `run` raises.
    """
    call = _checked(statement, values, inputs, state, outputs, feedback, varying)
    with torch.autocast(call.x.device.type, enabled=False):
        produced, final = (_compiled if choose(call.x.device)[0].NAME == "numba" else _stepwise)(call)
        after = torch.cat([call.before, produced[feedback.output]])[-feedback.delay :]
    dtype = next(iter(inputs.values())).dtype
    return {name: y.to(dtype) if y.is_floating_point() else y for name, y in produced.items()}, final, after


def _checked(
    statement: Statement,
    values: Mapping[str, Value],
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    outputs: Sequence[str],
    feedback: Feedback,
    varying: Mapping[str, Tensor] | None,
) -> RecurrentCall:
    name = type(statement).__name__
    x = checked_inputs(name, inputs)
    dtype = state_dtype(x)
    over_time = {label: value.to(dtype) for label, value in schedules(name, statement, varying, x).items()}
    before = None if feedback.before is None else feedback.before.to(dtype)
    exact = replace(feedback, weight=feedback.weight.to(dtype), before=before)
    given = {label: value.to(dtype) for label, value in inputs.items()}
    return RecurrentCall(statement, values, given, state, tuple(outputs), exact, over_time)


def _stepwise(call: RecurrentCall) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """One step after another, on any device and back end: the definition."""
    given, feedback, state = {**call.inputs, **call.varying}, call.feedback, call.state
    if not call.x.shape[0]:
        return run(call.statement, call.values, call.inputs, state, call.outputs, call.varying)
    steps = zip(*(x.split(1) for x in given.values()), strict=True)
    emitted, produced = list(call.before.split(1)), []
    for t, row in enumerate(steps):
        now = dict(zip(given, row, strict=True))
        varying = {name: now.pop(name) for name in call.varying}
        now[feedback.into] = now[feedback.into] + torch.nn.functional.linear(emitted[t], feedback.weight)
        result, state = run(call.statement, call.values, now, state, call.outputs, varying)
        emitted.append(result[feedback.output])
        produced.append(result)
    assert state is not None
    return {name: torch.cat([result[name] for result in produced]) for name in call.outputs}, dict(state)


def _compiled(call: RecurrentCall) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """All steps in one kernel."""
    statement, name = call.statement, type(call.statement).__name__
    params = placed_params(name, statement, call.values, call.x)
    initial = (
        rest_state(statement, params, call.x) if call.state is None else given_state(name, statement, call.state, call.x)
    )
    params = {label: value for label, value in params.items() if label not in call.varying}
    plan = recurrent_plan(call, params, initial)
    origin = origin_of(call.state) if statement.noises else (0, 0)
    tensors = (*call.inputs.values(), *call.varying.values(), *initial.values(), *params.values())
    feedback = call.feedback
    results = _RunRecurrent.apply(plan, origin, feedback.delay, feedback.weight, feedback.before, *tensors)  # type: ignore[no-untyped-call]
    produced = dict(zip(plan.loop.outputs, results, strict=False))
    final = dict(zip(plan.loop.states, results[len(produced) :], strict=True))
    if statement.noises:
        final[NOISE] = torch.tensor([origin[0], origin[1] + plan.steps])
    return produced, final


def recurrent_plan(call: RecurrentCall, params: Mapping[str, Tensor], initial: Mapping[str, Tensor]) -> Plan:
    """Trace and compile what is not yet."""
    streams, feedback, x = {**call.inputs, **call.varying}, call.feedback, call.x
    returned = [t for t in (feedback.weight, feedback.before) if t is not None]
    wrt = _differentiated(params, {**streams, **dict(enumerate(returned))}, initial)  # type: ignore[dict-item]
    # What returns is an input, whatever the gradient is wanted of.
    wrt = frozenset({*(n for n in wrt if isinstance(n, str)), feedback.into}) if wrt else wrt
    tensors = frozenset(label for label, value in params.items() if value.dim())
    key = (call.statement.key(), call.outputs, feedback.output, feedback.into, wrt, tuple(call.varying), tensors, x.dtype)
    if key not in _kernels:
        plain = build_loop(call.statement, call.outputs, wrt, tuple(call.varying))
        loop = RecurrentLoop.of(plain, feedback.output, feedback.into)
        _kernels[key] = RecurrentKernel(loop, Variant(x.dtype, bool(wrt), _fields(loop, tensors), x.dtype))
    kernel, (backend, reason) = _kernels[key], choose(x.device)
    name, steps = type(call.statement).__name__, x.shape[0]
    shape, labels = torch.Size(x.shape[1:]), tuple(params)
    return Plan(-1, name, kernel.loop, kernel, backend.NAME, reason, kernel.variant, steps, shape, max(steps, 1), labels)


class _RunRecurrent(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        plan: Plan,
        origin: tuple[int, int],
        delay: int,
        weight: Tensor,
        before: Tensor | None,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        inputs, states, params = by_role(plan, tensors)
        kernel, loop = plan.kernel, plan.loop
        assert isinstance(kernel, RecurrentKernel) and isinstance(loop, RecurrentLoop)
        absent = weight.new_zeros(()).expand(delay, *plan.shape)
        bound = replace(plan, kernel=kernel.returning(weight, absent if before is None else before, delay))
        result = forward(bound, plan.span(*origin), inputs, states, params)
        emitted = result.outputs[loop.outputs.index(loop.output)]
        ctx.save_for_backward(weight, before, emitted, *result.saved.values())
        ctx.plan, ctx.origin, ctx.hoisted, ctx.names, ctx.delay = plan, origin, result.hoisted, tuple(result.saved), delay
        ctx.shapes = {name: value.shape for name, value in params.items()}
        ctx.set_materialize_grads(False)
        results = (*result.outputs, *result.states)
        ctx.mark_non_differentiable(*(y for y in results if not y.is_floating_point()))
        return results

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        weight, before, emitted, *kept = ctx.saved_tensors
        plan, delay = ctx.plan, ctx.delay
        bound = replace(plan, kernel=plan.kernel.returning(weight, emitted, delay))
        saved = dict(zip(ctx.names, kept, strict=True))
        found = backward(bound, plan.span(*ctx.origin), ctx.hoisted, saved, ctx.shapes, grads)
        current = found.inputs[plan.loop.into]
        for_weight = _weight_gradient(current, emitted, before, delay) if ctx.needs_input_grad[3] else None
        for_before = None
        if before is not None and ctx.needs_input_grad[4]:
            for_before = torch.zeros_like(before)
            for_before[: plan.steps] = current[:delay] @ weight
        inputs = (found.inputs.get(name) for name in plan.loop.inputs)
        states = (found.states.get(name) for name in plan.loop.states)
        params = (found.params.get(name) for name in ctx.shapes)
        return (None, None, None, for_weight, for_before, *inputs, *states, *params)


def _weight_gradient(current: Tensor, emitted: Tensor, before: Tensor | None, delay: int) -> Tensor:
    """Sum over steps and samples of the gradient of the current times the output that returned, in one product."""
    gradient = current[delay:].flatten(0, 1).t() @ emitted[: len(current[delay:])].flatten(0, 1)
    if before is not None:
        early = current[:delay]
        gradient += early.flatten(0, 1).t() @ before[: len(early)].flatten(0, 1)
    return gradient

