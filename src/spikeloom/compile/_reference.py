"""The reference back end: the programs of a loop, executed one operation at a time in plain PyTorch.

It is the definition that every other back end is tested against, on any device; nothing in it is optimised.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ._kernel import BackwardResult, Buffers, ForwardResult, Kernel, Span, Variant
from ._loop import GRAD_OUTPUT, GRAD_STATE, INPUT, NEURON, ORIGIN, SAVED, SEED, STATE, STEP, SUM, Loop
from ._operations import OPERATIONS
from ._program import Node, Program

NAME = "reference"


def supports(device: torch.device) -> str | None:
    """None where this back end runs, which is wherever tensors have values."""
    return "meta tensors have no values" if device.type == "meta" else None


def evaluate(program: Program, values: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Outputs of a program by label, real ones in `dtype`."""
    known = dict(values)

    def read(node: Node) -> Node | Tensor:
        return known[node] if isinstance(node, str) else node

    for step in program.body:
        result = OPERATIONS[step.operation].evaluate(*(read(a) for a in step.arguments))
        known[step.name] = result.to(dtype) if step.kind == "r" else result
    return {label: _tensor(read(node), dtype) for label, node in program.outputs.items()}


def _tensor(value: Node | Tensor, dtype: torch.dtype) -> Tensor:
    if isinstance(value, Tensor):
        return value
    return torch.tensor(value, dtype={float: dtype, int: torch.int32}.get(type(value)))


class ReferenceKernel(Kernel):
    """Plain loops over time."""

    def forward(self, span: Span, hoisted: Buffers, inputs: Buffers, states: Buffers) -> ForwardResult:
        loop, variant = self.loop, self.variant
        device = next(iter((*states.values(), *inputs.values()))).device

        def stream(steps: int, dtype: torch.dtype) -> Tensor:
            return torch.empty(steps, span.neurons, dtype=dtype, device=device)

        outputs = {name: stream(span.steps, variant.streamed(kind)) for name, kind in loop.output_kinds.items()}
        written, checkpoints = {}, {}
        if variant.training and variant.recompute:
            checkpoints = {name: stream(span.segments, variant.stored(kind)) for name, kind in loop.states.items()}
        elif variant.training:
            written = {name: stream(span.steps, variant.stored(kind)) for name, kind in loop.written.items()}
        program = loop.forward if written else loop.inference
        now = dict(states)
        for t in range(span.steps):
            for name, checkpoint in checkpoints.items():
                if t % span.segment == 0:
                    checkpoint[t // span.segment] = now[name]
            result = self._step(program, span, t, hoisted, inputs, now)
            now = {name: result[STATE + name].expand(span.neurons) for name in now}
            for name, output in outputs.items():
                output[t] = result[name]
            for name, kept in written.items():
                kept[t] = result[SAVED + name]
        nan = any(bool(torch.isnan(now[name]).any()) for name in loop.real_states)
        final = {name: value.contiguous() for name, value in now.items()}
        return ForwardResult(outputs, final, {**written, **checkpoints}, nan)

    def _step(
        self, program: Program, span: Span, t: int, hoisted: Buffers, inputs: Buffers, states: Buffers
    ) -> dict[str, Tensor]:
        given = {
            **hoisted,
            **self._origin(span, t, program),
            **{STATE + n: v for n, v in states.items()},
            **{INPUT + n: x[t].to(self.variant.dtype) for n, x in inputs.items()},
        }
        return evaluate(program, given, self.variant.dtype)

    def _origin(self, span: Span, t: int, program: Program) -> Buffers:
        if not program.inputs.keys() & set(ORIGIN):
            return {}
        numbers = {
            SEED: torch.tensor(span.seed),
            STEP: torch.tensor(span.first + t),
            NEURON: torch.arange(span.neurons),
        }
        return {name: value.to(torch.int32) for name, value in numbers.items()}

    def backward(
        self, span: Span, hoisted: Buffers, saved: Buffers, grad_outputs: Buffers, grad_states: Buffers
    ) -> BackwardResult:
        loop, variant = self.loop, self.variant
        assert loop.backward is not None
        program = loop.backward
        if variant.recompute:
            saved = self._replayed(span, hoisted, saved)
        device = next(iter((*grad_states.values(), *grad_outputs.values()))).device
        wanted = [label.removeprefix(INPUT) for label in program.outputs if label.startswith(INPUT)]
        grads = {n: torch.empty(span.steps, span.neurons, dtype=variant.stream, device=device) for n in wanted}
        labels = [n for n in program.outputs if n.startswith(SUM)]
        sums = {n: torch.zeros(span.neurons, dtype=variant.dtype, device=device) for n in labels}
        now = dict(grad_states)
        for t in reversed(range(span.steps)):
            given = {
                **hoisted,
                **self._origin(span, t, program),
                **{n: v[t].to(variant.stored(loop.saved[n])) for n, v in saved.items()},
                **{GRAD_OUTPUT + name: value[t].to(variant.dtype) for name, value in grad_outputs.items()},
                **{GRAD_STATE + name: value for name, value in now.items()},
            }
            result = evaluate(program, given, variant.dtype)
            now = {name: result[STATE + name].expand(span.neurons) for name in now}
            for name, grad in grads.items():
                grad[t] = result[INPUT + name]
            sums = {name: total + result[name] for name, total in sums.items()}
        return BackwardResult(grads, {name: value.contiguous() for name, value in now.items()}, sums)

    def _replayed(self, span: Span, hoisted: Buffers, kept: Buffers) -> Buffers:
        """What would have been saved of every step, from the states at the start of each segment."""
        loop, rows = self.loop, []
        inputs = {name: kept[INPUT + name] for name in loop.replay_inputs}
        now: Buffers = {}
        for t in range(span.steps):
            if t % span.segment == 0:
                now = {name: kept[name][t // span.segment] for name in loop.states}
            result = self._step(loop.forward, span, t, hoisted, inputs, now)
            now = {name: result[STATE + name].expand(span.neurons) for name in now}
            rows.append({name: result[SAVED + name].expand(span.neurons) for name in loop.replayed})
        replayed = {name: torch.stack([row[name] for row in rows]) for name in loop.replayed if rows}
        return {**{n: kept[n] for n in loop.saved if n.startswith(INPUT)}, **replayed}


def build(loop: Loop, variant: Variant) -> Kernel:
    """A kernel for one loop."""
    return ReferenceKernel(loop, variant)
