"""The source text of Triton kernels: an instance is a block of neurons that loops over time, state in registers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import BackendError
from ._program import Instruction, Node
from ._triton_rewrite import functions

_TEMPLATES = {
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "neg": "-{}",
    "abs": "tl.abs({})",
    "sign": "tl.where({0} > 0.0, 1.0, tl.where({0} < 0.0, -1.0, 0.0)).to({real})",
    "floor": "tl.floor({})",
    "trunc": "trunc({})",
    "round": "nearest({})",
    "minimum": "tl.where(({0} < {1}) | ({0} != {0}), {0}, {1})",
    "maximum": "tl.where(({0} > {1}) | ({0} != {0}), {0}, {1})",
    "lt": "{} < {}",
    "le": "{} <= {}",
    "gt": "{} > {}",
    "ge": "{} >= {}",
    "eq": "{} == {}",
    "ne": "{} != {}",
    "and": "{} & {}",
    "or": "{} | {}",
    "not": "~{}",
    "where": "tl.where({}, {}, {})",
    "real": "{}.to({real})",
    "int_add": "tl.add({}, {}, False)",
    "int_sub": "tl.sub({}, {}, False)",
    "int_mul": "tl.mul({}, {}, False)",
    "int_neg": "tl.sub(0, {}, False)",
    "int_abs": "tl.where({0} < 0, tl.sub(0, {0}, False), {0})",
    "int_sign": "tl.where({0} > 0, 1, tl.where({0} < 0, -1, 0))",
    "int_minimum": "tl.where({0} < {1}, {0}, {1})",
    "int_maximum": "tl.where({0} > {1}, {0}, {1})",
    "int_floor_div": "floor_div({}, {})",
    "int_remainder": "remainder({}, {})",
    "int_and": "{} & {}",
    "int_or": "{} | {}",
    "int_xor": "{} ^ {}",
    "int_not": "~{}",
    "int_shift_left": "shift_left({}, {})",
    "int_shift_right": "shift_right({}, {})",
    "int_lt": "{} < {}",
    "int_le": "{} <= {}",
    "int_eq": "{} == {}",
    "int_where": "tl.where({}, {}, {})",
    "bool_where": "tl.where({}, {}, {})",
    "real_of_int": "{}.to({real})",
    "int_of_real": "to_integer({})",
    "int_of_bool": "{}.to(tl.int32)",
}

# Where the two precisions differ. Quotients and roots in float32 are approximate unless asked otherwise.
_BY_PRECISION = {
    "float32": {
        "div": "tl.div_rn({}, {})",
        "sqrt": "tl.sqrt_rn({})",
        "exp": "exp({})",
        "expm1": "expm1({})",
        "log": "log({})",
        "log1p": "log1p({})",
        "tanh": "tanh({})",
        "sigmoid": "sigmoid({})",
        "log2": "log2({})",
        "atan": "atan({})",
        "atan2": "atan2({}, {})",
        "hypot": "hypot({}, {})",
        "fmod": "fmod({}, {})",
        "pow": "pow({}, {})",
        "uniform": "uniform({}, {}, {}, {})",
        "normal": "normal({}, {}, {}, {})",
        "erf": "erf({})",
        "sin": "sin({})",
        "cos": "cos({})",
    },
    "float64": {
        "div": "{} / {}",
        "sqrt": "tl.sqrt({})",
        "exp": "exp64({})",
        "expm1": "expm164({})",
        "log": "log64({})",
        "log1p": "log1p64({})",
        "tanh": "tanh64({})",
        "sigmoid": "sigmoid64({})",
        "log2": "log2_64({})",
        "atan": "atan64({})",
        "atan2": "atan2_64({}, {})",
        "hypot": "hypot64({}, {})",
        "fmod": "fmod64({}, {})",
        "pow": "pow64({}, {})",
        "uniform": "uniform64({}, {}, {}, {})",
        "normal": "normal64({}, {}, {}, {})",
        "erf": "tl.erf({})",
        "sin": "tl.sin({})",
        "cos": "tl.cos({})",
    },
}

# Functions that a template calls, other than those of Triton itself.
_CALL = re.compile(r"(?<![\w.])([a-z_]\w*)\(")

# How a value of each kind follows from what a stream holds: real numbers of any precision, truth values as bytes.
_READ = {"r": "{}.to({real})", "i": "{}", "b": "{} != 0"}


@dataclass
class Pass:
    """A loop over the time steps of a segment: what each step reads, computes and writes, and what is carried on."""

    source: KernelSource
    body: list[Instruction]
    backward: bool
    cursors: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)
    nexts: list[str] = field(default_factory=list)
    carries: list[str] = field(default_factory=list)
    advances: list[str] = field(default_factory=list)

    def read_row(self, value: str, stream: str, kind: str, *, within: bool = False) -> None:
        """Bind a value to this step's element of a stream of all steps, or of those within the segment."""
        self._walk(stream, within)
        self.loads.append(f"{value} = {self.source.loaded(f'row_{stream}', kind)}")

    def write_row(self, stream: str, node: Node, kind: str, *, within: bool = False) -> None:
        """Set this step's element of a stream of all steps, or of those within the segment."""
        self._walk(stream, within)
        self.stores.append(self.source.store(f"row_{stream}", node, kind))

    def carry(self, value: str, node: Node) -> None:
        """Let a value be `node` in the next step."""
        self.nexts.append(f"next_{value} = {self.source.literal(node)}")
        self.carries.append(f"{value} = next_{value}")

    def origin(self, names: Mapping[str, str]) -> None:
        """Bind what random numbers are drawn from: values by role, of "seed", "neuron" and "step"."""
        step = "stop - 1 - k" if self.backward else "start + k"
        expressions = {"seed": "seed", "neuron": "at", "step": f"first + {step}"}
        for role, value in names.items():
            self.source.arguments.update(dict.fromkeys(("seed", "first")))
            self.loads.append(f"{value} = tl.broadcast_to(tl.cast({expressions[role]}, tl.int32), [BLOCK])")

    def _walk(self, stream: str, within: bool) -> None:
        self.source.arguments.update(dict.fromkeys((stream, f"stride_{stream}")))
        begin, end = ("0", "stop - start") if within else ("start", "stop")
        row = f"({end} - 1)" if self.backward else begin
        self.cursors.append(f"row_{stream} = {stream} + at + {row} * stride_{stream}")
        self.advances.append(f"row_{stream} {'-' if self.backward else '+'}= stride_{stream}")

    def lines(self) -> list[str]:
        statements = [self.source.statement(step) for step in self.body]
        step = [*self.loads, *statements, *self.stores, *self.nexts, *self.carries, *self.advances]
        return [*self.cursors, "for k in range(tl.cast(stop - start, tl.int32)):", *_indented(step or ["pass"])]


