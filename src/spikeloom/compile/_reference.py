"""The reference back end: the programs of a loop, executed one operation at a time in plain PyTorch.

It is the definition that every other back end is tested against, on any device; nothing in it is optimised.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ._kernel import BackwardResult, Buffers, ForwardResult, Kernel, Variant
from ._loop import GRAD_OUTPUT, GRAD_STATE, INPUT, SAVED, STATE, SUM, Loop
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
    constants = {node: torch.tensor(node, dtype=dtype) for node in program.outputs.values() if isinstance(node, float)}
    return {
        label: known[node] if isinstance(node, str) else constants[float(node)]
        for label, node in program.outputs.items()
    }


class ReferenceKernel(Kernel):
    """Plain loops over time."""

    def forward(self, steps: int, neurons: int, hoisted: Buffers, inputs: Buffers, states: Buffers) -> ForwardResult:
        loop, dtype = self.loop, self.variant.dtype
        program = loop.forward if self.variant.training else loop.inference
        device = next(iter(states.values())).device if states else next(iter(inputs.values())).device
        outputs = {name: torch.empty(steps, neurons, dtype=dtype, device=device) for name in loop.outputs}
        kinds = loop.written if self.variant.training else {}
        written = {
            n: torch.empty(steps, neurons, dtype=dtype if k == "r" else torch.bool, device=device)
            for n, k in kinds.items()
        }
        now = dict(states)
        for t in range(steps):
            given = {
                **hoisted,
                **{STATE + n: v for n, v in now.items()},
                **{INPUT + n: x[t] for n, x in inputs.items()},
            }
            result = evaluate(program, given, dtype)
            now = {name: result[STATE + name].expand(neurons) for name in now}
            for name, output in outputs.items():
                output[t] = result[name]
            for name, kept in written.items():
                kept[t] = result[SAVED + name]
        nan = any(bool(torch.isnan(value).any()) for value in now.values())
        return ForwardResult(outputs, {name: value.contiguous() for name, value in now.items()}, written, nan)

    def backward(
        self, steps: int, neurons: int, hoisted: Buffers, saved: Buffers, grad_outputs: Buffers, grad_states: Buffers
    ) -> BackwardResult:
        loop, dtype = self.loop, self.variant.dtype
        assert loop.backward is not None
        program = loop.backward
        device = next(iter(grad_states.values())).device if grad_states else next(iter(grad_outputs.values())).device
        wanted = [label for label in program.outputs if label.startswith(INPUT)]
        grads = {n.removeprefix(INPUT): torch.empty(steps, neurons, dtype=dtype, device=device) for n in wanted}
        sums = {n: torch.zeros(neurons, dtype=dtype, device=device) for n in program.outputs if n.startswith(SUM)}
        now = dict(grad_states)
        for t in reversed(range(steps)):
            given = {
                **hoisted,
                **{name: value[t] for name, value in saved.items()},
                **{GRAD_OUTPUT + name: value[t] for name, value in grad_outputs.items()},
                **{GRAD_STATE + name: value for name, value in now.items()},
            }
            result = evaluate(program, given, dtype)
            now = {name: result[STATE + name].expand(neurons) for name in now}
            for name, grad in grads.items():
                grad[t] = result[INPUT + name]
            sums = {name: total + result[name] for name, total in sums.items()}
        return BackwardResult(grads, {name: value.contiguous() for name, value in now.items()}, sums)


def build(loop: Loop, variant: Variant) -> Kernel:
    """A kernel for one loop."""
    return ReferenceKernel(loop, variant)
