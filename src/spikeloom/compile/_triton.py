"""The Triton back end: one kernel for all time steps, on NVIDIA and AMD GPUs; on the CPU in Triton's interpreter.

Quotients and roots are exactly rounded and nothing is fused, so that a kernel computes the bits that the CPU computes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import linecache
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import cache, lru_cache
from os import environ
from threading import RLock
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._kernel import BackwardResult, Buffers, ForwardResult, Kernel, Span, Variant
from ._loop import GRAD_OUTPUT, GRAD_STATE, INPUT, NEURON, SAVED, SEED, STATE, STEP, SUM, Loop
from ._program import Instruction, Program
from ._triton_source import KernelSource, Pass

NAME = "triton"

# Four warps of 32, or two of 64, make one thread per neuron of a small block. A fused multiplication and addition would
# round once where the CPU rounds twice.
OPTIONS = {"num_warps": 4 if torch.version.hip is None else 2, "enable_fp_fusion": False}
# The interpreter replaces functions of Triton's language while a kernel runs.
_interpreting = RLock()


def supports(device: torch.device) -> str | None:
    """None where kernels of this back end run, else the reason why not."""
    if not _installed():
        return "Triton is not installed: pip install triton"
    if device.type == "cpu":
        return None if _interpreted() else "triton runs on a GPU; on the CPU only with TRITON_INTERPRET=1, to test"
    if device.type != "cuda":
        return "triton runs on NVIDIA and AMD GPUs"
    if torch.version.hip is None and torch.cuda.get_device_capability(device) < (7, 0):
        return "Triton needs compute capability 7.0"
    return None


@cache
def _installed() -> bool:
    return importlib.util.find_spec("triton") is not None


def _interpreted() -> bool:
    """Whether kernels run in Triton's interpreter, as Triton itself decides it."""
    return environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "yes", "on", "y")


