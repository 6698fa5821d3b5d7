"""Running a statement over a sequence: one opaque differentiable operation to autograd."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..parameters import Value
from ._arguments import NOISE, captured, checked_inputs
from ._gather import differentiated, gathered
from ._kernel import Buffers, Span
from ._loop import INPUT, PARAM, Loop
from ._nan_watch import refuse_nan
from ._plan import Plan, plan_for
from ._reference import evaluate
from ._statement import Statement


class Hoisted(NamedTuple):
    """What the prologue computes: in float64 with the parameters' shapes, and as the kernel takes it."""

    exact: Buffers
    rounded: Buffers


class Prepared(NamedTuple):
    """A call that was checked: its plan, its tensors by role, and where its random numbers come from."""

    plan: Plan
    inputs: dict[str, Tensor]
    states: dict[str, Tensor]
    params: dict[str, Tensor]
    origin: Tensor


_constants: dict[Hashable, Hoisted] = {}


def run(
    statement: Statement,
    values: Mapping[str, Value],
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    outputs: Sequence[str],
    varying: Mapping[str, Tensor] | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Advance over all steps of `inputs` [T, B, *features]; return outputs [T, B, *features] and the final state.

    `values` are the parameters; those in `varying`, [T, ...] each, change from step to step.
    Raises: ShapeError, DTypeError, DeviceError, NonFiniteError, TraceError, BackendError.
    """
    call = prepare(statement, values, inputs, state, outputs, varying)
    plan = call.plan
    tensors = (*call.inputs.values(), *call.states.values(), *call.params.values())
    if captured():
        results = _in_graph(call.origin, plan.number, tensors)
    elif plan.loop.backward:
        results = _Run.apply(plan, call.origin, *tensors)  # type: ignore[no-untyped-call]
    else:
        results = _inference(call)
    produced = dict(zip(plan.loop.outputs, results, strict=False))
    final = dict(zip(plan.loop.states, results[len(produced) :], strict=False))
    if statement.noises:
        final[NOISE] = call.origin + torch.tensor([0, plan.steps])
    return produced, final


def _in_graph(origin: Tensor, number: int, tensors: tuple[Tensor, ...]) -> Sequence[Tensor]:
    """Through torch.library, which knows this module."""
    from ._library import Transformed

    if torch._C._functorch.peek_interpreter_stack() is not None:
        return Transformed.apply(origin, number, *tensors)  # type: ignore[no-any-return, no-untyped-call]
    return torch.ops.spikeloom.advance(tensors, origin, number)  # type: ignore[no-any-return]


def prepare(
    statement: Statement,
    values: Mapping[str, Value],
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    outputs: Sequence[str],
    varying: Mapping[str, Tensor] | None = None,
) -> Prepared:
    """Check the arguments, trace and compile what is not yet."""
    x = checked_inputs(type(statement).__name__, inputs)
    given = gathered(statement, values, inputs, state, varying, x)
    wrt = differentiated(given.params, given.inputs, given.states)
    fields = frozenset(label for label, value in given.params.items() if value.dim())
    plan = plan_for(statement, tuple(outputs), wrt, given.varying, fields, x)
    return Prepared(plan, given.inputs, given.states, given.params, given.origin)


def hoisted_of(plan: Plan, params: Mapping[str, Tensor]) -> Hoisted:
    """Run the prologue, once for numbers that stay the same."""
    if any(value.dim() or value.requires_grad or value.device.type != "cpu" for value in params.values()):
        return _evaluate_prologue(plan, params)
    key = (id(plan.loop), plan.variant, *(value.item() for value in params.values()))
    if key not in _constants:
        if len(_constants) > 1024:  # a scheduled parameter takes a new value at every step
            _constants.clear()
        _constants[key] = _evaluate_prologue(plan, params)
    return _constants[key]


def _evaluate_prologue(plan: Plan, params: Mapping[str, Tensor]) -> Hoisted:
    named = {PARAM + name: value.detach().double() for name, value in params.items()}
    exact = evaluate(plan.loop.prologue, named, torch.float64)
    rounded = {name: value.to(plan.variant.dtype) for name, value in exact.items()}
    for name in plan.variant.fields:
        rounded[name] = rounded[name].expand(plan.shape).reshape(plan.neurons).contiguous()
    return Hoisted(exact, rounded)


def rows(plan: Plan, x: Tensor, dtype: torch.dtype) -> Tensor:
    """[T, B, *features] as [T, neurons], without a copy where time alone is strided."""
    x = x.to(dtype)
    if plan.steps == 0 or not x[0].is_contiguous():
        x = x.contiguous()
    return x.as_strided((plan.steps, plan.neurons), (x.stride(0), 1), x.storage_offset())


class Advanced(NamedTuple):
    """Outputs [T, B, *features], final states [B, *features], and what the backward pass reads by name."""

    outputs: tuple[Tensor, ...]
    states: tuple[Tensor, ...]
    saved: Buffers


def forward(plan: Plan, span: Span, inputs: Buffers, states: Buffers, hoisted: Hoisted) -> Advanced:
    """Run a plan's forward kernel on tensors of any layout."""
    loop, full = plan.loop, (plan.steps, *plan.shape)
    streams = {name: rows(plan, x, plan.variant.stream) for name, x in inputs.items()}
    flat = {name: value.reshape(plan.neurons) for name, value in states.items()}
    result = plan.kernel.forward(span, hoisted.rounded, streams, flat)
    if result.nan:
        refuse_nan(plan, span, hoisted.rounded, streams, flat)
    outputs = tuple(result.outputs[name].view(full) for name in loop.outputs)
    final = tuple(result.states[name].view(plan.shape) for name in loop.states)
    saved = _saved(loop, plan.variant.recompute, inputs, dict(zip(loop.outputs, outputs, strict=True)), result.kept)
    return Advanced(outputs, final, saved if loop.backward else {})


def _saved(loop: Loop, recompute: bool, inputs: Buffers, outputs: Buffers, kept: Buffers) -> Buffers:
    if recompute:
        return {**{INPUT + name: inputs[name] for name in loop.replay_inputs}, **kept}
    streams = {node: inputs[n] if n in inputs else outputs[n] for node, n in loop.at_hand.items()}
    return {name: streams[name] if name in streams else kept[name] for name in loop.saved}


class Gradients(NamedTuple):
    """Of inputs, initial states and parameters, by name; what is not there has none."""

    inputs: Buffers
    states: Buffers
    params: Buffers


def backward(
    plan: Plan, span: Span, hoisted: Hoisted, saved: Buffers, shapes: Mapping[str, torch.Size], grads: Sequence[Any]
) -> Gradients:
    """Run a plan's backward kernel; `grads` are those of outputs and final states, `shapes` those of the parameters."""
    full = plan.full
    streams = {name: saved_rows(plan, name, value) for name, value in saved.items()}
    outputs, states = _incoming(plan, grads)
    result = plan.kernel.backward(span, hoisted.rounded, streams, outputs, states)
    return Gradients(
        {name: grad.view(full) for name, grad in result.inputs.items()},
        {name: grad.view(plan.shape) for name, grad in result.states.items()},
        _parameter_gradients(plan, hoisted.exact, result.sums, shapes),
    )


def saved_rows(plan: Plan, name: str, value: Tensor) -> Tensor:
    """Kept streams are rows already; inputs and outputs have the shape of the sequence."""
    return (
        rows(plan, value, value.dtype if value.dtype == torch.bool else plan.variant.stream)
        if (value.dim() != 2 or value.shape[1] != plan.neurons or name in plan.loop.at_hand)
        else value
    )


def _incoming(plan: Plan, grads: Sequence[Tensor | None]) -> tuple[Buffers, Buffers]:
    """Gradients of outputs as rows and of final states; zeros where there is none."""
    loop, variant = plan.loop, plan.variant
    device = next((g.device for g in grads if g is not None), torch.device("cpu"))
    named = dict(zip(loop.outputs, grads, strict=False))
    zeros = torch.zeros(1, dtype=variant.stream, device=device).expand(plan.steps, *plan.shape)
    outputs = {
        name: rows(plan, zeros if (g := named[name]) is None else g, variant.stream) for name in loop.real_outputs
    }
    finals = dict(zip(loop.states, grads[len(loop.outputs) :], strict=True))
    zero = torch.zeros((), dtype=variant.dtype, device=device)
    states = {}
    for name in loop.real_states:
        grad = finals[name]
        states[name] = (zero if grad is None else grad.to(variant.dtype)).expand(plan.shape).reshape(plan.neurons)
    return outputs, states


def _parameter_gradients(plan: Plan, hoisted: Buffers, sums: Buffers, shapes: Mapping[str, torch.Size]) -> Buffers:
    if plan.loop.epilogue is None or not plan.loop.epilogue.outputs:
        return {}
    varied = any(len(shape) for shape in shapes.values())
    target = plan.shape[1:] if varied else torch.Size(())
    totals = {name: _summed(value.view(plan.shape), target) for name, value in sums.items()}
    found = evaluate(plan.loop.epilogue, {**hoisted, **totals}, torch.float64)
    return {name: _summed(found[name], shapes[name]) for name in found}


def _summed(x: Tensor, shape: torch.Size) -> Tensor:
    """Sum in float64 down to `shape`; on the CPU in one thread, so that the number of threads does not matter."""
    extra = x.dim() - len(shape)
    axes = (*range(extra), *(extra + i for i, size in enumerate(shape) if size == 1 and x.shape[extra + i] != 1))
    if x.device.type != "cpu":
        return x.double().sum(axes).reshape(shape) if axes else x.double()
    return torch.as_tensor(x.numpy().sum(axis=axes, dtype="float64")).reshape(shape)


def _inference(call: Prepared) -> tuple[Tensor, ...]:
    plan = call.plan
    hoisted = hoisted_of(plan, call.params)
    result = forward(plan, plan.span(*call.origin.tolist()), call.inputs, call.states, hoisted)
    return (*result.outputs, *result.states)


class _Run(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plan: Plan, origin: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        inputs, states, params = by_role(plan, tensors)
        hoisted = hoisted_of(plan, params)
        result = forward(plan, plan.span(*origin.tolist()), inputs, states, hoisted)
        return remembered(ctx, (), result, (plan, origin, hoisted, params))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        plan: Plan = ctx.plan
        saved = dict(zip(ctx.names, ctx.saved_tensors, strict=True))
        found = backward(plan, plan.span(*ctx.origin.tolist()), ctx.hoisted, saved, ctx.shapes, grads)
        return (None, None, *in_order(ctx, found))


def remembered(
    ctx: Any, beside: tuple[Tensor | None, ...], result: Advanced, of: tuple[Plan, Tensor, Hoisted, Buffers]
) -> tuple[Tensor, ...]:
    """Outputs and final states; `ctx` keeps what the backward pass needs, and the tensors `beside`."""
    ctx.plan, ctx.origin, ctx.hoisted, params = of
    ctx.save_for_backward(*beside, *result.saved.values())
    ctx.names, ctx.shapes = tuple(result.saved), {name: value.shape for name, value in params.items()}
    ctx.set_materialize_grads(False)
    results = (*result.outputs, *result.states)
    ctx.mark_non_differentiable(*(y for y in results if not y.is_floating_point()))
    return results


def in_order(ctx: Any, found: Gradients) -> tuple[Tensor | None, ...]:
    """Gradients of inputs, states and parameters as the tensors were given."""
    loop = ctx.plan.loop
    inputs, states = (found.inputs.get(name) for name in loop.inputs), (found.states.get(name) for name in loop.states)
    return (*inputs, *states, *(found.params.get(name) for name in ctx.shapes))


def by_role(plan: Plan, tensors: Sequence[Tensor]) -> tuple[Buffers, Buffers, Buffers]:
    """Inputs, initial states and parameters by name."""
    loop = plan.loop
    middle, last = len(loop.inputs), len(loop.inputs) + len(loop.states)
    inputs = dict(zip(loop.inputs, tensors[:middle], strict=True))
    states = dict(zip(loop.states, tensors[middle:last], strict=True))
    return inputs, states, dict(zip(plan.params, tensors[last:], strict=True))
