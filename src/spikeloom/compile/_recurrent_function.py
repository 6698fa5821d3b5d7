"""The run of a recurrent plan as one differentiable operation, with the gradient of what returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ._execute import backward, by_role, forward, hoisted_of
from ._plan import Plan
from ._recurrent_kernel import bound


def _dense(a: Tensor, b: Tensor) -> Tensor:
    return a.t() @ b


@dataclass(frozen=True)
class Feedback:
    """Which output returns to which input `delay` steps later.

    `summed` computes the gradient of the weight: a.T @ b of a gradient and the outputs that returned, [T * B, n] each.
    """

    output: str
    into: str
    delay: int
    summed: Callable[[Tensor, Tensor], Tensor] = _dense


class RunRecurrent(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        plan: Plan,
        origin: Tensor,
        feedback: Feedback,
        weight: Tensor,
        before: Tensor | None,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        inputs, states, params = by_role(plan, tensors)
        start = _at_rest(weight, feedback.delay, plan) if before is None else before
        hoisted = hoisted_of(plan, params)
        result = forward(bound(plan, weight, start), plan.span(*origin.tolist()), inputs, states, hoisted)
        emitted = result.outputs[plan.loop.outputs.index(feedback.output)]
        ctx.save_for_backward(weight, before, emitted, *result.saved.values())
        ctx.plan, ctx.origin, ctx.hoisted, ctx.names = plan, origin, hoisted, tuple(result.saved)
        ctx.feedback = feedback
        ctx.shapes = {name: value.shape for name, value in params.items()}
        ctx.set_materialize_grads(False)
        results = (*result.outputs, *result.states)
        ctx.mark_non_differentiable(*(y for y in results if not y.is_floating_point()))
        return results

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        weight, before, emitted, *kept = ctx.saved_tensors
        plan: Plan = ctx.plan
        saved = dict(zip(ctx.names, kept, strict=True))
        start = _at_rest(weight, ctx.feedback.delay, plan) if before is None else before
        found = backward(
            bound(plan, weight, start), plan.span(*ctx.origin.tolist()), ctx.hoisted, saved, ctx.shapes, grads
        )
        current = found.inputs[ctx.feedback.into]
        needs = ctx.needs_input_grad
        for_weight = _weight_gradient(ctx.feedback, current, emitted, before) if needs[3] else None
        for_before = _in_flight_gradient(current, weight, before) if needs[4] and before is not None else None
        inputs = (found.inputs.get(name) for name in plan.loop.inputs)
        states = (found.states.get(name) for name in plan.loop.states)
        params = (found.params.get(name) for name in ctx.shapes)
        return (None, None, None, for_weight, for_before, *inputs, *states, *params)


def _at_rest(weight: Tensor, delay: int, plan: Plan) -> Tensor:
    return weight.new_zeros(()).expand(delay, *plan.shape)


def _weight_gradient(feedback: Feedback, current: Tensor, emitted: Tensor, before: Tensor | None) -> Tensor:
    """Over all steps and samples, the gradient of the current times the output that returned, in one product."""
    early, late = current[: feedback.delay], current[feedback.delay :]
    gradient = feedback.summed(late.flatten(0, 1), emitted[: len(late)].flatten(0, 1))
    if before is not None:
        gradient = gradient + early.flatten(0, 1).t() @ before[: len(early)].flatten(0, 1)
    return gradient


def _in_flight_gradient(current: Tensor, weight: Tensor, before: Tensor) -> Tensor:
    """Output k in flight returned at step k, if there was one."""
    gradient = torch.zeros_like(before)
    gradient[: len(current)] = current[: len(before)] @ weight
    return gradient
