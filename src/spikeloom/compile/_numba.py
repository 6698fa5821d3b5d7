"""The Numba back end: one kernel for all time steps, on the CPU, blocked so that state stays in cache."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ._kernel import BackwardResult, Buffers, ForwardResult, Kernel, Variant
from ._loop import GRAD_OUTPUT, GRAD_STATE, INITIAL, INPUT, SAVED, STATE, SUM, Loop
from ._memory import copied, empty
from ._numba_source import BLOCK, KernelSource
from ._object_code import address_of
from ._program import Instruction, Program
from ._threads import parallel

NAME = "numba"

# A block's replayed history must leave room in the second-level cache: this many rows of 4 KiB.
_REPLAYED_ROWS = 128
_SLOW = {"exp", "expm1", "log", "log1p", "pow", "tanh", "sigmoid", "erf", "atan", "sin", "cos"}


def supports(device: torch.device) -> str | None:
    """None where kernels of this back end run, else the reason why not."""
    return None if device.type == "cpu" else "numba runs on the CPU only"


def replays(loop: Loop, steps: int) -> bool:
    """Whether to run the forward steps of a block again in the backward pass instead of writing what it needs.

    The inputs are read once more, and nothing is written: a third less memory traffic for LIF.
    """
    rows = len(loop.written)
    cheap = not any(step.operation in _SLOW for step in loop.forward.body)
    return cheap and 0 < rows * steps <= _REPLAYED_ROWS and len(loop.inputs) <= 2 * rows


class _Compiled:
    """A linked kernel and the order of its arguments."""

    def __init__(self, source: KernelSource) -> None:
        self.source = source.text()
        self._names = [name for name, _ in source.arguments]
        self._cells, self._rows = source.scratch_cells, source.scratch_rows
        self._element = 8 if source.real == "float64" else 4
        kinds = [kind for _, kind in source.all_arguments()]
        address = address_of(self.source, source.name, kinds)
        c_types = [_C_TYPES.get(kind, ctypes.c_void_p) for kind in kinds]
        self._call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *c_types)(address)

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
        arguments = [given[name] for name in self._names]
        size = (self._cells + self._rows * steps) * BLOCK * self._element
        call = self._call

        def work(lo: int, hi: int) -> None:
            call(_RESULT, _RESULT, steps, lo, hi, neurons, _scratch(size), *arguments)

        parallel(work, neurons, BLOCK, steps)


# Whatever is not a number is a pointer.
_C_TYPES: dict[str, Any] = {"int64": ctypes.c_int64, "float32": ctypes.c_float, "float64": ctypes.c_double}
_own = threading.local()

# Numba passes a place for the result, where None is written, and one for an exception, of which there is none.
_PLACE = ctypes.create_string_buffer(64)
_RESULT = ctypes.addressof(_PLACE)


def _scratch(size: int) -> int | None:
    """Address of working memory that belongs to the calling thread."""
    if not size:
        return None
    if getattr(_own, "size", 0) < size:
        _own.memory, _own.size = torch.empty(size, dtype=torch.uint8), size
    return int(_own.memory.data_ptr())


class NumbaKernel(Kernel):
    """Fused forward and backward kernels of one loop."""

    def __init__(self, loop: Loop, variant: Variant) -> None:
        super().__init__(loop, variant)
        self._real = str(variant.dtype).removeprefix("torch.")
        keeps = variant.training and not variant.replay
        self._program = loop.forward if keeps else loop.inference
        self._written = loop.written if keeps else {}
        self._forward = _Compiled(self._forward_source())
        self._backward = _Compiled(self._backward_source(loop.backward)) if loop.backward else None

    @property
    def source(self) -> str:
        return self._forward.source + ("\n" + self._backward.source if self._backward else "")

    def _forward_source(self) -> KernelSource:
        source, program = KernelSource("forward", self._real), self._program
        phase = source.phase(program.body)
        for name in self.loop.inputs:
            pointer = source.row(phase, f"in_{name}")
            if INPUT + name in program.inputs:
                phase.read(INPUT + name, pointer)
        for name in self.loop.outputs:
            phase.write(source.row(phase, f"out_{name}", strided=False), program.outputs[name])
        for name, kind in self._written.items():
            phase.write(source.row(phase, f"kept_{name}", kind, strided=False), program.outputs[SAVED + name], kind)
        for name in self.loop.states:
            pointer = source.cell(f"state_{name}")
            if STATE + name in program.inputs:
                phase.read(STATE + name, pointer)
            phase.write(pointer, program.outputs[STATE + name])
        source.constants(self._hoisted_in(program), self.variant.fields)
        return source

    def _backward_source(self, program: Program) -> KernelSource:
        source = KernelSource("backward", self._real)
        kept = self._replay(source) if self.variant.replay else {}
        phase = source.phase(program.body, backward=True)
        for name, kind in self.loop.saved.items():
            if name in kept:
                # Working memory holds truth values as numbers too.
                pointer = source.scratch_at(phase, f"again_{name}", kept[name])
                phase.loads.append(f"{name} = load({pointer}, i)" + ("" if kind == "r" else " != zero"))
            else:
                phase.read(name, source.row(phase, f"kept_{name}", kind), kind)
        for name in self.loop.outputs:
            if GRAD_OUTPUT + name in program.inputs:
                phase.read(GRAD_OUTPUT + name, source.row(phase, f"grad_{name}"))
        for label, node in program.outputs.items():
            if label.startswith(INPUT):
                phase.write(source.row(phase, f"to_{label}", strided=False), node)
            elif label.startswith(STATE):
                name = label.removeprefix(STATE)
                pointer = source.cell(f"state_{name}")
                if GRAD_STATE + name in program.inputs:
                    phase.read(GRAD_STATE + name, pointer)
                phase.write(pointer, node)
            else:
                pointer = source.cell(label)
                phase.read(f"so_far_{label}", pointer)
                phase.body = (*phase.body, Instruction(f"now_{label}", "add", (f"so_far_{label}", node)))
                phase.write(pointer, f"now_{label}")
        programs = (self.loop.forward, program) if self.variant.replay else (program,)
        source.constants(self._hoisted_in(*programs), self.variant.fields)
        return source

    def _replay(self, source: KernelSource) -> dict[str, int]:
        """Run the forward steps of a block from the initial state; returns which scratch row holds which value."""
        program = self.loop.forward
        kept = {name: source.scratch_row() for name in self.loop.saved if not name.startswith(INPUT)}
        phase = source.phase(program.body)
        for name in self.loop.inputs:
            pointer = source.row(phase, f"kept_{INPUT}{name}")
            if INPUT + name in program.inputs:
                phase.read(INPUT + name, pointer)
        for name in self.loop.states:
            pointer = source.scratch_cell(f"again_state_{name}", source.cell(f"kept_{INITIAL}{name}"))
            if STATE + name in program.inputs:
                phase.read(STATE + name, pointer)
            phase.write(pointer, program.outputs[STATE + name])
        for name, row in kept.items():
            pointer = source.scratch_at(phase, f"again_{name}", row)
            number = name if self.loop.saved[name] == "r" else f"(one if {name} else zero)"
            phase.stores.append(f"store({pointer}, i, {number})")
        return kept

    def _hoisted_in(self, *programs: Program) -> list[str]:
        direct = {node for program in programs for node in program.outputs.values() if isinstance(node, str)}
        return [n for n in self.loop.hoisted if n in direct or any(n in program.inputs for program in programs)]

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
        dtype, labels = self.variant.dtype, self.loop.backward.outputs
        grads = {n.removeprefix(INPUT): empty(steps, neurons, dtype=dtype) for n in labels if n.startswith(INPUT)}
        zero = torch.zeros((), dtype=dtype).expand(neurons)
        sums = {label: copied(zero, dtype) for label in labels if label.startswith(SUM)}
        # Becomes the gradient of the initial state.
        first = {name: copied(value, dtype) for name, value in grad_states.items()}
        kept = {n: copied(value, dtype) if n.startswith(INITIAL) else value for n, value in saved.items()}
        streams = {
            **{f"kept_{name}": value for name, value in kept.items()},
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
