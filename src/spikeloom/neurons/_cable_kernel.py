"""Running a cable: all time steps of all cells in one kernel, or one step after the other in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..compile._arguments import given_state, placed_params, rest_state
from ..compile._kernel import Buffers, Span
from ..compile._loop import INPUT, PARAM, STATE
from ..compile._memory import copied, empty
from ..compile._numba import _Compiled
from ..compile._program import Program
from ..compile._reference import evaluate
from ..errors import NonFiniteError
from ._cable_program import AREA, AXIAL, SOLVED, CableLoop, build_cable_loop
from ._hines import Tree
from ._tree_source import DIAGONAL, DRIVE, SOLUTION, TreeSource
from .neuron import Neuron

TreeSolver = Callable[[Tree, Tensor, Tensor], Tensor]
_DTYPES = {"i": torch.int32, "b": torch.bool}

# They live as long as the process, as other programs and kernels do.
_loops: dict[Hashable, CableLoop] = {}
_kernels: dict[Hashable, _Compiled] = {}


class CableRun(NamedTuple):
    """A checked call: what is run, on which tree, from where."""

    loop: CableLoop
    tree: Tree
    inputs: Mapping[str, Tensor]
    states: dict[str, Tensor]
    # What depends on parameters only: one number each, or one per compartment.
    hoisted: Buffers

    @property
    def x(self) -> Tensor:
        """An input, [T, B, n]."""
        return next(iter(self.inputs.values()))


Run = tuple[dict[str, Tensor], dict[str, Tensor]]


def prepare(
    membrane: Neuron,
    tree: Tree,
    area: Tensor,
    into: str,
    inputs: Mapping[str, Tensor],
    state: Mapping[str, Tensor] | None,
    outputs: Sequence[str],
    *,
    differentiable: bool,
) -> CableRun:
    """Check the state, trace what is not yet. Raises: ShapeError, DTypeError, TraceError."""
    name, x = type(membrane).__name__, next(iter(inputs.values()))
    params = placed_params(name, membrane, membrane.param_values(), x)
    start = rest_state(membrane, params, x) if state is None else given_state(name, membrane, state, x)
    key = (membrane.key(), tuple(outputs), into, differentiable)
    if key not in _loops:
        _loops[key] = build_cable_loop(membrane, outputs, into, differentiable=differentiable)
    loop = _loops[key]
    given = {**params, AREA: area, AXIAL: tree.total[: tree.compartments]}
    exact = evaluate(loop.prologue, {PARAM + n: value.double() for n, value in given.items()}, torch.float64)
    return CableRun(loop, tree, inputs, start, {n: value.to(x.dtype) for n, value in exact.items()})


def run_stepwise(run: CableRun, solver: TreeSolver) -> Run:
    """The definition: the programs of one step after the other in plain PyTorch, differentiable."""
    loop, x = run.loop, run.x
    now, rows = dict(run.states), list[dict[str, Tensor]]()
    for t in range(x.shape[0]):
        given = {**{STATE + n: v for n, v in now.items()}, **{INPUT + n: v[t] for n, v in run.inputs.items()}}
        before = evaluate(loop.before, {**run.hoisted, **given}, x.dtype)
        diagonal, drive = (before[row].expand(x.shape[1:]) for row in (DIAGONAL, DRIVE))
        solved = {SOLVED: solver(run.tree, diagonal, drive)}
        after = evaluate(loop.after, {**run.hoisted, **{n: before[n] for n in loop.carried}, **solved}, x.dtype)
        found = {label: value.expand(x.shape[1:]) for label, value in {**before, **after}.items()}
        now = {n: found[STATE + n] for n in now}
        rows.append({n: found[n] for n in loop.output_kinds})
    produced = {n: torch.stack([row[n] for row in rows]) if rows else torch.zeros_like(x) for n in loop.output_kinds}
    return produced, now


def run_kernel(run: CableRun) -> Run:
    """All steps in one kernel."""
    loop, tree, x = run.loop, run.tree, run.x
    steps, cells, neurons = x.shape[0], x.shape[1], x.shape[1:].numel()
    hoisted = {n: v.expand(x.shape[1:]).reshape(-1).contiguous() if v.dim() else v for n, v in run.hoisted.items()}
    dtypes = {**_DTYPES, "r": x.dtype}
    produced = {n: empty(steps, neurons, dtype=dtypes[kind]) for n, kind in loop.output_kinds.items()}
    final = {n: copied(value.reshape(neurons), dtypes[loop.states[n]]) for n, value in run.states.items()}
    streams = {
        **tree.streams(cells, x.dtype),
        **{f"in_{n}": value.reshape(steps, neurons).contiguous() for n, value in run.inputs.items()},
        **{f"out_{n}": value for n, value in produced.items()},
        **{f"state_{n}": value for n, value in final.items()},
        **{f"carried_{n}": torch.empty(neurons, dtype=dtypes[kind]) for n, kind in loop.carried.items()},
    }
    fields = frozenset(n for n, value in hoisted.items() if value.dim())
    _kernel_for(loop, fields, x.dtype)(Span(steps, neurons, max(steps, 1)), streams, hoisted)
    return {n: y.view(x.shape) for n, y in produced.items()}, {n: v.view(x.shape[1:]) for n, v in final.items()}


def _kernel_for(loop: CableLoop, fields: frozenset[str], dtype: torch.dtype) -> _Compiled:
    key = (id(loop), fields, dtype)
    if key not in _kernels:
        _kernels[key] = _Compiled(_source(loop, fields, dtype))
    return _kernels[key]


def _source(loop: CableLoop, fields: frozenset[str], dtype: torch.dtype) -> TreeSource:
    real = str(dtype).removeprefix("torch.")
    stored = {kind: str(d).removeprefix("torch.") for kind, d in {**_DTYPES, "r": dtype}.items()}
    source = TreeSource("cable", real)
    source.add_pass(loop.before.body)
    for label in loop.before.inputs:
        if label.startswith(INPUT):
            source.read_row(label, f"in_{label.removeprefix(INPUT)}", real)
    for name, kind in loop.states.items():
        source.cell(f"state_{name}", STATE + name, loop.before.outputs.get(STATE + name), stored[kind])
    for row in (DIAGONAL, DRIVE):
        source.cell(row, None, loop.before.outputs[row], real)
    for label, kind in loop.carried.items():
        source.cell(f"carried_{label}", None, label, stored[kind])
    _write_outputs(source, loop, loop.before, stored)
    source.constants(_constants(loop, loop.before), fields)
    source.add_pass(loop.after.body)
    source.cell(SOLUTION, SOLVED, None, real)
    for label, kind in loop.carried.items():
        source.cell(f"carried_{label}", label, None, stored[kind])
    for name, kind in loop.states.items():
        if STATE + name in loop.after.outputs:
            source.cell(f"state_{name}", None, loop.after.outputs[STATE + name], stored[kind])
    _write_outputs(source, loop, loop.after, stored)
    source.constants(_constants(loop, loop.after), fields)
    return source


def _write_outputs(source: TreeSource, loop: CableLoop, program: Program, stored: Mapping[str, str]) -> None:
    for name, kind in loop.output_kinds.items():
        if name in program.outputs:
            source.write_row(f"out_{name}", program.outputs[name], stored[kind])


def _constants(loop: CableLoop, program: Program) -> list[str]:
    return [name for name in loop.prologue.outputs if name in program.inputs]


def refuse_nan(name: str, states: Mapping[str, Tensor], steps: int) -> None:
    """NaN in a state variable never leaves it, so that the final state tells."""
    for label, value in states.items():
        bad = torch.isnan(value).nonzero()
        if len(bad):
            cell, compartment = bad[0].tolist()
            where = f"{name}.{label} of compartment {compartment} of cell {cell}"
            do = "check parameters, input scale and dt"
            raise NonFiniteError(f"{where} became NaN within {steps} steps", do=do)
