"""The run of a recurrent plan as one differentiable operation, with the gradient of what returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ._execute import backward, by_role, forward, hoisted_of, in_order, remembered
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
        ctx.feedback = feedback
        return remembered(ctx, (weight, before, emitted), result, (plan, origin, hoisted, params))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        weight, before, emitted, *kept = ctx.saved_tensors
        plan: Plan = ctx.plan
        start = _at_rest(weight, ctx.feedback.delay, plan) if before is None else before
        saved, span = dict(zip(ctx.names, kept, strict=True)), plan.span(*ctx.origin.tolist())
        found = backward(bound(plan, weight, start), span, ctx.hoisted, saved, ctx.shapes, grads)
        current, needs = found.inputs[ctx.feedback.into], ctx.needs_input_grad
        for_weight = weight_gradient(current, emitted, before, ctx.feedback) if needs[3] else None
        for_before = in_flight_gradient(current, weight, before) if needs[4] and before is not None else None
        return (None, None, None, for_weight, for_before, *in_order(ctx, found))


def _at_rest(weight: Tensor, delay: int, plan: Plan) -> Tensor:
    return weight.new_zeros(()).expand(delay, *plan.shape)


def weight_gradient(current: Tensor, emitted: Tensor, before: Tensor | None, feedback: Feedback) -> Tensor:
    """Over all steps and samples, the gradient of the current times the output that returned, in one product."""
    early, late = current[: feedback.delay], current[feedback.delay :]
    gradient = feedback.summed(late.flatten(0, 1), emitted[: len(late)].flatten(0, 1))
    if before is not None:
        gradient = gradient + early.flatten(0, 1).t() @ before[: len(early)].flatten(0, 1)
    return gradient


def in_flight_gradient(current: Tensor, weight: Tensor, before: Tensor) -> Tensor:
    """Output k in flight returned at step k, if there was one."""
    early = current[: len(before)] @ weight
    return torch.cat([early, torch.zeros_like(before)[len(early) :]])
