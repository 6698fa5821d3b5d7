"""Running a statement whose output returns to its own input through a weight: all steps in one call where compiled."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from ..parameters import Value
from ._arguments import NOISE, captured, checked_inputs, schedules, state_dtype
from ._backend import choose
from ._execute import prepare, run
from ._gather import Gathered, differentiated, gathered
from ._kernel import Variant
from ._loop import build_loop
from ._plan import Plan, fields_of, numbered
from ._recurrent_function import Feedback, RunRecurrent
from ._recurrent_kernel import RecurrentKernel, RecurrentLoop
from ._recurrent_library import advance_recurrent
from ._statement import Statement


@dataclass(frozen=True)
class RecurrentCall:
    """A checked call of a statement, in the dtype of the state."""

    statement: Statement
    values: Mapping[str, Value]
    inputs: dict[str, Tensor]
    state: Mapping[str, Tensor] | None
    outputs: tuple[str, ...]
    feedback: Feedback
    weight: Tensor
    given_before: Tensor | None
    varying: dict[str, Tensor]

    @property
    def x(self) -> Tensor:
        """The input that what returns is added to."""
        return self.inputs[self.feedback.into]

    @property
    def before(self) -> Tensor:
        """Outputs in flight before the first step; zeros at rest."""
        if self.given_before is not None:
            return self.given_before
        return torch.zeros((), dtype=self.x.dtype, device=self.x.device).expand(self.feedback.delay, *self.x.shape[1:])


# No names of states.
_WEIGHT, _BEFORE = "(weight)", "(in flight)"

_kernels: dict[Hashable, RecurrentKernel] = {}
_plans: dict[Hashable, Plan] = {}


def run_recurrent(
    statement: Statement,
    values: Mapping[str, Value],
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    outputs: Sequence[str],
    feedback: Feedback,
    weight: Tensor,
    before: Tensor | None = None,
    varying: Mapping[str, Tensor] | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
    """Advance over all steps of `inputs` [T, B, n]; at step t the input `feedback.into` is x_t + weight s_{t - delay}.

    `weight` is [n, n] = [to, from]; `before` [delay, B, n] holds the outputs of the steps before the first, oldest
    first; None at rest. Returns outputs [T, B, n], the final state, and the outputs in flight after the last step,
    [delay, B, n]. On a back end that compiles recurrent loops one kernel runs all steps; elsewhere they run one after
    another.

    Raises: what `run` raises.
    """
    x = checked_inputs(type(statement).__name__, inputs)
    call = _call(statement, values, inputs, state, outputs, feedback, weight, before, varying)
    with torch.autocast(call.x.device.type, enabled=False):
        produced, final = (_at_once if _compiles(call.x.device) else _stepwise)(call)
        after = torch.cat([call.before, produced[feedback.output][-feedback.delay :]])[-feedback.delay :]
    return {name: y.to(x.dtype) if y.is_floating_point() else y for name, y in produced.items()}, final, after


def plan_recurrent(
    statement: Statement,
    values: Mapping[str, Value],
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    feedback: Feedback,
    weight: Tensor,
) -> Plan:
    """How `run_recurrent` would run from rest."""
    call = _call(statement, values, inputs, None, outputs, feedback, weight, None, None)
    if _compiles(call.x.device):
        return _prepared(call)[0]
    plan = prepare(statement, values, call.inputs, None, call.outputs).plan
    return replace(plan, reason=f"{plan.reason}; recurrent, so one step after another")


def _compiles(device: torch.device) -> bool:
    """Whether one kernel runs all steps: on the CPU, unless under a transform of torch.func."""
    return choose(device)[0].NAME == "numba" and (torch.compiler.is_compiling() or not captured())


def _call(
    statement: Statement,
    values: Mapping[str, Value],
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    outputs: Sequence[str],
    feedback: Feedback,
    weight: Tensor,
    before: Tensor | None,
    varying: Mapping[str, Tensor] | None,
) -> RecurrentCall:
    """Everything in the dtype of the state: what returns is not rounded."""
    x = inputs[feedback.into]
    over_time = schedules(type(statement).__name__, statement, varying, x)
    dtype = state_dtype(x)
    return RecurrentCall(
        statement,
        values,
        {name: value.to(dtype) for name, value in inputs.items()},
        state,
        tuple(outputs),
        feedback,
        weight.to(dtype),
        None if before is None else before.to(dtype),
        {name: value.to(dtype) for name, value in over_time.items()},
    )


def _stepwise(call: RecurrentCall) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """One step after another, on any device and back end: the definition."""
    given, feedback, state = {**call.inputs, **call.varying}, call.feedback, call.state
    if not call.x.shape[0]:
        return run(call.statement, call.values, call.inputs, state, call.outputs, call.varying)
    steps = zip(*(torch.split(x, 1) for x in given.values()), strict=True)
    emitted, produced = [*torch.split(call.before, 1)], []
    for t, row in enumerate(steps):
        now = dict(zip(given, row, strict=True))
        varying = {name: now.pop(name) for name in call.varying}
        now[feedback.into] = now[feedback.into] + torch.nn.functional.linear(emitted[t], call.weight)
        result, state = run(call.statement, call.values, now, state, call.outputs, varying)
        emitted.append(result[feedback.output])
        produced.append(result)
    assert state is not None
    return {name: torch.cat([result[name] for result in produced]) for name in call.outputs}, dict(state)


def _at_once(call: RecurrentCall) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """All steps in one kernel."""
    plan, origin, tensors = _prepared(call)
    if torch.compiler.is_compiling():
        results = advance_recurrent([*tensors], call.weight, call.before.clone(), origin, plan.number)
    else:
        given = call.feedback, call.weight, call.given_before, *tensors
        results = RunRecurrent.apply(plan, origin, *given)  # type: ignore[no-untyped-call]
    produced = dict(zip(plan.loop.outputs, results, strict=False))
    final = dict(zip(plan.loop.states, results[len(produced) :], strict=False))
    if call.statement.noises:
        final[NOISE] = origin + torch.tensor([0, plan.steps])
    return produced, final


def _prepared(call: RecurrentCall) -> tuple[Plan, Tensor, tuple[Tensor, ...]]:
    """The plan, where random numbers come from, and the tensors in the plan's order."""
    given = gathered(call.statement, call.values, call.inputs, call.state, call.varying, call.x)
    tensors = (*given.inputs.values(), *given.states.values(), *given.params.values())
    return _plan(call, given), given.origin, tensors