class KernelSource:
    """A kernel being written: its arguments in order, and what happens before, per segment, per step and after."""

    def __init__(self, name: str, real: str, segments: str | None = None) -> None:
        self.name, self.real, self.segments = name, real, segments
        self.arguments: dict[str, None] = {}
        self.passes: list[Pass] = []
        self._before: list[str] = []
        self._entries: list[str] = []
        self._after: list[str] = []
        self._constants: dict[str, str] = {}
        self._called: set[str] = set()
        self._templates = {**_TEMPLATES, **_BY_PRECISION[real]}

    def add_pass(self, body: Iterable[Instruction], *, backward: bool = False) -> Pass:
        """Begin a loop over the steps of a segment; later ones run after it."""
        self.passes.append(Pass(self, list(body), backward))
        return self.passes[-1]

    def initial(self, value: str, pointer: str, kind: str) -> None:
        """Bind a value to one number per neuron before the first step."""
        self.arguments[pointer] = None
        self._before.append(f"{value} = {self.loaded(f'{pointer} + at', kind)}")

    def zero(self, value: str) -> None:
        """Bind a value to zero before the first step."""
        self._before.append(f"{value} = {self.literal(0.0)}")

    def final(self, pointer: str, value: str, kind: str) -> None:
        """Write one number per neuron after the last step."""
        self.arguments[pointer] = None
        self._after.append(self.store(f"{pointer} + at", value, kind))

    def at_entry(self, value: str, checkpoint: str, kind: str, *, keep: bool) -> None:
        """When a segment begins, keep a value in a stream [segments, neurons], or set it from there."""
        self.arguments.update(dict.fromkeys((checkpoint, f"stride_{checkpoint}")))
        place = f"{checkpoint} + at + index * stride_{checkpoint}"
        self._entries.append(self.store(place, value, kind) if keep else f"{value} = {self.loaded(place, kind)}")

    def watch(self, values: Iterable[str]) -> None:
        """Report in `nan_found` whether a value ends as NaN."""
        for value in values:
            self.arguments["nan_found"] = None
            flag = "tl.full([BLOCK], 1, tl.int32)"
            self._after.append(
                f"tl.store(nan_found + tl.full([BLOCK], 0, tl.int32), {flag}, inside & ({value} != {value}))"
            )

    def constants(self, names: Iterable[str], fields: frozenset[str]) -> None:
        """Values that do not change with time: one number each, or one per neuron."""
        for name in names:
            if f"all_{name}" in self.arguments:
                continue
            if name in fields:
                self.initial(name, f"all_{name}", "r")
            else:
                self.arguments[f"all_{name}"] = None
                self._before.append(f"{name} = tl.broadcast_to(tl.load(all_{name}), [BLOCK])")

    def literal(self, node: Node) -> str:
        """The name of a value; constants become blocks of the right type, lest Triton choose another."""
        if isinstance(node, str):
            return node
        kind = "tl.int1" if isinstance(node, bool) else "tl.int32" if isinstance(node, int) else f"tl.{self.real}"
        text = repr(node) if not isinstance(node, float) or math.isfinite(node) else f"float('{node}')"
        block = f"tl.full([BLOCK], {text}, {kind})"
        return self._constants.setdefault(block, f"const_{len(self._constants)}")

    def statement(self, step: Instruction) -> str:
        """One operation."""
        if step.operation not in self._templates:
            raise BackendError(f"operation {step.operation!r}", do='choose sl.backend("auto")')
        template = self._templates[step.operation]
        self._called.update(_CALL.findall(template))
        return f"{step.name} = {template.format(*map(self.literal, step.arguments), real=f'tl.{self.real}')}"

    def loaded(self, pointer: str, kind: str) -> str:
        """The value at a pointer; neurons beyond the last read zero."""
        return _READ[kind].format(f"tl.load({pointer}, inside, other=0)", real=f"tl.{self.real}")

    def store(self, pointer: str, node: Node, kind: str) -> str:
        """A value written to a pointer, for the neurons that exist."""
        value = self.literal(node)
        return f"tl.store({pointer}, {f'{value}.to(tl.uint8)' if kind == 'b' else value}, inside)"

    def text(self) -> str:
        """The whole kernel and the functions that it calls."""
        steps = self._over_segments([line for part in self.passes for line in [*part.lines(), *self._between()]])
        constants = [f"{name} = {block}" for block, name in self._constants.items()]
        lines = [
            "at = tl.cast(tl.program_id(0), tl.int64) * BLOCK + tl.arange(0, BLOCK)",
            "inside = at < neurons",
            *constants,
            *self._before,
            *steps,
            *self._after,
        ]
        parameters = ", ".join(("steps", "segment", "neurons", *self.arguments, "BLOCK: tl.constexpr"))
        helpers = functions(self._called, self.real)
        return "\n".join([helpers, "", "@kernel", f"def {self.name}({parameters}):", *_indented(lines)]).lstrip() + "\n"

    def _between(self) -> list[str]:
        """What one pass writes another may read with other threads."""
        return ["tl.debug_barrier()"] if len(self.passes) > 1 else []

    def _over_segments(self, lines: list[str]) -> list[str]:
        if self.segments is None:
            return ["start = tl.cast(0, tl.int64)", "stop = tl.cast(steps, tl.int64)", *lines]
        index = "done" if self.segments == "forward" else "segments - 1 - done"
        bounds = ["start = index * segment", "stop = tl.minimum(start + segment, tl.cast(steps, tl.int64))"]
        inner = [f"index = tl.cast({index}, tl.int64)", *bounds, *self._entries, *lines]
        return [
            "segments = (steps + segment - 1) // segment",
            "for done in range(segments):",
            *_indented(inner),
        ]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]
