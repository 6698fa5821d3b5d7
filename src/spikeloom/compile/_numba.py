"""The Numba back end: one kernel for all time steps, on the CPU, blocked so that state stays in cache."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ._kernel import BackwardResult, Buffers, ForwardResult, Kernel, Span, Variant
from ._loop import GRAD_OUTPUT, GRAD_STATE, INPUT, NEURON, SAVED, SEED, STATE, STEP, SUM, Loop
from ._memory import copied, empty
from ._numba_source import GRAIN, REPLAY_BLOCK, KernelSource
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
        self._names = list(source.arguments)
        self._last: tuple[Buffers | None, dict[str, float | int]] = (None, {})
        kinds = [kind for _, kind in source.all_arguments()]
        address = address_of(self.source, source.name, kinds)
        c_types = [_C_TYPES.get(kind, ctypes.c_void_p) for kind in kinds]
        self._call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *c_types)(address)

    def __call__(self, span: Span, streams: Mapping[str, Tensor], hoisted: Buffers) -> None:
        given = {**self._constants(hoisted), "seed": span.seed, "first": span.first}
        for name, tensor in streams.items():
            given[name] = tensor.data_ptr()
            given[f"{name}_stride"] = tensor.stride(0)
        arguments = [given[name] for name in self._names]
        call, (steps, neurons, segment) = self._call, span[:3]

        def work(lo: int, hi: int) -> None:
            call(_RESULT, _RESULT, steps, segment, lo, hi, neurons, *arguments)

        parallel(work, neurons, GRAIN, steps)

    def _constants(self, hoisted: Buffers) -> dict[str, float | int]:
        """Numbers and addresses of what does not change with time; calls that repeat hand over the same ones."""
        last, found = self._last
        if last is not hoisted:
            found = {(f"all_{n}" if v.dim() else n): v.data_ptr() if v.dim() else v.item() for n, v in hoisted.items()}
            self._last = hoisted, found
        return found


# Whatever is not a number is a pointer.
_C_TYPES: dict[str, Any] = {"int64": ctypes.c_int64, "float32": ctypes.c_float, "float64": ctypes.c_double}
# Numba passes a place for the result, where None is written, and one for an exception, of which there is none.
_PLACE = ctypes.create_string_buffer(64)
_RESULT = ctypes.addressof(_PLACE)


class NumbaKernel(Kernel):
    """Fused forward and backward kernels of one loop."""

    def __init__(self, loop: Loop, variant: Variant) -> None:
        super().__init__(loop, variant)
        self._real = _name(variant.dtype)
        self._recompute = variant.training and variant.recompute
        self._program = loop.forward if variant.training and not self._recompute else loop.inference
        self._written = loop.written if variant.training and not self._recompute else {}
        self._forward = _Compiled(self._forward_source())
        self._backward = _Compiled(self._backward_source(loop.backward)) if loop.backward else None

    @property
    def source(self) -> str:
        return self._forward.source + ("\n" + self._backward.source if self._backward else "")

    def _stored(self, kind: str) -> str:
        return _name(self.variant.stored(kind))

    def _forward_source(self) -> KernelSource:
        program = self._program
        source = KernelSource("forward", self._real, "forward" if self._recompute else None)
        source.add_pass(program.body)
        for name in self.loop.inputs:
            source.read_row(INPUT + name, f"in_{name}", _name(self.variant.stream))
        for name, kind in self.loop.output_kinds.items():
            source.write_row(f"out_{name}", program.outputs[name], _name(self.variant.streamed(kind)))
        for name, kind in self._written.items():
            source.write_row(f"kept_{name}", program.outputs[SAVED + name], self._stored(kind))
        for name, kind in self.loop.states.items():
            source.cell(f"state_{name}", STATE + name, program.outputs[STATE + name], self._stored(kind))
            if kind == "r":
                source.watch(f"state_{name}")
            if self._recompute:
                source.at_entry(f"state_{name}", f"kept_{name}", self._stored(kind), keep=True)
        self._surroundings(source, program)
        return source

    def _backward_source(self, program: Program) -> KernelSource:
        source = KernelSource("backward", self._real)
        if self._recompute:
            source.segments, source.block = "backward", REPLAY_BLOCK
            self._replay_pass(source)
        now = source.add_pass(program.body, backward=True)
        for name, kind in self.loop.saved.items():
            if self._recompute and not name.startswith(INPUT):
                source.read_row(name, f"again_{name}", self._stored(kind), index="t - start")
            else:
                source.read_row(name, f"kept_{name}", self._saved_dtype(name, kind))
        for name in self.loop.real_outputs:
            source.read_row(GRAD_OUTPUT + name, f"grad_{name}", _name(self.variant.stream))
        for label, node in program.outputs.items():
            if label.startswith(INPUT):
                source.write_row(f"to_{label}", node, _name(self.variant.stream))
            elif label.startswith(STATE):
                name = label.removeprefix(STATE)
                source.cell(f"grad_state_{name}", GRAD_STATE + name, node, self._real)
            else:
                total = Instruction(f"now_{label}", "add", (f"past_{label}", node))
                now.body = (*now.body, total)
                source.cell(label, f"past_{label}", total.name, self._real)
        self._surroundings(source, program)
        return source

    def _saved_dtype(self, node: str, kind: str) -> str:
        """Inputs and outputs are kept as they are stored, other values in the state's dtype."""
        streamed = node in self.loop.at_hand
        return _name(self.variant.streamed(kind) if streamed else self.variant.stored(kind))

    def _replay_pass(self, source: KernelSource) -> None:
        """The forward steps of a segment again, writing what the backward steps read."""
        program = self.loop.forward
        source.add_pass(program.body)
        for name in self.loop.inputs:
            if INPUT + name in program.inputs:
                source.read_row(INPUT + name, f"kept_{INPUT}{name}", _name(self.variant.stream))
        for name, kind in self.loop.replayed.items():
            source.write_row(f"again_{name}", program.outputs[SAVED + name], self._stored(kind), index="t - start")
        for name, kind in self.loop.states.items():
            source.cell(f"state_{name}", STATE + name, program.outputs[STATE + name], self._stored(kind))
            source.at_entry(f"state_{name}", f"first_{name}", self._stored(kind), keep=False)
        self._surroundings(source, program)

    def _surroundings(self, source: KernelSource, program: Program) -> None:
        """What a pass reads besides streams and states."""
        direct = [node for node in program.outputs.values() if isinstance(node, str)]
        hoisted = [name for name in self.loop.hoisted if name in program.inputs or name in direct]
        source.constants(hoisted, self.variant.fields)
        roles = {"seed": SEED, "neuron": NEURON, "step": STEP}
        source.origin({role: name for role, name in roles.items() if name in program.inputs})

    def forward(self, span: Span, hoisted: Buffers, inputs: Buffers, states: Buffers) -> ForwardResult:
        loop, variant = self.loop, self.variant
        steps, neurons = span[:2]
        outputs = {n: empty(steps, neurons, dtype=variant.streamed(kind)) for n, kind in loop.output_kinds.items()}
        rows = span.segments if self._recompute else steps
        kinds = loop.states if self._recompute else self._written
        kept = {name: empty(rows, neurons, dtype=variant.stored(kind)) for name, kind in kinds.items()}
        final = {name: copied(value, variant.stored(loop.states[name])) for name, value in states.items()}
        nan_found = torch.zeros(-(-neurons // GRAIN), dtype=torch.uint8)
        streams = {
            "nan_found": nan_found,
            **{f"in_{name}": x for name, x in inputs.items()},
            **{f"out_{name}": y for name, y in outputs.items()},
            **{f"kept_{name}": value for name, value in kept.items()},
            **{f"state_{name}": value for name, value in final.items()},
        }
        self._forward(span, streams, hoisted)
        return ForwardResult(outputs, final, kept, bool(nan_found.numpy().any()))

    def backward(
        self, span: Span, hoisted: Buffers, saved: Buffers, grad_outputs: Buffers, grad_states: Buffers
    ) -> BackwardResult:
        loop, variant = self.loop, self.variant
        assert self._backward is not None and loop.backward is not None
        steps, neurons = span[:2]
        labels = loop.backward.outputs
        grads = {
            n.removeprefix(INPUT): empty(steps, neurons, dtype=variant.stream) for n in labels if n.startswith(INPUT)
        }
        zero = torch.zeros((), dtype=variant.dtype).expand(neurons)
        sums = {label: copied(zero, variant.dtype) for label in labels if label.startswith(SUM)}
        # Becomes the gradient of the initial state.
        first = {name: copied(value, variant.dtype) for name, value in grad_states.items()}
        streams = {
            **(self._replay_streams(span, saved) if self._recompute else {}),
            **{
                f"kept_{name}": value for name, value in saved.items() if name not in loop.states or not self._recompute
            },
            **{f"grad_{name}": value for name, value in grad_outputs.items()},
            **{f"to_{INPUT}{name}": value for name, value in grads.items()},
            **{f"grad_state_{name}": value for name, value in first.items()},
            **sums,
        }
        self._backward(span, streams, hoisted)
        return BackwardResult(grads, first, sums)

    def _replay_streams(self, span: Span, saved: Buffers) -> Buffers:
        """First states of segments, room for the states on the way, and for what a segment's backward steps read."""
        loop, variant = self.loop, self.variant
        kinds = {name: variant.stored(kind) for name, kind in loop.states.items()}
        return {
            **{f"first_{name}": saved[name] for name in loop.states},
            **{f"state_{name}": empty(span.neurons, dtype=dtype) for name, dtype in kinds.items()},
            **{
                f"again_{name}": empty(span.segment, span.neurons, dtype=variant.stored(kind))
                for name, kind in loop.replayed.items()
            },
        }


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def build(loop: Loop, variant: Variant) -> Kernel:
    """Compile a loop, or take its kernels from the cache."""
    return NumbaKernel(loop, variant)
