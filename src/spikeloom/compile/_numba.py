"""The Numba back end: one kernel for all time steps, on the CPU, blocked so that state stays in cache."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ._kernel import BackwardResult, Buffers, ForwardResult, Kernel, Variant
from ._loop import GRAD_OUTPUT, GRAD_STATE, INPUT, SAVED, STATE, SUM, Loop
from ._memory import copied, empty
from ._object_code import address_of
from ._program import Instruction, Node, Program
from ._threads import parallel

NAME = "numba"

# Neurons that advance through all time steps together: a few rows of state fit in the first-level cache.
BLOCK = 1024


def supports(device: torch.device) -> str | None:
    """None where kernels of this back end run, else the reason why not."""
    return None if device.type == "cpu" else "numba runs on the CPU only"


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


def _literal(node: Node) -> str:
    if isinstance(node, str | bool):
        return str(node)
    if math.isfinite(node):
        return f"real({node!r})"
    return "real(np.nan)" if math.isnan(node) else ("real(np.inf)" if node > 0 else "real(-np.inf)")


def _statement(step: Instruction) -> str:
    return f"{step.name} = {_TEMPLATES[step.operation].format(*map(_literal, step.arguments))}"


@dataclass
class _Emitter:
    """Collects a kernel's arguments and the lines at each depth of its loops."""

    name: str
    real: str
    arguments: list[tuple[str, str]] = field(default_factory=list)
    per_block: list[str] = field(default_factory=list)
    per_step: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)

    def row(self, pointer: str, kind: str, strided: bool) -> None:
        """A stream with one row per time step."""
        self.arguments.append((pointer, (self.real if kind == "r" else "uint8") + "*"))
        stride = "neurons"
        if strided:
            stride = f"{pointer}_stride"
            self.arguments.append((stride, "int64"))
        self.per_step.append(f"{pointer}_t = at({pointer}, t * {stride} + block)")

    def cell(self, pointer: str) -> None:
        """A stream with one value per neuron."""
        self.arguments.append((pointer, f"{self.real}*"))
        self.per_block.append(f"{pointer}_b = at({pointer}, block)")

    def constants(self, names: Iterable[str], fields: frozenset[str]) -> None:
        """Hoisted values: one number each, or one per neuron."""
        for name in names:
            if name in fields:
                self.cell(f"all_{name}")
                self.loads.append(f"{name} = load(all_{name}_b, i)")
            else:
                self.arguments.append((name, self.real))

    def source(self, body: Iterable[Instruction], backward: bool) -> str:
        """The kernel: blocks of neurons, time steps, neurons of the block."""
        inner = [*self.loads, *map(_statement, body), *self.stores]
        time = "t = steps - 1 - k" if backward else "t = k"
        parameters = ", ".join(name for name, _ in self.arguments)
        lines = [
            _HEADER[self.real] + f"def {self.name}(steps, lo, hi, neurons, {parameters}):",
            "    block = lo",
            "    while block < hi:",
            f"        size = min(hi - block, int64({BLOCK}))",
            *(f"        {line}" for line in self.per_block),
            "        k = int64(0)",
            "        while k < steps:",
            f"            {time}",
            *(f"            {line}" for line in self.per_step),
            "            i = int64(0)",
            "            while i < size:",
            *(f"                {line}" for line in inner),
            "                i += 1",
            "            k += 1",
            f"        block += {BLOCK}",
        ]
        return "\n".join(lines) + "\n"


class _Compiled:
    """A linked kernel and the order of its arguments."""

    def __init__(self, emitter: _Emitter, body: Iterable[Instruction], backward: bool) -> None:
        self.source = emitter.source(body, backward)
        self.names = [name for name, _ in emitter.arguments]
        kinds = ["int64"] * 4 + [kind for _, kind in emitter.arguments]
        address = address_of(self.source, emitter.name, kinds)
        c_types = [_C_TYPES.get(kind, ctypes.c_void_p) for kind in kinds]
        self._call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *c_types)(address)
        # Numba's convention returns a status and two pointers that a kernel without exceptions never touches.
        self._unused = ctypes.create_string_buffer(64)

    def __call__(self, steps: int, neurons: int, streams: Mapping[str, Tensor], hoisted: Buffers) -> None:
        given: dict[str, float | int] = {}
        for name, tensor in streams.items():
            given[name] = tensor.data_ptr()
            given[f"{name}_stride"] = tensor.stride(0)
        for name, value in hoisted.items():
            if value.dim():
                given[f"all_{name}"] = value.data_ptr()
            else:
                given[name] = value.item()
        arguments = [given[name] for name in self.names]
        unused = ctypes.addressof(self._unused)
        call = self._call
        parallel(lambda lo, hi: call(unused, unused, steps, lo, hi, neurons, *arguments), neurons, BLOCK, steps)


# Whatever is not a number is a pointer.
_C_TYPES: dict[str, Any] = {"int64": ctypes.c_int64, "float32": ctypes.c_float, "float64": ctypes.c_double}


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