def _plan(call: RecurrentCall, given: Gathered) -> Plan:
    """Trace and compile what is not yet."""
    feedback, x = call.feedback, call.x
    # What returns is an input, whatever the gradient is wanted of.
    flowing = {**given.states, _WEIGHT: call.weight, _BEFORE: call.before}
    wrt = differentiated(given.params, given.inputs, flowing)
    wrt = wrt | {feedback.into} if wrt else wrt
    fields = frozenset(label for label, value in given.params.items() if value.dim())
    backend, reason = choose(x.device)
    # A captured graph may leave sizes open; a plan fixes them.
    shape = torch.Size(int(n) for n in x.shape)
    of_loop = (call.outputs, feedback.output, feedback.into, wrt, given.varying, fields)
    kind = (call.statement.key(), *of_loop, x.dtype)
    key = (*kind, shape, backend.NAME, reason)
    if key not in _plans:
        # Nothing of a graph that is being captured may enter the program.
        with _disable_current_modes():
            if kind not in _kernels:
                _kernels[kind] = _kernel(call, wrt, fields)
        kernel = _kernels[kind]
        name, segment = type(call.statement).__name__, max(shape[0], 1)
        _plans[key] = numbered(
            name, kernel.loop, kernel, backend.NAME, reason, kernel.variant, shape, segment, tuple(given.params)
        )
    return _plans[key]


def _kernel(call: RecurrentCall, wrt: frozenset[str], fields: frozenset[str]) -> RecurrentKernel:
    plain = build_loop(call.statement, call.outputs, wrt, tuple(call.varying))
    loop = RecurrentLoop.of(plain, call.feedback.output, call.feedback.into)
    return RecurrentKernel(loop, Variant(call.x.dtype, bool(wrt), fields_of(loop, fields), call.x.dtype))
