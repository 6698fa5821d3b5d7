"""One step of a membrane in a tree, traced once and divided where the equations of the tree are solved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..compile._loop import INPUT, PARAM, STATE
from ..compile._program import Builder, Node, Program, kind_of, select
from ..compile._trace import Traced, node_of, speaking_of, traced_inputs
from ..errors import TraceError
from ._tree_source import DIAGONAL, DRIVE
from .implicit import Implicit
from .neuron import Neuron

# Names, beside the parameters of the membrane, of what it is given of the tree: areas, sums of axial conductances.
AREA, AXIAL = "_area", "_axial"
# The value that the second program is given.
SOLVED = "u_solved"
# From the diagonal and the right side of each compartment to the solution.
Solver = Callable[[Any, Any], Any]


class InTree(Implicit):
    """An implicit method whose potentials are those of connected compartments.

    With w = area / (dv'/di) the rows are (w rate + sum of conductances) u - sum of conductance * neighbour = w drive.
    """

    area: Any
    axial: Any
    into: str
    solver: Solver

    def set(self, theta: float, area: Any, axial: Any, into: str, solver: Solver) -> InTree:
        """With what the tree says of each compartment."""
        self.__dict__.update(theta=theta, area=area, axial=axial, into=into, solver=solver)
        return self

    def solved(self, rate: Tensor, drive: Tensor, gains: Mapping[str, Tensor]) -> Tensor:
        gain = gains.get(self.into)
        if gain is None:
            do = "a cable adds the currents between compartments to it"
            raise TraceError(f"the derivative of v does not depend on the input {self.into!r}", do=do)
        weight = self.area / gain
        meant: Tensor = self.solver(weight * rate + self.axial, weight * drive)
        return meant


def in_tree(membrane: Neuron, area: Any, axial: Any, into: str, solver: Solver) -> Neuron:
    """A view of a membrane whose integrator knows its neighbours."""
    method = membrane.integrator
    assert isinstance(method, Implicit)
    view = membrane.bind({})
    coupled = InTree().set(method.theta, area, axial, into, solver)
    view.__dict__["_options"] = {**membrane.__dict__["_options"], "integrator": coupled}
    del view.__dict__["_bound"]
    return view


@dataclass(frozen=True)
class CableLoop:
    """Programs of a step before and behind the solution; outputs and states are labelled as those of a `Loop`."""

    states: Mapping[str, str]
    output_kinds: Mapping[str, str]
    prologue: Program
    before: Program
    after: Program
    # Values of the first program that the second reads, with their kinds.
    carried: Mapping[str, str]


def build_cable_loop(membrane: Neuron, outputs: Sequence[str], into: str, *, differentiable: bool) -> CableLoop:
    """Trace one step; `differentiable` keeps what stops gradients. Raises: TraceError."""
    traced = Builder()
    states = {name: state.kind for name, state in membrane.states.items()}
    values = {
        **traced_inputs(traced, PARAM, dict.fromkeys(membrane.params, "r")),
        **traced_inputs(traced, STATE, states),
        **traced_inputs(traced, INPUT, dict.fromkeys(membrane.inputs, "r")),
    }
    tree = traced_inputs(traced, PARAM, {AREA: "r", AXIAL: "r"})
    row: dict[str, Traced] = {}

    def solver(diagonal: Traced, drive: Traced) -> Traced:
        if row:
            do = "state a derivative and leave charge to the integrator"
            raise TraceError(f"{type(membrane).__name__} integrates twice in one step", do=do)
        row.update({DIAGONAL: diagonal, DRIVE: drive})
        return Traced(traced.input(SOLVED), traced)

    view = in_tree(membrane, tree[AREA], tree[AXIAL], into, solver)
    with torch.enable_grad(), speaking_of(membrane):
        step = view.step(values)  # type: ignore[arg-type]
    if not row:
        do = "state a derivative and leave charge to the integrator"
        raise TraceError(f"{type(membrane).__name__} does not integrate its derivative", do=do)
    name = type(membrane).__name__
    produced = {n: node_of(v, f"{n} of {name}", traced, states.get(n, "r")) for n, v in {**step, **row}.items()}
    if differentiable:
        return _divided(traced, produced, outputs, states)
    builder = Builder()
    for source, kind in traced.inputs.items():
        builder.input(source, kind)
    moved = builder.replay(traced.body)
    placed = {n: moved[node] if isinstance(node, str) else node for n, node in produced.items()}
    return _divided(builder, placed, outputs, states)


def _divided(
    builder: Builder, produced: Mapping[str, Node], outputs: Sequence[str], states: Mapping[str, str]
) -> CableLoop:
    body = builder.body
    kinds = {**builder.inputs, **{step.name: step.kind for step in body}}
    level = _levels(builder)
    wanted = {**{n: produced[n] for n in outputs}, **{STATE + n: produced[n] for n in states}}
    late = {n: node for n, node in wanted.items() if isinstance(node, str) and level[node] == 2}
    hoistable = {n: kind for n, kind in kinds.items() if level[n] == 0 and kind == "r"}
    known = {n: kind for n, kind in kinds.items() if level[n] == 1}
    after = select(body, {**hoistable, **known, SOLVED: "r"}, late)
    carried = {n: kind for n, kind in after.inputs.items() if n in known}
    early = {n: node for n, node in wanted.items() if n not in late}
    rows = {n: produced[n] for n in (DIAGONAL, DRIVE)}
    inputs = {n: kind for n, kind in builder.inputs.items() if level[n] == 1}
    before = select(body, {**hoistable, **inputs}, {**rows, **early, **{n: n for n in carried}})
    hoisted = [n for program in (before, after) for n in program.inputs if n in hoistable]
    parameters = {n: "r" for n in builder.inputs if n.startswith(PARAM)}
    prologue = select(body, parameters, {n: n for n in dict.fromkeys(hoisted)})
    return CableLoop(states, {n: kind_of(produced[n], kinds) for n in outputs}, prologue, before, after, carried)


def _levels(builder: Builder) -> dict[str, int]:
    """0: depends on parameters only; 1: on states or inputs; 2: on the solution."""
    level = {n: 0 if n.startswith(PARAM) else 2 if n == SOLVED else 1 for n in builder.inputs}
    for step in builder.body:
        level[step.name] = max((level[source] for source in step.sources), default=0)
    return level
