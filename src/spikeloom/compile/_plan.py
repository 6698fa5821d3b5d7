"""Everything that is decided before a run: programs, kernel, sizes, what is kept for the backward pass."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from itertools import count

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from ._arguments import state_dtype
from ._backend import BACKENDS, Backend, choose
from ._kernel import Kernel, Span, Variant
from ._loop import PARAM, Loop, build_loop
from ._policy import Policy, chosen, exceeds
from ._statement import Statement

# They live as long as the process: there are as many as there are different neurons and sizes.
_loops: dict[Hashable, Loop] = {}
_kernels: dict[Hashable, Kernel] = {}
_plans: dict[Hashable, Plan] = {}
_numbers = count()
BY_NUMBER: dict[int, Plan] = {}


@dataclass(frozen=True, eq=False)
class Plan:
    """How a statement runs over a sequence of a given size."""

    number: int
    name: str
    loop: Loop
    kernel: Kernel
    backend: str
    reason: str
    variant: Variant
    steps: int
    shape: torch.Size
    segment: int
    # Names of the parameters that do not vary with time.
    params: tuple[str, ...]

    @property
    def neurons(self) -> int:
        """Number of independent neurons: batch times features."""
        return self.shape.numel()

    @property
    def full(self) -> tuple[int, ...]:
        """Shape of inputs and outputs."""
        return (self.steps, *self.shape)

    @property
    def saved_bytes(self) -> float:
        """Bytes that the backward pass keeps per neuron and step, inputs included."""
        return _kept(self.loop, self.variant, self.steps, self.segment)

    def span(self, seed: int = 0, first: int = 0) -> Span:
        """The extent of a run."""
        return Span(self.steps, self.neurons, self.segment, seed, first)


def plan_for(
    statement: Statement,
    outputs: tuple[str, ...],
    wrt: frozenset[str],
    varying: tuple[str, ...],
    fields: frozenset[str],
    x: Tensor,
) -> Plan:
    """The plan for inputs like `x` [T, B, *features], with a gradient for `wrt`.

    Parameters in `varying` are streams, those in `fields` tensors, the others numbers.
    """
    policy = chosen()
    backend, reason = choose(x.device)
    # A captured graph may leave sizes open; a plan fixes them.
    shape = torch.Size(int(n) for n in x.shape)
    key = (statement.key(), outputs, wrt, varying, fields, shape, x.dtype, x.device, policy, backend.NAME, reason)
    if key not in _plans:
        # Nothing of a graph that is being captured may enter the program.
        with _disable_current_modes():
            _plans[key] = _new_plan(statement, outputs, wrt, varying, fields, x, shape, policy, backend, reason)
    return _plans[key]


def _new_plan(
    statement: Statement,
    outputs: tuple[str, ...],
    wrt: frozenset[str],
    varying: tuple[str, ...],
    fields: frozenset[str],
    x: Tensor,
    shape: torch.Size,
    policy: Policy,
    backend: Backend,
    reason: str,
) -> Plan:
    loop = _loop_for(statement, outputs, wrt, varying)
    steps, neurons = shape[0], shape[1:].numel()
    variant = Variant(state_dtype(x), bool(wrt), fields_of(loop, fields), x.dtype)
    again, segment = replace(variant, recompute=True), policy.segment(steps)
    states, checkpoints = _kept(loop, variant, steps, steps), _kept(loop, again, steps, segment)
    wanted = policy.name == "recompute" or (
        policy.name == "auto" and exceeds(int(states * steps * neurons), x.device) and checkpoints < states
    )
    if wrt and wanted:
        variant = again
    else:
        segment = max(steps, 1)
    kernel = _kernel_for(backend, loop, variant)
    params = tuple(name for name in statement.params if name not in varying)
    return numbered(type(statement).__name__, loop, kernel, backend.NAME, reason, variant, shape, segment, params)


def numbered(
    name: str,
    loop: Loop,
    kernel: Kernel,
    backend: str,
    reason: str,
    variant: Variant,
    shape: torch.Size,
    segment: int,
    params: tuple[str, ...],
) -> Plan:
    """A plan for sequences of this shape, [T, B, *features], which can be found by its number."""
    number = next(_numbers)
    plan = Plan(number, name, loop, kernel, backend, reason, variant, shape[0], shape[1:], segment, params)
    BY_NUMBER[number] = plan
    return plan


def resized(plan: Plan, size: int, fields: frozenset[str]) -> Plan:
    """The same plan with a new first feature axis, along which the parameters in `fields` may differ."""
    key = (plan.number, size, fields)
    if key not in _plans:
        variant = replace(plan.variant, fields=fields_of(plan.loop, fields))
        kernel = _kernel_for(BACKENDS[plan.backend], plan.loop, variant)
        shape = torch.Size((plan.shape[0], size, *plan.shape[1:]))
        _plans[key] = wide = replace(plan, number=next(_numbers), variant=variant, kernel=kernel, shape=shape)
        BY_NUMBER[wide.number] = wide
    return _plans[key]


def _kept(loop: Loop, variant: Variant, steps: int, segment: int) -> float:
    """Bytes kept per neuron and step."""
    if variant.recompute:
        states = sum(variant.stored(kind).itemsize for kind in loop.states.values())
        return len(loop.replay_inputs) * variant.stream.itemsize + states * -(-steps // segment) / max(steps, 1)
    return sum(
        (variant.streamed(kind) if name in loop.at_hand else variant.stored(kind)).itemsize
        for name, kind in loop.saved.items()
    )


def _loop_for(statement: Statement, outputs: tuple[str, ...], wrt: frozenset[str], varying: tuple[str, ...]) -> Loop:
    key = (statement.key(), outputs, wrt, varying)
    if key not in _loops:
        _loops[key] = build_loop(statement, outputs, wrt, varying)
    return _loops[key]


def _kernel_for(backend: Backend, loop: Loop, variant: Variant) -> Kernel:
    key = (backend.NAME, id(loop), variant)
    if key not in _kernels:
        _kernels[key] = backend.build(loop, variant)
    return _kernels[key]


def fields_of(loop: Loop, tensors: frozenset[str]) -> frozenset[str]:
    """Hoisted values that differ between neurons: those computed from a parameter tensor."""
    varying = {PARAM + name for name in tensors}
    if not varying:
        return frozenset()
    for step in loop.prologue.body:
        if varying.intersection(step.sources):
            varying.add(step.name)
    return frozenset(varying.intersection(loop.hoisted))
