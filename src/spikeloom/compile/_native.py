"""Simulation kernels: plain functions in the kernel language, and steps of statements, compiled to one C signature.

Each is `kernel(table, lo, hi, step)`: a table of 64-bit numbers (addresses, sizes), a range of neurons, the time step.
Kernels call each other by address, so that a network is put together from kernels that are compiled once.
"""

from __future__ import annotations

import ctypes
import inspect
import textwrap
from collections import namedtuple
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._kernel import Variant
from ._loop import INPUT, NEURON, PARAM, SEED, STATE, STEP, Loop, build_loop
from ._numba_source import _HEADER, KernelSource, _indented
from ._numba_source import statement as assignment
from ._object_code import address_of
from ._plan import fields_of
from ._program import Instruction, Node, Program
from ._reference import evaluate
from ._statement import Statement

ARGUMENTS = ("int64*", "int64", "int64", "int64")
_WORDS = f"from {__package__}._engine_words import *\n"
_PLACE = ctypes.create_string_buffer(64)
_SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3)

_addresses: dict[Hashable, int] = {}
_loops: dict[Hashable, Loop] = {}


def native(
    function: Callable[..., None] | str, real: str = "float32", *, texts: Mapping[str, str] | None = None, **kinds: str
) -> int:
    """Address of a function `(table, lo, hi, step)` written in the kernel language.

    In it `real` is the type of real numbers, `real_at` makes pointers to them, and each of `kinds` names a further type
    that is left open: `native(f, target="uint16")` lets `f` say `target_at`. It may use whole numbers and layouts of
    its module, and call functions written in the same language, which become part of it. In place of functions of the
    names in `texts` it gets those texts; a name in place of `function` is that of one of them.
    """
    given = dict(texts or {})
    key = (function, real, *given.items(), *kinds.items())
    if key not in _addresses:
        names = {"real": real, **kinds}
        header = "".join(f"{name}_at = {kind}_at\n" for name, kind in names.items())
        label = function if isinstance(function, str) else function.__name__
        body = [given[label]] if isinstance(function, str) else _texts(function, given)
        _addresses[key] = address_of(_WORDS + _HEADER[real] + header + "\n".join(body), label, ARGUMENTS)
    return _addresses[key]


def _texts(function: Callable[..., None], given: Mapping[str, str]) -> list[str]:
    """The text of a function, after those of what it uses of its module."""
    found = dict[str, str]()

    def add(name: str, value: object) -> None:
        if name in found:
            return
        if name in given:
            found[name] = f"@inlined\n{given[name]}"
        elif isinstance(value, FunctionType):
            used = [n for n in value.__code__.co_names if n in value.__globals__]
            for n in used:
                add(n, value.__globals__[n])
            text = textwrap.dedent(inspect.getsource(value))
            found[name] = text if value is function else f"@inlined\n{text}"
        elif isinstance(value, tuple) and hasattr(value, "_fields"):
            found[name] = f"{name} = namedtuple({name!r}, {value._fields!r})(*{tuple(value)!r})"
        elif isinstance(value, int) and not isinstance(value, bool):
            found[name] = f"{name} = {value}"

    add(function.__name__, function)
    return list(found.values())


def layout(*names: str) -> Any:
    """Names for the entries of a table.

    With PART = layout("units", "control") kernels say `load(part, PART.control)`, and Python Table.of(PART, units=...).
    """
    return namedtuple("layout", names)(*range(len(names)))


def invoke(address: int, table: Table, lo: int = 0, hi: int = 0, step: int = 0) -> None:
    """Call a kernel from Python; other Python threads run meanwhile."""
    place = ctypes.addressof(_PLACE)
    _SIGNATURE(address)(place, place, table.address, lo, hi, step)


class Table:
    """The numbers that a kernel is given: whole numbers, addresses of arrays, which it keeps alive."""

    def __init__(self, *entries: Any) -> None:
        self.kept = list(entries)
        self.numbers = np.array([self._number(entry) for entry in entries] or [0], dtype=np.int64)
        self.address = self.numbers.ctypes.data

    @classmethod
    def of(cls, layout: Any, **entries: Any) -> Table:
        """By name, in the order of a layout; entries that are not given are 0."""
        unknown = entries.keys() - set(layout._fields)
        assert not unknown, f"{unknown} not in {layout._fields}"
        return cls(*(entries.get(name, 0) for name in layout._fields))

    @staticmethod
    def _number(entry: Any) -> int:
        if isinstance(entry, np.ndarray):
            return int(entry.ctypes.data)
        if isinstance(entry, Table):
            return int(entry.address)
        return int(entry)

    def __setitem__(self, index: int, entry: Any) -> None:
        self.kept[index] = entry
        self.numbers[index] = self._number(entry)

    def __getitem__(self, index: int) -> int:
        return int(self.numbers[index])


