"""The kernel of a loop whose output returns to its own input: NumbaKernel with a product between the steps."""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from ._kernel import BackwardResult, Buffers, ForwardResult, Span, Variant
from ._loop import GRAD_OUTPUT, INPUT, Loop
from ._memory import empty
from ._numba import NumbaKernel
from ._numba_source import KernelSource
from ._plan import Plan
from ._program import Program
from ._recurrent_product import TILE, product_address
from ._recurrent_source import RecurrentSource

# Prefixed by this, the names of what a recurrent kernel reads besides streams are no names of inputs.
_OWN = "_"
# Samples that advance through all steps together: few where the weight stays in the second-level cache, many that
# share what is read of it where it does not.
_CACHED, _FEW, _MANY = 1 << 19, TILE, 32


@dataclass(frozen=True)
class RecurrentLoop(Loop):
    """A loop in which `output` returns to `into`: what the neuron receives is written, not read."""

    output: str = ""
    into: str = ""

    @classmethod
    def of(cls, loop: Loop, output: str, into: str) -> RecurrentLoop:
        """The recurrent loop of a plain one."""
        return cls(**{item.name: getattr(loop, item.name) for item in fields(Loop)}, output=output, into=into)

    @cached_property
    def at_hand(self) -> dict[str, str]:
        """Without the current: the input at hand is only what comes from outside."""
        return {node: name for node, name in super().at_hand.items() if node != INPUT + self.into}


class RecurrentKernel(NumbaKernel):
    """Fused forward and backward kernels of a recurrent loop; `returning` gives one its weight."""

    loop: RecurrentLoop

    def __init__(self, loop: RecurrentLoop, variant: Variant) -> None:
        super().__init__(loop, variant)
        self._weight = self._before = torch.empty(0)

    def returning(self, weight: Tensor, before: Tensor) -> Self:
        """The same kernel for a weight [n, n] = [to, from] and outputs in flight at the start, [delay, B, n]."""
        bound = copy.copy(self)
        bound._weight, bound._before = weight, before
        return bound

    def _forward_source(self) -> KernelSource:
        into, output = self.loop.into, self.loop.output
        plain = super()._forward_source()
        return RecurrentSource.of(plain, f"in_{_OWN}", INPUT + into, f"in_{into}", f"out_{output}")

    def _backward_source(self, program: Program) -> KernelSource:
        into, output = self.loop.into, self.loop.output
        plain = super()._backward_source(program)
        return RecurrentSource.of(plain, f"kept_{_OWN}", GRAD_OUTPUT + output, f"grad_{output}", f"to_{INPUT}{into}")

    def forward(self, span: Span, hoisted: Buffers, inputs: Buffers, states: Buffers) -> ForwardResult:
        before = self._before.reshape(len(self._before), -1).contiguous()
        own = {"weight": self._weight.t().contiguous(), "before": before, **self._room(span)}
        return super().forward(span, hoisted, {**inputs, **_named(own)}, states)

    def backward(
        self, span: Span, hoisted: Buffers, saved: Buffers, grad_outputs: Buffers, grad_states: Buffers
    ) -> BackwardResult:
        own = {"weight": self._weight.contiguous(), **self._room(span)}
        return super().backward(span, hoisted, {**saved, **_named(own)}, grad_outputs, grad_states)

    def _room(self, span: Span) -> Buffers:
        n = self._weight.shape[0]
        group = _FEW if self._weight.nbytes <= _CACHED else _MANY
        return {
            "sizes": torch.tensor([n, len(self._before), group, product_address(self._real)]),
            "current": empty(span.neurons, dtype=self.variant.dtype),
            "places": torch.empty(span.neurons, dtype=torch.int64),
            "counts": torch.empty(span.neurons // n, 2, dtype=torch.int64),
        }


def _named(own: Buffers) -> Buffers:
    return {_OWN + name: value.detach() for name, value in own.items()}


def bound(plan: Plan, weight: Tensor, before: Tensor) -> Plan:
    """The plan with the kernel for this weight."""
    assert isinstance(plan.kernel, RecurrentKernel)
    return replace(plan, kernel=plan.kernel.returning(weight, before))
