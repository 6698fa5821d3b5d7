"""Running a statement over a sequence: one opaque differentiable operation to autograd."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..errors import NonFiniteError
from ..parameters import Value
from ._arguments import checked_inputs, initial_state, placed_params, state_dtype
from ._backend import Backend, choose
from ._kernel import Buffers, Kernel, Variant
from ._loop import INPUT, PARAM, Loop, build_loop
from ._reference import evaluate
from ._statement import Statement

_loops: dict[Hashable, Loop] = {}
_kernels: dict[Hashable, Kernel] = {}


class _Hoisted(NamedTuple):
    """What the prologue computes: in float64 with the parameters' shapes, and as the kernel takes it."""

    exact: Buffers
    rounded: Buffers


_constants: dict[Hashable, _Hoisted] = {}
_plans: dict[Hashable, tuple[Plan, Buffers]] = {}


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before a run: programs, kernel, sizes and placed parameters."""

    name: str
    loop: Loop
    kernel: Kernel
    backend: str
    reason: str
    variant: Variant
    steps: int
    shape: torch.Size
    params: dict[str, Tensor]

    @property
    def saved_bytes(self) -> int:
        """Bytes that the backward pass keeps per neuron and step, inputs included."""
        return sum(self.variant.dtype.itemsize if kind == "r" else 1 for kind in self.loop.saved.values())

    @property
    def neurons(self) -> int:
        """Number of independent neurons: batch times features."""
        return self.shape.numel()


def plan_run(
    statement: Statement,
    values: Mapping[str, Value],
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    outputs: Sequence[str],
) -> tuple[Plan, Buffers]:
    """Check the arguments, trace and compile what is not yet; return the plan and the initial state."""
    x = checked_inputs(type(statement).__name__, inputs)
    chosen, reason = choose(x.device)
    if state is not None or any(isinstance(value, Tensor) for value in values.values()):
        return _new_plan(statement, values, inputs, state, tuple(outputs), chosen, reason)
    # Numbers alone: the next call of the same size is planned alike, from rest.
    grads = (torch.is_grad_enabled(), *(given.requires_grad for given in inputs.values()))
    key = (statement.key(), *values.values(), *outputs, x.shape, x.dtype, x.device, *grads, chosen.NAME, reason)
    if key not in _plans:
        if len(_plans) > 1024:  # a scheduled parameter takes a new value at every step
            _plans.clear()
        _plans[key] = _new_plan(statement, values, inputs, None, tuple(outputs), chosen, reason)
    return _plans[key]


def _new_plan(
    statement: Statement,
    values: Mapping[str, Value],
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    outputs: tuple[str, ...],
    chosen: Backend,
    reason: str,
) -> tuple[Plan, Buffers]:
    name, x = type(statement).__name__, next(iter(inputs.values()))
    params = placed_params(name, statement, values, x)
    initial = initial_state(name, statement, params, state, x)
    loop = _loop_for(statement, outputs, _differentiated(params, inputs, initial))
    variant = Variant(state_dtype(x), loop.backward is not None, _fields(loop, params))
    kernel = _kernel_for(chosen, loop, variant)
    return Plan(name, loop, kernel, chosen.NAME, reason, variant, x.shape[0], x.shape[1:], params), initial


def run(
    statement: Statement,
    values: Mapping[str, Value],
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    outputs: Sequence[str],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Advance over all steps of `inputs` [T, B, *features]; return outputs [T, B, *features] and the final state.

    Raises: ShapeError, DTypeError, DeviceError, NonFiniteError, TraceError, BackendError.
    """
    plan, initial = plan_run(statement, values, inputs, state, outputs)
    arguments = [*(inputs[n] for n in plan.loop.inputs), *initial.values(), *plan.params.values()]
    results = _Run.apply(plan, *arguments)  # type: ignore[no-untyped-call]
    dtype = next(iter(inputs.values())).dtype
    produced = {name: y.to(dtype) for name, y in zip(outputs, results, strict=False)}
    return produced, dict(zip(plan.loop.states, results[len(outputs) :], strict=True))


