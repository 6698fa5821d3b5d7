"""The run of a recurrent plan as an operation of `torch.library`: one node of a captured graph for all steps.

Eager calls reach the same code through a `torch.autograd.Function`, whose overhead is smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from . import _execute as execute
from ._library import _kept, _with_gradient
from ._plan import BY_NUMBER, Plan
from ._recurrent_kernel import RecurrentLoop, bound


@torch.library.custom_op("spikeloom::advance_recurrent", mutates_args=())
def advance_recurrent(tensors: list[Tensor], weight: Tensor, before: Tensor, origin: Tensor, plan: int) -> list[Tensor]:
    """Outputs, final states, and what the forward pass kept for the backward pass, as rows."""
    found = bound(BY_NUMBER[plan], weight, before)
    inputs, states, params = execute.by_role(found, tensors)
    hoisted = execute.hoisted_of(found, params)
    result = execute.forward(found, found.span(*origin.tolist()), inputs, states, hoisted)
    return [*result.outputs, *result.states, *(result.saved[name] for name in _kept(found))]


@advance_recurrent.register_fake
def _(tensors: list[Tensor], weight: Tensor, before: Tensor, origin: Tensor, plan: int) -> list[Tensor]:
    found, like = BY_NUMBER[plan], tensors[0]
    loop, variant = found.loop, found.variant
    outputs = [like.new_empty(found.full, dtype=variant.streamed(kind)) for kind in loop.output_kinds.values()]
    states = [like.new_empty(found.shape, dtype=variant.stored(kind)) for kind in loop.states.values()]
    kept = [like.new_empty(rows, found.neurons, dtype=dtype) for rows, dtype in _kept(found).values()]
    return [*outputs, *states, *kept]


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
    found = bound(BY_NUMBER[plan], weight, before)
    given = dict(zip(found.params, params, strict=True))
    named = dict(zip(found.loop.saved, saved, strict=True))
    hoisted, shapes = execute.hoisted_of(found, given), {name: value.shape for name, value in given.items()}
    result = execute.backward(found, found.span(*origin.tolist()), hoisted, named, shapes, grads)
    groups = ((result.inputs, found.loop.inputs), (result.states, found.loop.states), (result.params, found.params))
    nothing = weight.new_empty(0)
    return [group.get(name, nothing).clone() for group, names in groups for name in names]


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
    found = BY_NUMBER[plan]
    shapes = [found.full] * len(found.loop.inputs) + [found.shape] * len(found.loop.states)
    dtypes = [found.variant.dtype] * len(shapes) + [torch.float64] * len(params)
    has = zip([*shapes, *(p.shape for p in params)], dtypes, _with_gradient(found), strict=True)
    return [weight.new_empty(shape, dtype=dtype) if there else weight.new_empty(0) for shape, dtype, there in has]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    tensors, weight, before, origin, ctx.number = inputs
    plan = BY_NUMBER[ctx.number]
    loop = plan.loop
    assert isinstance(loop, RecurrentLoop)
    streams, _, params = execute.by_role(plan, tensors)
    results = dict(zip(loop.outputs, output, strict=False))
    kept = dict(zip(_kept(plan), output[len(loop.outputs) + len(loop.states) :], strict=True))
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
    returned = torch.cat([before, emitted])[: plan.steps]
    for_weight = current.flatten(0, 1).t() @ returned.flatten(0, 1)
    early = current[: len(before)] @ weight
    for_before = torch.cat([early, torch.zeros_like(before)[len(early) :]])
    there = zip(found, ctx.wanted, _with_gradient(plan), strict=True)
    return [g.to(dtype) if has else None for g, dtype, has in there], for_weight, for_before, None, None


advance_recurrent.register_autograd(_gradient, setup_context=_remember)