class TritonKernel(Kernel):
    """Fused forward and backward kernels of one loop."""

    def __init__(self, loop: Loop, variant: Variant) -> None:
        super().__init__(loop, variant)
        self._recompute = variant.training and variant.recompute
        self._program = loop.forward if variant.training and not self._recompute else loop.inference
        self._written = loop.written if variant.training and not self._recompute else {}
        self._forward = Compiled(self._forward_source())
        self._backward = Compiled(self._backward_source(loop.backward)) if loop.backward else None

    @property
    def source(self) -> str:
        return self._forward.source + ("\n" + self._backward.source if self._backward else "")

    def _source(self, name: str) -> KernelSource:
        real = str(self.variant.dtype).removeprefix("torch.")
        return KernelSource(name, real, name if self._recompute else None)

    def _forward_source(self) -> KernelSource:
        loop, program, source = self.loop, self._program, self._source("forward")
        now = source.add_pass(program.body)
        for name in loop.inputs:
            now.read_row(INPUT + name, f"in_{name}", "r")
        for name, kind in loop.output_kinds.items():
            now.write_row(f"out_{name}", program.outputs[name], kind)
        for name, kind in self._written.items():
            now.write_row(f"kept_{name}", program.outputs[SAVED + name], kind)
        for name, kind in loop.states.items():
            source.initial(STATE + name, f"state_{name}", kind)
            now.carry(STATE + name, program.outputs[STATE + name])
            source.final(f"final_{name}", STATE + name, kind)
            if self._recompute:
                source.at_entry(STATE + name, f"kept_{name}", kind, keep=True)
        source.watch(STATE + name for name in loop.real_states)
        self._surroundings(source, now, program)
        return source

    def _backward_source(self, program: Program) -> KernelSource:
        loop, source = self.loop, self._source("backward")
        if self._recompute:
            self._replay_pass(source)
        now = source.add_pass(program.body, backward=True)
        for name, kind in loop.saved.items():
            if self._recompute and not name.startswith(INPUT):
                now.read_row(name, f"again_{name}", kind, within=True)
            else:
                now.read_row(name, f"kept_{name}", kind)
        for name in loop.real_outputs:
            now.read_row(GRAD_OUTPUT + name, f"grad_{name}", "r")
        for label, node in program.outputs.items():
            if label.startswith(INPUT):
                now.write_row(f"to_{label}", node, "r")
            elif label.startswith(STATE):
                name = label.removeprefix(STATE)
                source.initial(GRAD_STATE + name, f"last_{name}", "r")
                now.carry(GRAD_STATE + name, node)
                source.final(f"begin_{name}", GRAD_STATE + name, "r")
            else:
                source.zero(label)
                now.body.append(Instruction(f"now_{label}", "add", (label, node)))
                now.carry(label, f"now_{label}")
                source.final(f"total_{label}", label, "r")
        self._surroundings(source, now, program)
        return source

    def _replay_pass(self, source: KernelSource) -> None:
        """The forward steps of a segment again, writing what the backward steps read."""
        loop, program = self.loop, self.loop.forward
        now = source.add_pass(program.body)
        for name in loop.inputs:
            if INPUT + name in program.inputs:
                now.read_row(INPUT + name, f"kept_{INPUT}{name}", "r")
        for name, kind in loop.replayed.items():
            now.write_row(f"again_{name}", program.outputs[SAVED + name], kind, within=True)
        for name, kind in loop.states.items():
            source.at_entry(STATE + name, f"first_{name}", kind, keep=False)
            now.carry(STATE + name, program.outputs[STATE + name])
        self._surroundings(source, now, program)

    def _surroundings(self, source: KernelSource, now: Pass, program: Program) -> None:
        """What a pass reads besides streams and states."""
        direct = [node for node in program.outputs.values() if isinstance(node, str)]
        source.constants(
            [name for name in self.loop.hoisted if name in program.inputs or name in direct], self.variant.fields
        )
        roles = {"seed": SEED, "neuron": NEURON, "step": STEP}
        now.origin({role: name for role, name in roles.items() if name in program.inputs})

    def forward(self, span: Span, hoisted: Buffers, inputs: Buffers, states: Buffers) -> ForwardResult:
        loop, variant = self.loop, self.variant
        new = Allocator(span, next(iter((*states.values(), *inputs.values()))).device)
        outputs = {name: new.rows(variant.streamed(kind)) for name, kind in loop.output_kinds.items()}
        rows, kinds = (span.segments, loop.states) if self._recompute else (span.steps, self._written)
        kept = {name: new.rows(variant.stored(kind), rows) for name, kind in kinds.items()}
        given = {name: states[name].to(variant.stored(kind)).contiguous() for name, kind in loop.states.items()}
        final = {name: value.clone() if not span.steps else torch.empty_like(value) for name, value in given.items()}
        nan_found = torch.zeros(1, dtype=torch.int32, device=new.device)
        streams = {
            "nan_found": nan_found,
            **{f"in_{name}": x for name, x in inputs.items()},
            **{f"out_{name}": y for name, y in outputs.items()},
            **{f"kept_{name}": value for name, value in kept.items()},
            **{f"state_{name}": value for name, value in given.items()},
            **{f"final_{name}": value for name, value in final.items()},
        }
        self._forward(span, new.device, streams, hoisted)
        return ForwardResult(outputs, final, kept, _found(nan_found))

    def backward(
        self, span: Span, hoisted: Buffers, saved: Buffers, grad_outputs: Buffers, grad_states: Buffers
    ) -> BackwardResult:
        loop, variant = self.loop, self.variant
        assert self._backward is not None and loop.backward is not None
        new = Allocator(span, next(iter((*grad_states.values(), *grad_outputs.values()))).device)
        labels = loop.backward.outputs
        grads = {n.removeprefix(INPUT): new.rows(variant.stream) for n in labels if n.startswith(INPUT)}
        sums = {
            n: torch.zeros(span.neurons, dtype=variant.dtype, device=new.device) for n in labels if n.startswith(SUM)
        }
        last = {name: value.to(variant.dtype).contiguous() for name, value in grad_states.items()}
        begin = {name: value.clone() if not span.steps else torch.empty_like(value) for name, value in last.items()}
        streams = {
            **(self._replay_streams(new, saved) if self._recompute else {}),
            **{
                f"kept_{name}": value for name, value in saved.items() if name not in loop.states or not self._recompute
            },
            **{f"grad_{name}": value for name, value in grad_outputs.items()},
            **{f"to_{INPUT}{name}": value for name, value in grads.items()},
            **{f"last_{name}": value for name, value in last.items()},
            **{f"begin_{name}": value for name, value in begin.items()},
            **{f"total_{label}": value for label, value in sums.items()},
        }
        self._backward(span, new.device, streams, hoisted)
        return BackwardResult(grads, begin, sums)

    def _replay_streams(self, new: Allocator, saved: Buffers) -> Buffers:
        """First states of segments, and room for what a segment's backward steps read."""
        stored, replayed = self.variant.stored, self.loop.replayed
        first = {f"first_{name}": saved[name] for name in self.loop.states}
        return {**first, **{f"again_{n}": new.rows(stored(kind), new.span.segment) for n, kind in replayed.items()}}


