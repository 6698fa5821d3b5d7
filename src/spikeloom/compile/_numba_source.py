"""The source text of kernels: loops over blocks of neurons, over time, over the neurons of a block."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from ._program import Instruction, Node

# Neurons that advance through all time steps together. Rows of 16 KiB suit the prefetcher and leave a few states in
# the first-level cache: on two cores 3.4 ms, 2.5 ms and 2.0 ms for blocks of 1024, 2048 and 4096 (LIF forward, T = 16,
# 262 144 neurons, one thread).
BLOCK = 4096
# Threads divide the neurons at multiples of this.
GRAIN = 256

_TEMPLATES = {
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "div": "{} / {}",
    "neg": "-{}",
    "abs": "abs({})",
    "sign": "one if {0} > zero else (-one if {0} < zero else zero)",
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
class KernelSource:
    """A kernel being written: its arguments in order, and what happens per block, per step and per neuron."""

    name: str
    real: str
    body: tuple[Instruction, ...] = ()
    backward: bool = False
    arguments: list[tuple[str, str]] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)

    def read_row(self, value: str, pointer: str, kind: str = "r") -> None:
        """Bind a value to this step's element of a stream [steps, neurons] with a stride of its own."""
        self.arguments += [(pointer, self._pointer(kind)), (f"{pointer}_stride", "int64")]
        self.rows.append(f"{pointer}_t = at({pointer}, t * {pointer}_stride + block)")
        element = f"load({pointer}_t, i)"
        self.loads.append(f"{value} = {element if kind == 'r' else f'{element} != uint8(0)'}")

    def write_row(self, pointer: str, node: Node, kind: str = "r") -> None:
        """Set this step's element of a stream [steps, neurons]."""
        self.arguments.append((pointer, self._pointer(kind)))
        self.rows.append(f"{pointer}_t = at({pointer}, t * neurons + block)")
        value = literal(node) if kind == "r" else f"uint8({literal(node)})"
        self.stores.append(f"store({pointer}_t, i, {value})")

    def cell(self, pointer: str, value: str | None, node: Node | None) -> None:
        """One number per neuron, bound to `value` if that is read, and set to `node` if it changes."""
        self.arguments.append((pointer, self._pointer("r")))
        self.cells.append(f"{pointer}_b = at({pointer}, block)")
        if value is not None:
            self.loads.append(f"{value} = load({pointer}_b, i)")
        if node is not None:
            self.stores.append(f"store({pointer}_b, i, {literal(node)})")

    def watch(self, pointer: str) -> None:
        """Report in `nan_found` whether a cell ends as NaN, while its block is in cache."""
        if not self.watched:
            self.arguments.append(("nan_found", "uint8*"))
        self.watched.append(f"bad = bad | (load({pointer}_b, i) != load({pointer}_b, i))")

    def constants(self, names: Iterable[str], fields: frozenset[str]) -> None:
        """Values that do not change with time: one number each, or one per neuron."""
        for name in names:
            if name in fields:
                self.cell(f"all_{name}", name, None)
            else:
                self.arguments.append((name, self.real))

    def all_arguments(self) -> list[tuple[str, str]]:
        """Names and types, those first that every kernel has."""
        return [*((name, "int64") for name in ("steps", "lo", "hi", "neurons")), *self.arguments]

    def text(self) -> str:
        """The whole kernel."""
        parameters = ", ".join(name for name, _ in self.all_arguments())
        neuron = [*self.loads, *map(statement, self.body), *self.stores, "i += 1"]
        time = "t = steps - 1 - k" if self.backward else "t = k"
        over_block = ["i = int64(0)", "while i < size:", *_indented(neuron)]
        step = [time, *self.rows, *over_block, "k += 1"]
        over_time = ["k = int64(0)", "while k < steps:", *_indented(step)]
        block = [
            f"size = min(hi - block, int64({BLOCK}))",
            *self.cells,
            *over_time,
            *self._watch(),
            f"block += {BLOCK}",
        ]
        lines = ["block = lo", "while block < hi:", *_indented(block)]
        return "\n".join([_HEADER[self.real] + f"def {self.name}({parameters}):", *_indented(lines)]) + "\n"

    def _watch(self) -> list[str]:
        if not self.watched:
            return []
        loop = ["bad = False", "i = int64(0)", "while i < size:", *_indented([*self.watched, "i += 1"])]
        return [*loop, f"store(nan_found, block // {GRAIN}, uint8(bad))"]

    def _pointer(self, kind: str) -> str:
        return f"{self.real if kind == 'r' else 'uint8'}*"


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]