class NumbaKernel(Kernel):
    """Fused forward and backward kernels of one loop."""

    def __init__(self, loop: Loop, variant: Variant) -> None:
        self.loop, self.variant = loop, variant
        self._program = loop.forward if variant.training else loop.inference
        self._written = loop.written if variant.training else {}
        self._forward = _Compiled(*self._emit_forward(), backward=False)
        self._backward = _Compiled(*self._emit_backward(loop.backward), backward=True) if loop.backward else None

    @property
    def source(self) -> str:
        return self._forward.source + ("\n" + self._backward.source if self._backward else "")

    def _emit_forward(self) -> tuple[_Emitter, tuple[Instruction, ...]]:
        program, kernel = self._program, _Emitter("forward", _dtype_name(self.variant.dtype))
        for name in self.loop.inputs:
            kernel.row(f"in_{name}", "r", strided=True)
            if INPUT + name in program.inputs:
                kernel.loads.append(f"{INPUT}{name} = load(in_{name}_t, i)")
        for name in self.loop.outputs:
            kernel.row(f"out_{name}", "r", strided=False)
            kernel.stores.append(f"store(out_{name}_t, i, {_literal(program.outputs[name])})")
        for name, kind in self._written.items():
            kernel.row(f"kept_{name}", kind, strided=False)
            value = _literal(program.outputs[SAVED + name])
            kernel.stores.append(f"store(kept_{name}_t, i, {value if kind == 'r' else f'uint8({value})'})")
        for name in self.loop.states:
            kernel.cell(f"state_{name}")
            if STATE + name in program.inputs:
                kernel.loads.append(f"{STATE}{name} = load(state_{name}_b, i)")
            kernel.stores.append(f"store(state_{name}_b, i, {_literal(program.outputs[STATE + name])})")
        kernel.constants(self._hoisted_in(program), self.variant.fields)
        return kernel, program.body

    def _emit_backward(self, program: Program) -> tuple[_Emitter, tuple[Instruction, ...]]:
        kernel = _Emitter("backward", _dtype_name(self.variant.dtype))
        for name, kind in self.loop.saved.items():
            kernel.row(f"kept_{name}", kind, strided=True)
            value = f"load(kept_{name}_t, i)"
            kernel.loads.append(f"{name} = {value if kind == 'r' else f'{value} != uint8(0)'}")
        for name in self.loop.outputs:
            if GRAD_OUTPUT + name in program.inputs:
                kernel.row(f"grad_{name}", "r", strided=True)
                kernel.loads.append(f"{GRAD_OUTPUT}{name} = load(grad_{name}_t, i)")
        for label, node in program.outputs.items():
            if label.startswith(INPUT):
                kernel.row(f"to_{label}", "r", strided=False)
                kernel.stores.append(f"store(to_{label}_t, i, {_literal(node)})")
            elif label.startswith(STATE):
                name = label.removeprefix(STATE)
                kernel.cell(f"state_{name}")
                if GRAD_STATE + name in program.inputs:
                    kernel.loads.append(f"{GRAD_STATE}{name} = load(state_{name}_b, i)")
                kernel.stores.append(f"store(state_{name}_b, i, {_literal(node)})")
            else:
                kernel.cell(label)
                kernel.stores.append(f"store({label}_b, i, load({label}_b, i) + {_literal(node)})")
        kernel.constants(self._hoisted_in(program), self.variant.fields)
        return kernel, program.body

    def _hoisted_in(self, program: Program) -> list[str]:
        direct = [node for node in program.outputs.values() if isinstance(node, str)]
        return [name for name in self.loop.hoisted if name in program.inputs or name in direct]

    def forward(self, steps: int, neurons: int, hoisted: Buffers, inputs: Buffers, states: Buffers) -> ForwardResult:
        dtype = self.variant.dtype
        outputs = {name: empty(steps, neurons, dtype=dtype) for name in self.loop.outputs}
        written = {
            name: empty(steps, neurons, dtype=dtype if kind == "r" else torch.bool)
            for name, kind in self._written.items()
        }
        final = {name: copied(value, dtype) for name, value in states.items()}
        streams = {
            **{f"in_{name}": x for name, x in inputs.items()},
            **{f"out_{name}": y for name, y in outputs.items()},
            **{f"kept_{name}": value for name, value in written.items()},
            **{f"state_{name}": value for name, value in final.items()},
        }
        self._forward(steps, neurons, streams, hoisted)
        return ForwardResult(outputs, final, written)

    def backward(
        self, steps: int, neurons: int, hoisted: Buffers, saved: Buffers, grad_outputs: Buffers, grad_states: Buffers
    ) -> BackwardResult:
        assert self._backward is not None and self.loop.backward is not None
        labels = self.loop.backward.outputs
        grads = {
            label.removeprefix(INPUT): empty(steps, neurons, dtype=self.variant.dtype)
            for label in labels
            if label.startswith(INPUT)
        }
        zero = torch.zeros((), dtype=self.variant.dtype).expand(neurons)
        sums = {label: copied(zero, self.variant.dtype) for label in labels if label.startswith(SUM)}
        # Becomes the gradient of the initial state.
        first = {name: copied(value, self.variant.dtype) for name, value in grad_states.items()}
        streams = {
            **{f"kept_{name}": value for name, value in saved.items()},
            **{f"grad_{name}": value for name, value in grad_outputs.items()},
            **{f"to_{INPUT}{name}": value for name, value in grads.items()},
            **{f"state_{name}": value for name, value in first.items()},
            **sums,
        }
        self._backward(steps, neurons, streams, hoisted)
        return BackwardResult(grads, first, sums)


def build(loop: Loop, variant: Variant) -> Kernel:
    """Compile a loop, or take its kernels from the cache."""
    return NumbaKernel(loop, variant)