def _differentiated(
    params: Mapping[str, Tensor], inputs: Mapping[str, Tensor], state: Mapping[str, Tensor]
) -> frozenset[str]:
    if not torch.is_grad_enabled():
        return frozenset()
    wanted = {n for n, t in (*params.items(), *inputs.items()) if t.requires_grad}
    # A state that requires a gradient needs the backward program even where nothing else does.
    if not wanted and any(s.requires_grad for s in state.values()):
        return frozenset(inputs)
    return frozenset(wanted)


def _loop_for(statement: Statement, outputs: tuple[str, ...], wrt: frozenset[str]) -> Loop:
    key = (statement.key(), outputs, wrt)
    if key not in _loops:
        _loops[key] = build_loop(statement, outputs, wrt)
    return _loops[key]


def _kernel_for(chosen: Backend, loop: Loop, variant: Variant) -> Kernel:
    key = (chosen.NAME, id(loop), variant)  # loops live as long as the process
    if key not in _kernels:
        _kernels[key] = chosen.build(loop, variant)
    return _kernels[key]


def _fields(loop: Loop, params: Mapping[str, Tensor]) -> frozenset[str]:
    """Hoisted values that differ between neurons: those computed from a parameter tensor."""
    varying = {PARAM + name for name, value in params.items() if value.dim()}
    if not varying:
        return frozenset()
    for step in loop.prologue.body:
        if varying.intersection(step.sources):
            varying.add(step.name)
    return frozenset(varying.intersection(loop.hoisted))


def _hoisted(plan: Plan) -> _Hoisted:
    """Run the prologue, once for numbers that stay the same."""
    if any(value.dim() or value.requires_grad or value.device.type != "cpu" for value in plan.params.values()):
        return _evaluate_prologue(plan)
    key = (id(plan.loop), plan.variant, *(value.item() for value in plan.params.values()))
    if key not in _constants:
        if len(_constants) > 1024:  # a scheduled parameter takes a new value at every step
            _constants.clear()
        _constants[key] = _evaluate_prologue(plan)
    return _constants[key]


def _evaluate_prologue(plan: Plan) -> _Hoisted:
    named = {PARAM + name: value.detach().double() for name, value in plan.params.items()}
    exact = evaluate(plan.loop.prologue, named, torch.float64)
    rounded = {name: value.to(plan.variant.dtype) for name, value in exact.items()}
    for name in plan.variant.fields:
        rounded[name] = rounded[name].expand(plan.shape).reshape(plan.neurons).contiguous()
    return _Hoisted(exact, rounded)


def _rows(plan: Plan, x: Tensor) -> Tensor:
    """[T, B, *features] as [T, neurons], without a copy where time alone is strided."""
    x = x if x.dtype == torch.bool else x.to(plan.variant.dtype)
    if plan.steps == 0 or not x[0].is_contiguous():
        x = x.contiguous()
    return x.as_strided((plan.steps, plan.neurons), (x.stride(0), 1), x.storage_offset())


