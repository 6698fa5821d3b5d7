"""The run of a plan as an operation of `torch.library`, for torch.compile, torch.func and export.

Eager calls reach the same code through a `torch.autograd.Function`, whose overhead is smaller. A plan is passed by its
number in this process; tensors are passed in the plan's order: inputs, initial states, parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import SpikeloomError
from . import _execute as execute
from ._kernel import Buffers
from ._loop import INPUT
from ._plan import BY_NUMBER, Plan, resized


@torch.library.custom_op("spikeloom::advance", mutates_args=())
def advance(tensors: list[Tensor], origin: Tensor, plan: int) -> list[Tensor]:
    """Outputs, final states, and what the forward pass kept for the backward pass, as rows."""
    return forward(BY_NUMBER[plan], tensors, origin)


def forward(plan: Plan, tensors: list[Tensor], origin: Tensor) -> list[Tensor]:
    """What `advance` does."""
    inputs, states, params = execute.by_role(plan, tensors)
    hoisted = execute.hoisted_of(plan, params)
    result = execute.forward(plan, plan.span(*origin.tolist()), inputs, states, hoisted)
    return [*result.outputs, *result.states, *(result.saved[name] for name in kept_by(plan))]


def kept_by(plan: Plan) -> dict[str, tuple[int, torch.dtype]]:
    """What `advance` returns beyond outputs and states, by name: rows and dtype."""
    loop, variant = plan.loop, plan.variant
    if not loop.backward:
        return {}
    kinds, rows = (loop.states, plan.span().segments) if variant.recompute else (loop.written, plan.steps)
    return {name: (rows, variant.stored(kind)) for name, kind in kinds.items()}


@advance.register_fake
def _(tensors: list[Tensor], origin: Tensor, plan: int) -> list[Tensor]:
    return like_results(BY_NUMBER[plan], tensors[0])


def like_results(plan: Plan, like: Tensor) -> list[Tensor]:
    """Tensors without values, of the shapes and dtypes that `advance` returns."""
    loop, variant = plan.loop, plan.variant
    outputs = [like.new_empty(plan.full, dtype=variant.streamed(kind)) for kind in loop.output_kinds.values()]
    states = [like.new_empty(plan.shape, dtype=variant.stored(kind)) for kind in loop.states.values()]
    return [*outputs, *states, *(like.new_empty(rows, plan.neurons, dtype=dt) for rows, dt in kept_by(plan).values())]


@torch.library.custom_op("spikeloom::advance_backward", mutates_args=())
def advance_backward(
    saved: list[Tensor], params: list[Tensor], grads: list[Tensor], origin: Tensor, plan: int
) -> list[Tensor]:
    """Gradients of the tensors that `advance` was given, in their order; empty where there is none."""
    return backward(BY_NUMBER[plan], saved, params, grads, origin)


def backward(
    plan: Plan, saved: list[Tensor], params: list[Tensor], grads: list[Tensor], origin: Tensor
) -> list[Tensor]:
    """What `advance_backward` does."""
    given = dict(zip(plan.params, params, strict=True))
    named = dict(zip(_saved_names(plan), saved, strict=True))
    hoisted, shapes = execute.hoisted_of(plan, given), {name: value.shape for name, value in given.items()}
    result = execute.backward(plan, plan.span(*origin.tolist()), hoisted, named, shapes, grads)
    nothing = grads[0].new_empty(0)
    groups = ((result.inputs, plan.loop.inputs), (result.states, plan.loop.states), (result.params, plan.params))
    return [group.get(name, nothing).clone() for group, names in groups for name in names]


def _saved_names(plan: Plan) -> list[str]:
    loop = plan.loop
    return (
        [*(INPUT + name for name in loop.replay_inputs), *loop.states] if plan.variant.recompute else list(loop.saved)
    )


@advance_backward.register_fake
def _(saved: list[Tensor], params: list[Tensor], grads: list[Tensor], origin: Tensor, plan: int) -> list[Tensor]:
    return like_gradients(BY_NUMBER[plan], params, grads[0])


def like_gradients(plan: Plan, params: list[Tensor], like: Tensor) -> list[Tensor]:
    """Tensors without values, of the shapes and dtypes that `advance_backward` returns."""
    loop, variant = plan.loop, plan.variant
    shapes = [*[plan.full] * len(loop.inputs), *[plan.shape] * len(loop.states), *(value.shape for value in params)]
    dtypes = [*[variant.stream] * len(loop.inputs), *[variant.dtype] * len(loop.states), *[torch.float64] * len(params)]
    there = zip(shapes, dtypes, with_gradient(plan), strict=True)
    return [like.new_empty(shape if has else 0, dtype=dtype if has else like.dtype) for shape, dtype, has in there]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    tensors, origin, number = inputs
    plan = BY_NUMBER[number]
    loop = plan.loop
    streams, _, params = execute.by_role(plan, tensors)
    named: Buffers = {INPUT + name: value for name, value in streams.items()}
    results = dict(zip(loop.outputs, output, strict=False))
    named |= {node: results[name] for node, name in loop.at_hand.items() if name in results}
    named |= dict(zip(kept_by(plan), output[len(loop.outputs) + len(loop.states) :], strict=True))
    ctx.save_for_backward(origin, *params.values(), *(named[name] for name in _saved_names(plan)))
    ctx.number = number
    ctx.results = [(y.shape, y.dtype, y.device) for y in output[: len(loop.outputs) + len(loop.states)]]
    ctx.wanted = [t.dtype if t.is_floating_point() else None for t in tensors]
    ctx.set_materialize_grads(False)


def _operation(origin: Tensor, number: int, saved: int, params: int, *tensors: Tensor) -> Sequence[Tensor]:
    kept, values, grads = tensors[:saved], tensors[saved : saved + params], tensors[saved + params :]
    results: list[Tensor] = torch.ops.spikeloom.advance_backward(list(kept), list(values), list(grads), origin, number)
    return results


def _gradient(
    ctx: Any, grads: Sequence[Tensor | None], operation: Callable[..., Sequence[Tensor]] = _operation
) -> tuple[Any, None, None]:
    plan = BY_NUMBER[ctx.number]
    origin, *rest = ctx.saved_tensors
    params, saved = rest[: len(plan.params)], rest[len(plan.params) :]
    whole = [
        torch.zeros(shape, dtype=dtype, device=device) if grad is None else grad
        for grad, (shape, dtype, device) in zip(grads, ctx.results, strict=False)
    ]
    found = operation(origin, ctx.number, len(saved), len(params), *saved, *params, *whole)
    counts = with_gradient(plan)
    return [g.to(d) if has else None for g, d, has in zip(found, ctx.wanted, counts, strict=True)], None, None


def with_gradient(plan: Plan) -> list[bool]:
    loop = plan.loop
    labels = loop.backward.outputs if loop.backward else {}
    learned = loop.epilogue.outputs if loop.epilogue else {}
    inputs = [INPUT + name in labels for name in loop.inputs]
    return [*inputs, *(kind == "r" for kind in loop.states.values()), *(name in learned for name in plan.params)]


advance.register_autograd(_gradient, setup_context=_remember)


class Transformed(torch.autograd.Function):
    """`advance` for torch.func, whose transforms do not know the gradients of operations of torch.library."""

    generate_vmap_rule = True

    @staticmethod
    def forward(origin: Tensor, number: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(torch.ops.spikeloom.advance(list(tensors), origin, number))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        origin, number, *tensors = inputs
        _remember(ctx, (tensors, origin, number), list(output))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        found, *_ = _gradient(ctx, grads, _TransformedBackward.apply)
        return None, None, *found


class _TransformedBackward(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(origin: Tensor, number: int, saved: int, params: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(_operation(origin, number, saved, params, *tensors))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        raise SpikeloomError(
            "the gradient of a neuron cannot be differentiated again", do="take first derivatives only"
        )


# Under vmap the mapped axis becomes the first feature axis, which parameters align with.


@advance.register_vmap
def _(info: Any, in_dims: tuple[Any, ...], tensors: list[Tensor], origin: Tensor, plan: int) -> Any:
    found, size, dims = BY_NUMBER[plan], info.batch_size, in_dims[0]
    inputs, states, params = _grouped(found, tensors)
    input_dims, state_dims, param_dims = _grouped(found, dims)
    wide = resized(
        found,
        size,
        frozenset(n for n, p, d in zip(found.params, params, param_dims, strict=True) if p.dim() or d is not None),
    )
    moved = [
        *(_spread(x, d, size, 2) for x, d in zip(inputs, input_dims, strict=True)),
        *(_spread(x, d, size, 1) for x, d in zip(states, state_dims, strict=True)),
        *(_field(p, d, len(found.shape) - 1) for p, d in zip(params, param_dims, strict=True)),
    ]
    results = torch.ops.spikeloom.advance(moved, origin, wide.number)
    outputs, finals = len(found.loop.outputs), len(found.loop.states)
    kept = [_rows_apart(y, found, size) for y in results[outputs + finals :]]
    return [*results[: outputs + finals], *kept], [*[2] * outputs, *[1] * finals, *[0] * len(kept)]


@advance_backward.register_vmap
def _(
    info: Any,
    in_dims: tuple[Any, ...],
    saved: list[Tensor],
    params: list[Tensor],
    grads: list[Tensor],
    origin: Tensor,
    plan: int,
) -> Any:
    found, size = BY_NUMBER[plan], info.batch_size
    saved_dims, param_dims, grad_dims, *_ = in_dims
    params, param_dims = _all_mapped(found, params, param_dims, size)
    wide = resized(found, size, _mapped_or_field(found, params, param_dims))
    streams = len(found.loop.outputs)
    wide_grads = [
        _spread(g, d, size, 2 if k < streams else 1) for k, (g, d) in enumerate(zip(grads, grad_dims, strict=True))
    ]
    wide_saved = [
        _spread(x, d, size, 2) if name in found.loop.at_hand else _rows_together(x, d, found, size)
        for name, x, d in zip(_saved_names(found), saved, saved_dims, strict=True)
    ]
    wide_params = [_field(p, d, len(found.shape) - 1) for p, d in zip(params, param_dims, strict=True)]
    results = torch.ops.spikeloom.advance_backward(wide_saved, wide_params, wide_grads, origin, wide.number)
    inputs, states, values = _grouped(found, results)
    shaped = [_apart(v, p.shape, d) for v, p, d in zip(values, params, param_dims, strict=True)]
    dims = [(x, 2) for x in inputs] + [(x, 1) for x in states] + [(x, 0) for x in shaped]
    return [*inputs, *states, *shaped], [None if x.numel() == 0 else dim for x, dim in dims]


def _all_mapped(
    plan: Plan, params: list[Tensor], dims: Sequence[int | None], size: int
) -> tuple[list[Tensor], list[int | None]]:
    """Each parameter with a gradient along the mapped axis, because its gradient differs there."""
    learned = plan.loop.epilogue.outputs if plan.loop.epilogue else {}
    pairs = [
        (p.expand(size, *p.shape), 0) if d is None and name in learned else (p, d)
        for name, p, d in zip(plan.params, params, dims, strict=True)
    ]
    return [p for p, _ in pairs], [d for _, d in pairs]


def _mapped_or_field(plan: Plan, params: Sequence[Tensor], dims: Sequence[int | None]) -> frozenset[str]:
    """Parameters that are no single number."""
    return frozenset(n for n, p, d in zip(plan.params, params, dims, strict=True) if p.dim() or d is not None)


def _grouped(plan: Plan, items: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
    first = len(plan.loop.inputs)
    second = first + len(plan.loop.states)
    return items[:first], items[first:second], items[second:]


def _spread(x: Tensor, dim: int | None, size: int, to: int) -> Tensor:
    """The mapped axis moved to `to`, or made there."""
    if dim is not None:
        return x.movedim(dim, to)
    return x.unsqueeze(to).expand(*x.shape[:to], size, *x.shape[to:])


def _field(p: Tensor, dim: int | None, features: int) -> Tensor:
    """A parameter whose first axis is the mapped one; numbers stay numbers where they are not mapped."""
    if dim is None:
        return p.unsqueeze(0) if p.dim() else p
    moved = p.movedim(dim, 0)
    return moved.reshape(moved.shape[0], *(moved.shape[1:] or [1] * features))


def _apart(gradient: Tensor, shape: torch.Size, dim: int | None) -> Tensor:
    """The gradient of a parameter as its mapped shape."""
    if gradient.numel() == 0 or dim is None:
        return gradient
    return gradient.reshape(gradient.shape[0], *[n for axis, n in enumerate(shape) if axis != dim])


def _rows_apart(kept: Tensor, plan: Plan, size: int) -> Tensor:
    batch = plan.shape[0]
    return kept.view(kept.shape[0], batch, size, -1).movedim(2, 0).reshape(size, kept.shape[0], plan.neurons)


def _rows_together(kept: Tensor, dim: int | None, plan: Plan, size: int) -> Tensor:
    rows = kept.movedim(dim, 0) if dim is not None else kept.expand(size, *kept.shape)
    return rows.reshape(size, rows.shape[1], plan.shape[0], -1).movedim(0, 2).reshape(rows.shape[1], -1)