@dataclass
class StepSource(KernelSource):
    """One time step of a statement as a simulation kernel."""

    def text(self) -> str:
        """The whole kernel; arguments come from the table."""
        (part,) = self.passes
        unpacked = []
        for place, (name, kind) in enumerate(self.arguments.items()):
            entry = f"load(table, {place})"
            pointed = kind.removesuffix("*")
            unpacked.append(f"{name} = {_unpacked(entry, kind, pointed)}")
        loop = ["t, first = int64(0), step", "i = int64(0)", *part.rows, "while i < size:"]
        body = [*part.loads, *map(assignment, part.body), *part.stores, "i += 1"]
        block = [f"size = min(hi - block, int64({self.block}))", *self.cells, *loop, *_indented(body)]
        lines = [*unpacked, "block = lo", "while block < hi:", *_indented([*block, f"block += {self.block}"])]
        header = _WORDS + _HEADER[self.real] + f"real_at = {self.real}_at\n"
        return header + "\n".join([f"def {self.name}(table, lo, hi, step):", *_indented(lines)]) + "\n"


def _unpacked(entry: str, kind: str, pointed: str) -> str:
    if kind.endswith("*"):
        return f"{pointed}_at({entry})"
    return entry if kind == "int64" else f"load({kind}_at({entry}), 0)"


@dataclass(frozen=True)
class StepKernel:
    """A compiled time step: its address and, in order, what its table holds.

    Entries: `in_<input>` (read, then set to zero), `state_<state>`, `fired` (bytes, where the statement spikes),
    `all_<value>` or `<value>` (constants, see `constants`), `seed`.
    """

    address: int
    entries: tuple[str, ...]
    loop: Loop
    fields: frozenset[str]

    def constants(self, statement: Statement, values: Mapping[str, Any], dtype: torch.dtype) -> dict[str, np.ndarray]:
        """What depends on parameters only, by entry: one number each, or one per neuron."""
        given = {PARAM + name: torch.as_tensor(values[name], dtype=torch.float64) for name in statement.params}
        exact: dict[str, Tensor] = evaluate(self.loop.prologue, given, torch.float64)
        found = {}
        for name, value in exact.items():
            rounded = value.detach().to(dtype)
            entry = f"all_{name}" if name in self.fields else name
            found[entry] = np.atleast_1d(rounded.contiguous().numpy()).copy()
        return found


def step_kernel(statement: Statement, tensors: frozenset[str], dtype: torch.dtype, *, spikes: bool) -> StepKernel:
    """The kernel of one time step of a statement whose parameters in `tensors` differ from neuron to neuron."""
    key = (statement.key(), spikes)
    if key not in _loops:
        _loops[key] = build_loop(statement, ("s",) if spikes else (), frozenset())
    loop = _loops[key]
    fields = fields_of(loop, tensors)
    variant = Variant(dtype, False, fields, dtype)
    source = _step_source(loop, variant)
    text = source.text()
    if text not in _addresses:
        _addresses[text] = address_of(text, source.name, ARGUMENTS)
    return StepKernel(_addresses[text], tuple(source.arguments), loop, fields)


def _step_source(loop: Loop, variant: Variant) -> StepSource:
    program = loop.inference
    stored = {kind: str(variant.stored(kind)).removeprefix("torch.") for kind in "rib"}
    source = StepSource("advance", stored["r"])
    body, fired = _with_fired(program) if "s" in program.outputs else (program.body, None)
    source.add_pass(body)
    for name in loop.inputs:
        source.cell(f"in_{name}", INPUT + name, 0.0, stored["r"])
    for name, kind in loop.states.items():
        source.cell(f"state_{name}", STATE + name, program.outputs[STATE + name], stored[kind])
    if fired is not None:
        source.cell("fired", None, fired, "bool")
    direct = [node for node in program.outputs.values() if isinstance(node, str)]
    used = [name for name in loop.hoisted if name in program.inputs or name in direct]
    source.constants(used, variant.fields)
    roles = {"seed": SEED, "neuron": NEURON, "step": STEP}
    source.origin({role: name for role, name in roles.items() if name in program.inputs})
    source.arguments.pop("first", None)
    return source


def _with_fired(program: Program) -> tuple[tuple[Instruction, ...], Node]:
    """The program, and the truth value that its spikes come from."""
    node = program.outputs["s"]
    made = next((step for step in program.body if step.name == node), None)
    if made is not None and made.operation == "real":
        return program.body, made.arguments[0]
    fired = Instruction("fired_now", "ne", (node, 0.0))
    return (*program.body, fired), fired.name
