"""A statement's step as lines of text, to be put into a kernel that is written around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from ._loop import INPUT, NEURON, PARAM, SEED, STATE, STEP, build_loop
from ._numba_source import literal
from ._numba_source import statement as assignment
from ._program import Instruction, Node
from ._reference import evaluate
from ._statement import Statement

_ORIGIN = {SEED: "noise_seed", NEURON: "noise_entity", STEP: "noise_step"}


class Inlined:
    """One step of a statement. In its text a variable reads `v_<name>`, a value of parameters alone `<tag>_<node>`."""

    def __init__(self, statement: Statement, tag: str, outputs: tuple[str, ...] = ()) -> None:
        self.statement, self.tag = statement, tag
        self.loop = build_loop(statement, outputs, frozenset())
        self.program = self.loop.inference

    @property
    def reads(self) -> frozenset[str]:
        """Names of the variables that it depends on."""
        used = {*self.program.inputs, *(n for n in self.program.outputs.values() if isinstance(n, str))}
        prefixed = (name[2:] for name in used if name.startswith((INPUT, STATE)))
        return frozenset(name for name in prefixed if name in {*self.statement.inputs, *self.statement.states})

    @property
    def random(self) -> bool:
        """Whether it draws random numbers."""
        return SEED in self.program.inputs

    @property
    def constants(self) -> tuple[str, ...]:
        """Names, in the text, of what depends on parameters only."""
        return tuple(f"{self.tag}_{name}" for name in self.loop.hoisted)

    def values(self, params: Mapping[str, Any]) -> list[float]:
        """Those constants for given parameters."""
        given = {PARAM + name: torch.as_tensor(params[name], dtype=torch.float64) for name in self.statement.params}
        found = evaluate(self.loop.prologue, given, torch.float64)
        return [float(found[name]) for name in self.loop.hoisted]

    def lines(self) -> list[str]:
        """The step, without reading variables and without writing results."""
        return [assignment(self._renamed(step)) for step in self.program.body]

    def result(self, name: str) -> str:
        """Text of a state's next value, or of an output."""
        label = STATE + name if STATE + name in self.program.outputs else name
        return literal(self._name(self.program.outputs[label]))

    def changes(self, name: str) -> bool:
        """Whether a state's next value is another."""
        return self.program.outputs[STATE + name] != STATE + name

    def _renamed(self, step: Instruction) -> Instruction:
        return replace(step, name=str(self._name(step.name)), arguments=tuple(map(self._name, step.arguments)))

    def _name(self, node: Node) -> Node:
        if not isinstance(node, str):
            return node
        if node in _ORIGIN:
            return _ORIGIN[node]
        variable = node[2:] if node.startswith((INPUT, STATE)) else ""
        return f"v_{variable}" if variable else f"{self.tag}_{node}"
