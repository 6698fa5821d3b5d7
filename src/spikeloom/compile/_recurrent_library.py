"""The run of a recurrent plan as an operation of `torch.library`: one node of a captured graph for all steps.

Eager calls reach the same code through a `torch.autograd.Function`, whose overhead is smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from . import _execute as execute
from ._library import backward, forward, kept_by, like_gradients, like_results, with_gradient
from ._plan import BY_NUMBER, Plan
from ._recurrent_function import Feedback, in_flight_gradient, weight_gradient
from ._recurrent_kernel import RecurrentLoop, bound


@torch.library.custom_op("spikeloom::advance_recurrent", mutates_args=())
def advance_recurrent(tensors: list[Tensor], weight: Tensor, before: Tensor, origin: Tensor, plan: int) -> list[Tensor]:
    """Outputs, final states, and what the forward pass kept for the backward pass, as rows."""
    return forward(bound(BY_NUMBER[plan], weight, before), tensors, origin)


@advance_recurrent.register_fake
def _(tensors: list[Tensor], weight: Tensor, before: Tensor, origin: Tensor, plan: int) -> list[Tensor]:
    return like_results(BY_NUMBER[plan], tensors[0])


@torch.library.custom_op("spikeloom::advance_recurrent_backward", mutates_args=())
def advance_recurrent_backward(
    saved: list[Tensor],
    params: list[Tensor],
    grads: list[Tensor],
    weight: Tensor,
    before: Tensor,
    origin: Tensor,
    plan: int,
) -> list[Tensor]:
    """Gradients of inputs, initial states and parameters, in their order; empty where there is none."""
    return backward(bound(BY_NUMBER[plan], weight, before), saved, params, grads, origin)


@advance_recurrent_backward.register_fake
def _(
    saved: list[Tensor],
    params: list[Tensor],
    grads: list[Tensor],
    weight: Tensor,
    before: Tensor,
    origin: Tensor,
    plan: int,
) -> list[Tensor]:
    return like_gradients(BY_NUMBER[plan], params, weight)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    tensors, weight, before, origin, ctx.number = inputs
    plan = BY_NUMBER[ctx.number]
    loop = plan.loop
    assert isinstance(loop, RecurrentLoop)
    streams, _, params = execute.by_role(plan, tensors)
    results = dict(zip(loop.outputs, output, strict=False))
    kept = dict(zip(kept_by(plan), output[len(loop.outputs) + len(loop.states) :], strict=True))
    named = {node: {**streams, **results}[name] for node, name in loop.at_hand.items()} | kept
    saved = (named[name] for name in loop.saved)
    ctx.save_for_backward(weight, before, origin, results[loop.output], *params.values(), *saved)
    ctx.results = [(y.shape, y.dtype) for y in output[: len(loop.outputs) + len(loop.states)]]
    ctx.wanted = [t.dtype for t in tensors]


def _gradient(ctx: Any, grads: Sequence[Tensor | None]) -> tuple[Any, ...]:
    plan: Plan = BY_NUMBER[ctx.number]
    weight, before, origin, emitted, *rest = ctx.saved_tensors
    params, saved = rest[: len(plan.params)], rest[len(plan.params) :]
    whole = [
        weight.new_zeros(shape, dtype=dtype) if grad is None else grad
        for grad, (shape, dtype) in zip(grads, ctx.results, strict=False)
    ]
    given = saved, params, whole, weight, before, origin, ctx.number
    found = torch.ops.spikeloom.advance_recurrent_backward(*given)
    assert isinstance(plan.loop, RecurrentLoop)
    current = found[plan.loop.inputs.index(plan.loop.into)]
    feedback = Feedback(plan.loop.output, plan.loop.into, len(before))
    for_weight = weight_gradient(current, emitted, before, feedback)
    for_before = in_flight_gradient(current, weight, before)
    there = zip(found, ctx.wanted, with_gradient(plan), strict=True)
    return [g.to(dtype) if has else None for g, dtype, has in there], for_weight, for_before, None, None


advance_recurrent.register_autograd(_gradient, setup_context=_remember)
