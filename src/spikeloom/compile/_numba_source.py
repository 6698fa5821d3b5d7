"""The source text of kernels: loops over blocks of neurons, over time, over the neurons of a block."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ._program import Instruction, Node

# Neurons that advance through all time steps together. Rows of 16 KiB suit the prefetcher and leave a few states in
# the first-level cache: on two cores 3.4 ms, 2.5 ms and 2.0 ms for blocks of 1024, 2048 and 4096 (LIF forward, T = 16,
# 262 144 neurons, one thread).
BLOCK = 4096
# The same where segments are recomputed: what a segment's steps keep should stay in the second-level cache.
REPLAY_BLOCK = 1024
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
    "trunc": "whole({})",
    "round": "rounded({})",
    "fmod": "fmod({}, {})",
    "sqrt": "real(math.sqrt({}))",
    "exp": "exp({})",
    "expm1": "expm1({})",
    "log": "log({})",
    "log1p": "log1p({})",
    "log2": "log2({})",
    "pow": "pow({}, {})",
    "tanh": "tanh({})",
    "sigmoid": "sigmoid({})",
    "erf": "erf({})",
    "atan": "atan({})",
    "atan2": "atan2({}, {})",
    "hypot": "hypot({}, {})",
    "sin": "sin({})",
    "cos": "cos({})",
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
    "int_add": "int32({} + {})",
    "int_sub": "int32({} - {})",
    "int_mul": "int32({} * {})",
    "int_neg": "int32(-{})",
    "int_abs": "int32(abs({}))",
    "int_sign": "int32(({0} > int32(0)) - ({0} < int32(0)))",
    "int_minimum": "{0} if {0} < {1} else {1}",
    "int_maximum": "{0} if {0} > {1} else {1}",
    "int_floor_div": "int32(int64({}) // int64({}))",
    "int_remainder": "int32(int64({}) % int64({}))",
    "int_and": "int32({} & {})",
    "int_or": "int32({} | {})",
    "int_xor": "int32({} ^ {})",
    "int_not": "int32(~{})",
    "int_shift_left": "int32({0} << {1}) if ({1} >= int32(0)) & ({1} < int32(32)) else int32(0)",
    "int_shift_right": "int32({0} >> ({1} if ({1} >= int32(0)) & ({1} < int32(32)) else int32(31)))",
    "int_lt": "{} < {}",
    "int_le": "{} <= {}",
    "int_eq": "{} == {}",
    "int_where": "{1} if {0} else {2}",
    "bool_where": "{1} if {0} else {2}",
    "real_of_int": "real({})",
    "int_of_real": "integer({})",
    "int_of_bool": "int32({})",
    "uniform": "uniform({}, {}, {}, {})",
    "normal": "normal({}, {}, {}, {})",
}

_HEADER = {
    "float32": "real, zero, one = float32, float32(0.0), float32(1.0)\n",
    "float64": (
        "real, zero, one = float64, 0.0, 1.0\n"
        "exp, expm1, log, log1p, tanh, sigmoid = exp64, expm164, log64, log1p64, tanh64, sigmoid64\n"
        "sin, cos, erf, atan, atan2, hypot = math.sin, math.cos, math.erf, math.atan, math.atan2, math.hypot\n"
        "pow, fmod, log2, uniform, normal = math.pow, fmod64, math.log2, uniform64, normal64\n"
    ),
}


# How a number is stored: the type of the pointer, how it is read, and how it is written.
_STORED = {
    "float32": ("float32", "{}", "{}"),
    "float64": ("float64", "{}", "{}"),
    "bfloat16": ("uint16", "from_bfloat16({})", "to_bfloat16({})"),
    "float16": ("uint16", "from_float16({})", "to_float16({})"),
    "int32": ("int32", "{}", "{}"),
    "bool": ("uint8", "{} != uint8(0)", "uint8({})"),
}


def literal(node: Node) -> str:
    if isinstance(node, str | bool):
        return str(node)
    if isinstance(node, int):
        return f"int32({node})"
    if math.isfinite(node):
        return f"real({node!r})"
    return "real(np.nan)" if math.isnan(node) else ("real(np.inf)" if node > 0 else "real(-np.inf)")


def statement(step: Instruction) -> str:
    return f"{step.name} = {_TEMPLATES[step.operation].format(*map(literal, step.arguments))}"


@dataclass
class Pass:
    """A loop over the time steps of a segment, forwards or backwards: what happens per step and per neuron."""

    body: tuple[Instruction, ...]
    backward: bool = False
    rows: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        neuron = [*self.loads, *map(statement, self.body), *self.stores, "i += 1"]
        time = "t = stop - 1 - k" if self.backward else "t = start + k"
        step = [time, *self.rows, *_over_block(neuron), "k += 1"]
        return ["k = int64(0)", "while k < stop - start:", *_indented(step)]


@dataclass
class KernelSource:
    """A kernel being written: its arguments in order, and what happens per block, per segment and per step."""

    name: str
    real: str
    # Whether time is divided into segments: None for one segment.
    segments: str | None = None
    block: int = BLOCK
    arguments: dict[str, str] = field(default_factory=dict)
    cells: list[str] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)

    def add_pass(self, body: tuple[Instruction, ...], *, backward: bool = False) -> Pass:
        """Begin a loop over the steps of a segment; later ones run after it."""
        self.passes.append(Pass(body, backward))
        return self.passes[-1]

    def read_row(self, value: str, pointer: str, dtype: str, *, index: str = "t") -> None:
        """Bind a value to this step's element of a stream [steps, neurons] with a stride of its own."""
        kind, read, _ = _STORED[dtype]
        self.arguments[pointer] = f"{kind}*"
        self.arguments[f"{pointer}_stride"] = "int64"
        self.passes[-1].rows.append(f"{pointer}_t = at({pointer}, ({index}) * {pointer}_stride + block)")
        self.passes[-1].loads.append(f"{value} = {read.format(f'load({pointer}_t, i)')}")

    def write_row(self, pointer: str, node: Node, dtype: str, *, index: str = "t") -> None:
        """Set this step's element of a stream [steps, neurons]."""
        kind, _, written = _STORED[dtype]
        self.arguments[pointer] = f"{kind}*"
        self.arguments[f"{pointer}_stride"] = "int64"
        self.passes[-1].rows.append(f"{pointer}_t = at({pointer}, ({index}) * {pointer}_stride + block)")
        self.passes[-1].stores.append(f"store({pointer}_t, i, {written.format(literal(node))})")

    def cell(self, pointer: str, value: str | None, node: Node | None, dtype: str) -> None:
        """One number per neuron, bound to `value` if that is read, and set to `node` if it changes."""
        kind, read, written = _STORED[dtype]
        if pointer not in self.arguments:
            self.arguments[pointer] = f"{kind}*"
            self.cells.append(f"{pointer}_b = at({pointer}, block)")
        if value is not None:
            self.passes[-1].loads.append(f"{value} = {read.format(f'load({pointer}_b, i)')}")
        if node is not None:
            self.passes[-1].stores.append(f"store({pointer}_b, i, {written.format(literal(node))})")

    def at_entry(self, pointer: str, checkpoint: str, dtype: str, *, keep: bool) -> None:
        """When a segment begins, keep a cell in a stream [segments, neurons], or set it from there."""
        self.arguments[checkpoint] = f"{_STORED[dtype][0]}*"
        self.arguments[f"{checkpoint}_stride"] = "int64"
        row = f"at({checkpoint}, segment_index * {checkpoint}_stride + block)"
        target, origin = (f"{checkpoint}_t", f"{pointer}_b") if keep else (f"{pointer}_b", f"{checkpoint}_t")
        copied = _over_block([f"store({target}, i, load({origin}, i))", "i += 1"])
        self.entries += [f"{checkpoint}_t = {row}", *copied]

    def watch(self, pointer: str) -> None:
        """Report in `nan_found` whether a cell ends as NaN, while its block is in cache."""
        self.arguments["nan_found"] = "uint8*"
        self.watched.append(f"bad = bad | (load({pointer}_b, i) != load({pointer}_b, i))")

    def constants(self, names: Iterable[str], fields: frozenset[str]) -> None:
        """Values that do not change with time: one number each, or one per neuron."""
        for name in names:
            if name in fields:
                self.cell(f"all_{name}", name, None, self.real)
            else:
                self.arguments[name] = self.real

    def origin(self, names: Mapping[str, str]) -> None:
        """Bind what random numbers are drawn from: values by role, of "seed", "neuron" and "step"."""
        expressions = {"seed": "int32(seed)", "neuron": "int32(block + i)", "step": "int32(first + t)"}
        for role, value in names.items():
            self.arguments.update({"seed": "int64", "first": "int64"})
            self.passes[-1].loads.append(f"{value} = {expressions[role]}")

    def all_arguments(self) -> list[tuple[str, str]]:
        """Names and types, those first that every kernel has."""
        common = ("steps", "segment", "lo", "hi", "neurons")
        return [*((name, "int64") for name in common), *self.arguments.items()]

    def text(self) -> str:
        """The whole kernel."""
        parameters = ", ".join(name for name, _ in self.all_arguments())
        over_time = [line for part in self.passes for line in part.lines()]
        block = [
            f"size = min(hi - block, int64({self.block}))",
            *self.cells,
            *self._over_segments(over_time),
            *self._watch(),
            f"block += {self.block}",
        ]
        lines = ["block = lo", "while block < hi:", *_indented(block)]
        return "\n".join([_HEADER[self.real] + f"def {self.name}({parameters}):", *_indented(lines)]) + "\n"

    def _over_segments(self, lines: list[str]) -> list[str]:
        if self.segments is None:
            return ["start, stop = int64(0), steps", *lines]
        backwards = self.segments == "backward"
        index = "segment_index = count - 1 - done" if backwards else "segment_index = done"
        bounds = ["start = segment_index * segment", "stop = min(start + segment, steps)"]
        segment = [index, *bounds, *self.entries, *lines, "done += 1"]
        return [
            "count = (steps + segment - 1) // segment",
            "done = int64(0)",
            "while done < count:",
            *_indented(segment),
        ]

    def _watch(self) -> list[str]:
        if not self.watched:
            return []
        loop = ["bad = False", *_over_block([*self.watched, "i += 1"])]
        return [*loop, f"store(nan_found, block // {GRAIN}, uint8(bad))"]


def _over_block(lines: list[str]) -> list[str]:
    return ["i = int64(0)", "while i < size:", *_indented(lines)]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]
