"""From a statement to the programs of its time loop.

prologue   parameters -> values that do not change with time, computed once per call
forward    one step; `inference` is the same without what is kept for the backward pass
backward   one step, from the last to the first; accumulates `sums` over time
epilogue   sums -> parameter gradients, computed once per call
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from ..errors import TraceError
from ._cut import cheapest_cut
from ._differentiate import gradients
from ._program import Builder, Instruction, Node, Program, kind_of, select
from ._statement import Statement
from ._trace import Traced, node_of, speaking_of, traced_inputs

# Prefixes of input names in the programs, by role.
PARAM, INPUT, STATE, SAVED = "p_", "x_", "s_", "k_"
GRAD_OUTPUT, GRAD_STATE, SUM = "gy_", "gs_", "sum_"
# What a kernel knows without being given a stream: the seed of the run, the neuron's index and the step since rest.
SEED, NEURON, STEP = ORIGIN = ("o_seed", "o_neuron", "o_step")


@dataclass(frozen=True)
class Loop:
    """The programs of a time loop; labels of outputs are plain names of outputs, states, inputs and parameters.

    `inputs` are the declared ones and the parameters that vary with time; states come with their kinds.
    """

    inputs: tuple[str, ...]
    states: Mapping[str, str]
    outputs: tuple[str, ...]
    prologue: Program
    inference: Program
    forward: Program
    backward: Program | None
    epilogue: Program | None

    @cached_property
    def hoisted(self) -> tuple[str, ...]:
        """Names of the values that the prologue hands to the loop."""
        return tuple(self.prologue.outputs)

    @cached_property
    def output_kinds(self) -> dict[str, str]:
        """The kind of each output."""
        kinds = self.inference.kinds()
        return {name: kind_of(self.inference.outputs[name], kinds) for name in self.outputs}

    @cached_property
    def real_outputs(self) -> tuple[str, ...]:
        """Outputs through which gradients flow."""
        return tuple(name for name, kind in self.output_kinds.items() if kind == "r")

    @cached_property
    def real_states(self) -> tuple[str, ...]:
        """States through which gradients flow."""
        return tuple(name for name, kind in self.states.items() if kind == "r")

    @cached_property
    def random(self) -> bool:
        """Whether a step draws random numbers."""
        return SEED in self.forward.inputs

    @cached_property
    def saved(self) -> dict[str, str]:
        """What the backward pass reads of each step, with its kind."""
        inputs = self.backward.inputs if self.backward else {}
        of_step = self.forward.kinds().keys() - set(self.hoisted) - set(ORIGIN)
        return {name: kind for name, kind in inputs.items() if name in of_step}

    @cached_property
    def written(self) -> dict[str, str]:
        """Those of `saved` that the forward pass must write, because they are neither inputs nor outputs."""
        return {name: kind for name, kind in self.saved.items() if name not in self.at_hand}

    @cached_property
    def at_hand(self) -> dict[str, str]:
        """Inputs and outputs by node, but for recorded states, which may be stored with less precision."""
        outputs = {str(self.forward.outputs[name]): name for name in self.outputs if name not in self.states}
        return {**outputs, **{INPUT + name: name for name in self.inputs}}

    @cached_property
    def replayed(self) -> dict[str, str]:
        """Those of `saved` that a segment recomputed from its first state gives: all but inputs."""
        return {name: kind for name, kind in self.saved.items() if not name.startswith(INPUT)}

    @cached_property
    def replay_inputs(self) -> tuple[str, ...]:
        """Inputs that are read when segments are recomputed."""
        read = {*self.forward.inputs, *(self.backward.inputs if self.backward else ())}
        return tuple(name for name in self.inputs if INPUT + name in read)


def build_loop(
    statement: Statement, outputs: Sequence[str], wrt: frozenset[str], varying: tuple[str, ...] = ()
) -> Loop:
    """Trace one step of `statement`, jointly with its backward for the inputs and parameters in `wrt`.

    Parameters in `varying` are read anew at each step, as inputs are.
    """
    traced, roles = Builder(), _Roles(statement, varying)
    with torch.enable_grad(), speaking_of(statement):
        step: Mapping[str, Any] = statement.step(roles.values(traced))
    produced = {
        name: node_of(value, f"{name} of {type(statement).__name__}", traced, roles.states.get(name, "r"))
        for name, value in step.items()
    }
    wanted = [name for name in (*roles.params, *roles.inputs) if name in wrt]
    found = _joint(roles, traced, produced, outputs, wanted) if wanted else {}
    # Once differentiated, what `detach` kept apart is one value again: s + (f - f) is s.
    builder = Builder()
    for name, kind in traced.inputs.items():
        builder.input(name, kind)
    moved = builder.replay(traced.body)
    produced, found = ({n: moved[v] if isinstance(v, str) else v for n, v in d.items()} for d in (produced, found))
    return _Split(roles, builder, outputs, produced, found, wrt).loop()


class _Roles:
    """Which name of a statement is what in this loop."""

    def __init__(self, statement: Statement, varying: tuple[str, ...]) -> None:
        self.name = type(statement).__name__
        self.params = [name for name in statement.params if name not in varying]
        self.inputs = [*statement.inputs, *varying]
        self.states = {name: state.kind for name, state in statement.states.items()}
        self.real_states = [name for name, kind in self.states.items() if kind == "r"]
        self.noises = dict(statement.noises)

    def values(self, builder: Builder) -> dict[str, Any]:
        """A traced value for every variable of the statement."""
        return {
            **traced_inputs(builder, PARAM, dict.fromkeys(self.params, "r")),
            **traced_inputs(builder, STATE, self.states),
            **traced_inputs(builder, INPUT, dict.fromkeys(self.inputs, "r")),
            **self._drawn(builder),
        }

    def _drawn(self, builder: Builder) -> dict[str, Traced]:
        """Each noise variable draws from a stream of its own."""
        if not self.noises:
            return {}
        seed, neuron, step = (builder.input(name, "i") for name in ORIGIN)
        return {
            name: Traced(builder.emit(noise.distribution, seed, purpose, neuron, step), builder)
            for purpose, (name, noise) in enumerate(self.noises.items())
        }


def _joint(
    roles: _Roles, builder: Builder, produced: Mapping[str, Node], outputs: Sequence[str], wanted: Sequence[str]
) -> dict[str, Node]:
    """Append the backward of one step; return the gradients of states and of what is wanted."""
    seeds: dict[Node, Node] = {}
    for prefix, names in ((GRAD_OUTPUT, outputs), (GRAD_STATE, roles.real_states)):
        for name in names:
            node = produced[name]
            if builder.kind(node) == "r":
                seed = builder.input(prefix + name)
                seeds[node] = builder.emit("add", seeds[node], seed) if node in seeds else seed
    leaves = {**{n: STATE + n for n in roles.real_states}, **{n: _leaf_name(roles, n) for n in wanted}}
    found = gradients(builder, seeds, leaves.values())
    return {name: found[leaf] for name, leaf in leaves.items()}


def _leaf_name(roles: _Roles, name: str) -> str:
    return (PARAM if name in roles.params else INPUT) + name


class _Split:
    """Divides one traced step into the programs of a loop."""

    def __init__(
        self,
        roles: _Roles,
        builder: Builder,
        outputs: Sequence[str],
        produced: Mapping[str, Node],
        gradients: Mapping[str, Node],
        wrt: frozenset[str],
    ) -> None:
        self.roles, self.outputs, self.wrt = roles, tuple(outputs), wrt
        self.builder, self.produced, self.gradients = builder, produced, gradients
        self.body = builder.body
        self.steps = {step.name: step for step in self.body}
        self.kinds = {**builder.inputs, **{step.name: step.kind for step in self.body}}
        self.level = self._levels()

    def _levels(self) -> dict[str, int]:
        """0: depends on parameters only; 1: on states or inputs; 2: on gradients."""
        level = {name: 0 if name.startswith(PARAM) else 1 for name in self.builder.inputs}
        level.update({name: 2 for name in level if name.startswith((GRAD_OUTPUT, GRAD_STATE))})
        for step in self.body:
            level[step.name] = max((level[source] for source in step.sources), default=0)
        return level

    def loop(self) -> Loop:
        """Assemble the programs."""
        results = {name: self.produced[name] for name in (*self.outputs, *self.roles.states)}
        given = {n: kind for n, kind in self.kinds.items() if self._hoistable(n) or n in self.builder.inputs}
        inference = select(self.body, given, self._labelled(results))
        forward, backward, epilogue, late = inference, None, None, set[str]()
        if self.wrt:
            backward, sums, grads = self._backward()
            kept = [name for name in backward.inputs if self.level[name] == 1 and name not in ORIGIN]
            forward = select(self.body, given, {**self._labelled(results), **{SAVED + name: name for name in kept}})
            known = {
                **{SUM + node: "r" for node in sums},
                **{n: k for n, k in self.kinds.items() if self._hoistable(n)},
            }
            epilogue = _epilogue(grads, sums, self.steps, known)
            late = set(epilogue.inputs)
        hoisted = [n for n in self._invariants(inference, forward, backward) if n in self.kinds]
        parameters = {name: "r" for name in self.builder.inputs if name.startswith(PARAM)}
        wanted = dict.fromkeys([*hoisted, *sorted(n for n in late if n in self.kinds)])
        prologue = select(self.body, parameters, {name: name for name in wanted})
        return Loop(
            tuple(self.roles.inputs), self.roles.states, self.outputs, prologue, inference, forward, backward, epilogue
        )

    def _hoistable(self, name: str) -> bool:
        """Real numbers that do not change; a truth value costs less to find again than to carry along."""
        return self.level[name] == 0 and self.kinds[name] == "r"

    def _labelled(self, results: Mapping[str, Node]) -> dict[str, Node]:
        """A state recorded as an output is one node under two labels."""
        return {**{n: results[n] for n in self.outputs}, **{STATE + n: results[n] for n in self.roles.states}}

    def _invariants(self, *programs: Program | None) -> list[str]:
        names = [name for program in programs if program for name in program.inputs if self._hoistable(name)]
        outputs = [n for program in programs if program for n in program.outputs.values() if isinstance(n, str)]
        return list(dict.fromkeys([*names, *(n for n in outputs if self.level.get(n) == 0)]))

    def _backward(self) -> tuple[Program, list[str], dict[str, Node]]:
        grads = {name: self.gradients[name] for name in self.roles.params if name in self.wrt}
        for name, node in grads.items():
            if not isinstance(node, str):
                raise TraceError(f"{self.roles.name}.{name} has no gradient", do=f"leave {name!r} out of learn")
        sums = self._accumulated(grads)
        outputs: dict[str, Node] = {INPUT + n: self.gradients[n] for n in self.roles.inputs if n in self.wrt}
        outputs.update({STATE + name: self.gradients[name] for name in self.roles.real_states})
        outputs.update({SUM + node: node for node in sums})
        roots = [node for node in outputs.values() if isinstance(node, str)]
        saved = cheapest_cut(self.steps, self.level, self.kinds, roots, self._cost)
        free = {n for n in self.kinds if self._hoistable(n) or n.startswith((GRAD_OUTPUT, GRAD_STATE))}
        given = {name: kind for name, kind in self.kinds.items() if name in free or name in saved}
        return select(self.body, given, outputs), sums, grads

    def _cost(self, node: str) -> float:
        """Bytes kept per neuron and step; less for an output, which is mostly alive anyway, and an unwritten input."""
        if node in ORIGIN:
            return 0.0
        size = 1.0 if self.kinds[node] == "b" else 4.0
        if node.startswith(INPUT):
            return 0.9 * size
        return 0.8 * size if node in [self.produced[name] for name in self.outputs] else size

    def _accumulated(self, grads: Mapping[str, Node]) -> list[str]:
        """The nodes to sum over time: as early as the rest is linear with coefficients that do not change."""
        late = list(dict.fromkeys(str(node) for node in grads.values()))
        early, seen, pending = [], set(late), late[::-1]
        while pending:
            node = pending.pop()
            sources = self._linear_in(node)
            if not sources:
                early.append(node)
            fresh = [source for source in sources if source not in seen]
            seen.update(fresh)
            pending.extend(reversed(fresh))
        # An accumulator costs a load and a store in the first-level cache, a later one several operations.
        return early if len(early) <= 4 * len(grads) else late

    def _linear_in(self, node: str) -> list[str]:
        """The values of which a node is a linear combination with coefficients that do not change, if it is one."""
        step = self.steps.get(node)
        if step is None or self.level[node] == 0:
            return []
        varying = [source for source in step.sources if self.level[source] > 0]
        everywhere = step.operation in ("neg", "add", "sub") and len(varying) == len(step.arguments)
        scaled = step.operation == "mul" and len(varying) == 1
        divided = step.operation == "div" and varying == [step.arguments[0]]
        return varying if everywhere or scaled or divided else []


def _epilogue(
    grads: Mapping[str, Node], sums: Sequence[str], steps: Mapping[str, Instruction], known: Mapping[str, str]
) -> Program:
    """The instructions between the accumulated nodes and the parameter gradients, on their sums."""
    renamed = {node: SUM + node for node in sums}
    body = []
    for step in steps.values():
        if step.name not in renamed:
            arguments = tuple(renamed.get(a, a) if isinstance(a, str) else a for a in step.arguments)
            body.append(Instruction(step.name, step.operation, arguments))
    outputs = {name: renamed.get(node, node) if isinstance(node, str) else node for name, node in grads.items()}
    return select(body, known, outputs)