def _found(flag: Tensor) -> bool:
    """Whether a flag was raised; while a CUDA graph is captured nothing has run yet, so nobody can know."""
    recorded = flag.device.type == "cuda" and torch.cuda.is_current_stream_capturing()
    return not recorded and bool(flag.item())


class Allocator:
    """New streams for a run."""

    def __init__(self, span: Span, device: torch.device) -> None:
        self.span, self.device = span, device

    def rows(self, dtype: torch.dtype, count: int | None = None) -> Tensor:
        return torch.empty(
            self.span.steps if count is None else count, self.span.neurons, dtype=dtype, device=self.device
        )


class Compiled:
    """A kernel's text, and the kernel once it has run."""

    def __init__(self, source: KernelSource) -> None:
        self.source, self.name = source.text(), source.name
        self.arguments = tuple(source.arguments)

    def __call__(self, span: Span, device: torch.device, streams: Mapping[str, Tensor], hoisted: Buffers) -> None:
        if span.steps == 0 or span.neurons == 0:
            return
        given: dict[str, Tensor | int] = {"seed": _wrapped(span.seed), "first": _wrapped(span.first)}
        for name, value in streams.items():
            given[name] = value.view(torch.uint8) if value.dtype == torch.bool else value
            given[f"stride_{name}"] = value.stride(0)
        given.update({f"all_{name}": _placed(value, device) for name, value in hoisted.items()})
        arguments = (given[name] for name in self.arguments)
        block = block_size(span.neurons)
        launch = jitted(self.source, self.name, _interpreted())[(-(-span.neurons // block),)]
        with _surroundings(device):
            launch(span.steps, span.segment, span.neurons, *arguments, BLOCK=block, **OPTIONS)


def _placed(value: Tensor, device: torch.device) -> Tensor:
    """On the device; a number from the CPU is sent once, because that waits for the device."""
    if value.device == device:
        return value
    return value.to(device) if value.dim() else _number(value.item(), value.dtype, device)


@lru_cache(maxsize=4096)
def _number(value: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(value, dtype=dtype, device=device)


def block_size(neurons: int) -> int:
    """Neurons per program instance: one per thread, or four where there are enough of them to fill any GPU."""
    return 128 if neurons <= 1 << 18 else 512


def _wrapped(number: int) -> int:
    """As a signed integer of 32 bits."""
    return (number + 2**31) % 2**32 - 2**31


def _surroundings(device: torch.device) -> AbstractContextManager[Any]:
    if not _interpreted():
        return torch.cuda.device(device)
    stack = ExitStack()
    stack.enter_context(_interpreting)
    stack.enter_context(np.errstate(all="ignore"))
    return stack


@cache
def jitted(source: str, name: str, interpreted: bool) -> Any:
    """The function `name` of a source text, compiled by Triton when it first runs, or interpreted."""
    import triton
    import triton.language as tl

    # Triton reads the text of a function where Python's tracebacks do.
    file = f"<spikeloom {name} {hashlib.sha256(source.encode()).hexdigest()[:16]}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    inlined: Callable[[Any], Any] = (lambda function: function) if interpreted else triton.jit
    kernel = triton.jit(do_not_specialize=["steps", "segment", "seed", "first"])
    namespace: dict[str, Any] = {"__name__": "spikeloom.kernels", "tl": tl, "inlined": inlined, "kernel": kernel}
    exec(compile(source, file, "exec"), namespace)
    return namespace[name]


def build(loop: Loop, variant: Variant) -> Kernel:
    """Write a loop's kernels; Triton compiles them at the first run and keeps them on disk."""
    return TritonKernel(loop, variant)