class _Run(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plan: Plan, *tensors: Tensor) -> tuple[Tensor, ...]:
        loop, full = plan.loop, (plan.steps, *plan.shape)
        given = dict(zip(loop.inputs, tensors, strict=False))
        inputs = {name: _rows(plan, x) for name, x in given.items()}
        initial = dict(zip(loop.states, tensors[len(given) :], strict=False))
        states = {name: value.reshape(plan.neurons) for name, value in initial.items()}
        hoisted = _hoisted(plan)
        result = plan.kernel.forward(plan.steps, plan.neurons, hoisted.rounded, inputs, states)
        if result.nan:
            _refuse_nan(plan, result.states, inputs)
        outputs = {name: result.outputs[name].view(full) for name in loop.outputs}
        if loop.backward is not None:
            at_hand = {INPUT + name: x for name, x in given.items()}
            at_hand |= {str(loop.forward.outputs[name]): y for name, y in outputs.items()}
            at_hand |= result.written
            ctx.save_for_backward(*(at_hand[name] for name in loop.saved))
        ctx.plan, ctx.hoisted = plan, hoisted
        ctx.set_materialize_grads(False)
        return (*outputs.values(), *(result.states[name].view(plan.shape) for name in loop.states))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        plan: Plan = ctx.plan
        loop = plan.loop
        saved = {name: _rows(plan, value) for name, value in zip(loop.saved, ctx.saved_tensors, strict=True)}
        outputs, states = _incoming(plan, grads)
        result = plan.kernel.backward(plan.steps, plan.neurons, ctx.hoisted.rounded, saved, outputs, states)
        full = (plan.steps, *plan.shape)
        inputs = [result.inputs[name].view(full) if name in result.inputs else None for name in loop.inputs]
        initial = [result.states[name].view(plan.shape) for name in loop.states]
        return (None, *inputs, *initial, *_parameter_gradients(plan, ctx.hoisted.exact, result.sums))


def _incoming(plan: Plan, grads: Sequence[Tensor | None]) -> tuple[Buffers, Buffers]:
    """Gradients of outputs as rows and of final states; zeros where there is none."""
    loop, dtype = plan.loop, plan.variant.dtype
    device = next((g.device for g in grads if g is not None), torch.device("cpu"))
    zeros = torch.zeros(1, dtype=dtype, device=device).expand(plan.steps, *plan.shape)
    count = len(loop.outputs)
    outputs = {n: _rows(plan, zeros if g is None else g) for n, g in zip(loop.outputs, grads[:count], strict=True)}
    zero = torch.zeros((), dtype=dtype, device=device)
    finals = {n: zero if g is None else g.to(dtype) for n, g in zip(loop.states, grads[count:], strict=True)}
    return outputs, {name: grad.expand(plan.shape).reshape(plan.neurons) for name, grad in finals.items()}


def _parameter_gradients(plan: Plan, hoisted: Buffers, sums: Buffers) -> list[Tensor | None]:
    if plan.loop.epilogue is None or not plan.loop.epilogue.outputs:
        return [None] * len(plan.params)
    varied = any(value.dim() for value in plan.params.values())
    target = plan.shape[1:] if varied else torch.Size(())
    totals = {name: _summed(value.view(plan.shape), target) for name, value in sums.items()}
    found = evaluate(plan.loop.epilogue, {**hoisted, **totals}, torch.float64)
    return [_summed(found[n], p.shape) if n in found else None for n, p in plan.params.items()]


def _summed(x: Tensor, shape: torch.Size) -> Tensor:
    """Sum in float64 down to `shape`; on the CPU in one thread, so that the number of threads does not matter."""
    extra = x.dim() - len(shape)
    axes = (*range(extra), *(extra + i for i, size in enumerate(shape) if size == 1 and x.shape[extra + i] != 1))
    if x.device.type != "cpu":
        return x.double().sum(axes).reshape(shape) if axes else x.double()
    return torch.as_tensor(x.numpy().sum(axis=axes, dtype="float64")).reshape(shape)


def _refuse_nan(plan: Plan, states: Buffers, inputs: Buffers) -> NoReturn:
    """NaN in a state variable never leaves it, so kernels look at the final state, at 1/T of the cost."""
    name, value = next((n, v) for n, v in states.items() if torch.isnan(v).any())
    neuron = [int(i) for i in torch.isnan(value.view(plan.shape)).nonzero()[0]]
    where = f"{plan.name}.{name} of neuron {neuron} (batch index first)"
    for label, x in inputs.items():
        bad = torch.isnan(x).any(dim=1).nonzero()
        if len(bad):
            do = "look at the layer or the data before it"
            raise NonFiniteError(f"{where} became NaN: its input {label!r} is NaN from step {int(bad[0])}", do=do)
    raise NonFiniteError(f"{where} became NaN within {plan.steps} steps", do="check parameters, input scale and dt")
