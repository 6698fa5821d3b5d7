"""The Numba back end: one kernel for all time steps, on the CPU, blocked so that state stays in cache."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ._kernel import BackwardResult, Buffers, ForwardResult, Kernel, Variant
from ._loop import GRAD_OUTPUT, GRAD_STATE, INPUT, SAVED, STATE, SUM, Loop
from ._memory import copied, empty
from ._numba_source import GRAIN, KernelSource
from ._object_code import address_of
from ._program import Instruction, Program
from ._threads import parallel

NAME = "numba"


def supports(device: torch.device) -> str | None:
    """None where kernels of this back end run, else the reason why not."""
    return None if device.type == "cpu" else "numba runs on the CPU only"


class _Compiled:
    """A linked kernel and the order of its arguments."""

    def __init__(self, source: KernelSource) -> None:
        self.source = source.text()
        self._names = [name for name, _ in source.arguments]
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
        call = self._call
        parallel(lambda lo, hi: call(_RESULT, _RESULT, steps, lo, hi, neurons, *arguments), neurons, GRAIN, steps)


# Whatever is not a number is a pointer.
_C_TYPES: dict[str, Any] = {"int64": ctypes.c_int64, "float32": ctypes.c_float, "float64": ctypes.c_double}
# Numba passes a place for the result, where None is written, and one for an exception, of which there is none.
_PLACE = ctypes.create_string_buffer(64)
_RESULT = ctypes.addressof(_PLACE)


class NumbaKernel(Kernel):
    """Fused forward and backward kernels of one loop."""

    def __init__(self, loop: Loop, variant: Variant) -> None:
        super().__init__(loop, variant)
        self._real = str(variant.dtype).removeprefix("torch.")
        self._program = loop.forward if variant.training else loop.inference
        self._written = loop.written if variant.training else {}
        self._forward = _Compiled(self._forward_source())
        self._backward = _Compiled(self._backward_source(loop.backward)) if loop.backward else None

    @property
    def source(self) -> str:
        return self._forward.source + ("\n" + self._backward.source if self._backward else "")

    def _forward_source(self) -> KernelSource:
        program = self._program
        source = KernelSource("forward", self._real, program.body)
        for name in self.loop.inputs:
            source.read_row(INPUT + name, f"in_{name}")
        for name in self.loop.outputs:
            source.write_row(f"out_{name}", program.outputs[name])
        for name, kind in self._written.items():
            source.write_row(f"kept_{name}", program.outputs[SAVED + name], kind)
        for name in self.loop.states:
            source.cell(f"state_{name}", STATE + name, program.outputs[STATE + name])
            source.watch(f"state_{name}")
        source.constants(self._hoisted_in(program), self.variant.fields)
        return source

    def _backward_source(self, program: Program) -> KernelSource:
        source = KernelSource("backward", self._real, program.body, backward=True)
        for name, kind in self.loop.saved.items():
            source.read_row(name, f"kept_{name}", kind)
        for name in self.loop.outputs:
            source.read_row(GRAD_OUTPUT + name, f"grad_{name}")
        for label, node in program.outputs.items():
            if label.startswith(INPUT):
                source.write_row(f"to_{label}", node)
            elif label.startswith(STATE):
                name = label.removeprefix(STATE)
                source.cell(f"state_{name}", GRAD_STATE + name, node)
            else:
                total = Instruction(f"now_{label}", "add", (f"past_{label}", node))
                source.body = (*source.body, total)
                source.cell(label, f"past_{label}", total.name)
        source.constants(self._hoisted_in(program), self.variant.fields)
        return source

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
        nan_found = torch.zeros(-(-neurons // GRAIN), dtype=torch.uint8)
        streams = {
            "nan_found": nan_found,
            **{f"in_{name}": x for name, x in inputs.items()},
            **{f"out_{name}": y for name, y in outputs.items()},
            **{f"kept_{name}": value for name, value in written.items()},
            **{f"state_{name}": value for name, value in final.items()},
        }
        self._forward(steps, neurons, streams, hoisted)
        return ForwardResult(outputs, final, written, bool(nan_found.numpy().any()))

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
