"""The source text of kernels: loops over blocks of neurons, over time, over the neurons of a block."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from ._program import Instruction, Node

# Neurons that advance through all time steps together: a few rows of state fit in the first-level cache.
BLOCK = 1024

_TEMPLATES = {
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "div": "{} / {}",
    "neg": "-{}",
    "abs": "abs({})",
    "sign": "one if {0} > zero else (-one if {0} < zero else {0})",
    "floor": "real(np.floor({}))",
    "sqrt": "real(math.sqrt({}))",
    "exp": "exp({})",
    "expm1": "expm1({})",
    "log": "log({})",
    "log1p": "log1p({})",
    "pow": "real(math.pow({}, {}))",
    "tanh": "tanh({})",
    "sigmoid": "sigmoid({})",
    "erf": "real(math.erf({}))",
    "atan": "real(math.atan({}))",
    "sin": "real(math.sin({}))",
    "cos": "real(math.cos({}))",
    "minimum": "{0} if ({0} < {1}) | ({0} != {0}) else {1}",
    "maximum": "{0} if ({0} > {1}) | ({0} != {0}) else {1}",
    "lt": "{} < {}",
    "le": "{} <= {}",
    "gt": "{} > {}",
    "ge": "{} >= {}",
    "eq": "{} == {}",
    "ne": "{} != {}",
    "and": "{} & {}",
    "or": "{} | {}",
    "not": "not {}",
    "where": "{1} if {0} else {2}",
    "real": "one if {} else zero",
}

_HEADER = {
    "float32": "real, zero, one = float32, float32(0.0), float32(1.0)\n",
    "float64": (
        "real, zero, one = float64, 0.0, 1.0\n"
        "exp, expm1, log, log1p, tanh, sigmoid = math.exp, math.expm1, math.log, math.log1p, math.tanh, sigmoid64\n"
    ),
}


def literal(node: Node) -> str:
    if isinstance(node, str | bool):
        return str(node)
    if math.isfinite(node):
        return f"real({node!r})"
    return "real(np.nan)" if math.isnan(node) else ("real(np.inf)" if node > 0 else "real(-np.inf)")


def statement(step: Instruction) -> str:
    return f"{step.name} = {_TEMPLATES[step.operation].format(*map(literal, step.arguments))}"


@dataclass
class Phase:
    """One loop over time: where rows begin, and what happens to each neuron of a row."""

    backward: bool = False
    rows: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    body: tuple[Instruction, ...] = ()
    stores: list[str] = field(default_factory=list)

    def read(self, value: str, pointer: str, kind: str = "r") -> None:
        """Bind a value to an element of a row or block."""
        element = f"load({pointer}, i)"
        self.loads.append(f"{value} = {element if kind == 'r' else f'{element} != uint8(0)'}")

    def write(self, pointer: str, node: Node, kind: str = "r") -> None:
        """Set an element of a row or block."""
        value = literal(node)
        self.stores.append(f"store({pointer}, i, {value if kind == 'r' else f'uint8({value})'})")

    def lines(self) -> list[str]:
        """The loop's text."""
        inner = [*self.loads, *map(statement, self.body), *self.stores]
        time = "t = steps - 1 - k" if self.backward else "t = k"
        loop = ["k = int64(0)", "while k < steps:", *_indented([time, *self.rows, *_over_block(inner), "k += 1"])]
        return loop


def _over_block(lines: Iterable[str]) -> list[str]:
    return ["i = int64(0)", "while i < size:", *_indented([*lines, "i += 1"])]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@dataclass
class KernelSource:
    """A kernel being written: its arguments in order, what each block begins with, and its phases."""

    name: str
    real: str
    arguments: list[tuple[str, str]] = field(default_factory=list)
    per_block: list[str] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    scratch_cells: int = 0
    scratch_rows: int = 0

    def phase(self, body: tuple[Instruction, ...], backward: bool = False) -> Phase:
        """Add a loop over time."""
        self.phases.append(Phase(backward=backward, body=body))
        return self.phases[-1]

    def row(self, phase: Phase, pointer: str, kind: str = "r", strided: bool = True) -> str:
        """A stream with one row per time step; returns the pointer to the present one."""
        stride = f"{pointer}_stride" if strided else "neurons"
        if (pointer, self._pointer(kind)) not in self.arguments:
            self.arguments.append((pointer, self._pointer(kind)))
            if strided:
                self.arguments.append((stride, "int64"))
        phase.rows.append(f"{pointer}_t = at({pointer}, t * {stride} + block)")
        return f"{pointer}_t"

    def cell(self, pointer: str) -> str:
        """A stream with one value per neuron; returns the pointer to the block's."""
        if (pointer, self._pointer("r")) not in self.arguments:
            self.arguments.append((pointer, self._pointer("r")))
            self.per_block.append(f"{pointer}_b = at({pointer}, block)")
        return f"{pointer}_b"

    def scratch_cell(self, pointer: str, source: str) -> str:
        """A block of working memory that begins as a copy of another."""
        self.per_block.append(f"{pointer}_b = at(scratch, int64({self.scratch_cells * BLOCK}))")
        self.per_block += _over_block([f"store({pointer}_b, i, load({source}, i))"])
        self.scratch_cells += 1
        return f"{pointer}_b"

    def scratch_row(self) -> int:
        """Reserve working memory for one block and all time steps; `scratch_at` places a phase's rows in it."""
        self.scratch_rows += 1
        return self.scratch_rows - 1

    def scratch_at(self, phase: Phase, pointer: str, row: int) -> str:
        """The present row of working memory."""
        phase.rows.append(f"{pointer}_t = at(scratch, (cells + {row} * steps + t) * int64({BLOCK}))")
        return f"{pointer}_t"

    def constants(self, names: Iterable[str], fields: frozenset[str]) -> None:
        """Values that do not change with time: one number each, or one per neuron."""
        for name in names:
            if name in fields:
                pointer = self.cell(f"all_{name}")
                for phase in self.phases:
                    phase.read(name, pointer)
            else:
                self.arguments.append((name, self.real))

    def text(self) -> str:
        """The whole kernel."""
        parameters = ", ".join(name for name, _ in self.all_arguments())
        block = [f"size = min(hi - block, int64({BLOCK}))", *self.per_block]
        for phase in self.phases:
            block += phase.lines()
        start = ["block = lo", f"cells = int64({self.scratch_cells})"] if self.scratch_rows else ["block = lo"]
        body = [*start, "while block < hi:", *_indented([*block, f"block += {BLOCK}"])]
        return "\n".join([_HEADER[self.real] + f"def {self.name}({parameters}):", *_indented(body)]) + "\n"

    def all_arguments(self) -> list[tuple[str, str]]:
        """Names and types, those that every kernel has first."""
        common = [(name, "int64") for name in ("steps", "lo", "hi", "neurons")]
        return [*common, ("scratch", f"{self.real}*"), *self.arguments]

    def _pointer(self, kind: str) -> str:
        return f"{self.real if kind == 'r' else 'uint8'}*"
