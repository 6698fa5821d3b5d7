"""What a back end provides: kernels that run a loop over all time steps of `neurons` independent neurons."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ._loop import Loop

Buffers = dict[str, Tensor]


@dataclass(frozen=True)
class Variant:
    """What a kernel is specialised for, besides its loop."""

    # Of the state and of all arithmetic.
    dtype: torch.dtype
    training: bool
    # Hoisted values that differ from neuron to neuron; the others are one number.
    fields: frozenset[str]
    # In which real inputs, outputs and their gradients are stored.
    stream: torch.dtype
    # Keep the state once per segment instead of `loop.written` once per step.
    recompute: bool = False

    def stored(self, kind: str) -> torch.dtype:
        """The dtype of a stream or state of a kind, where it is not stored as `stream`."""
        return {"r": self.dtype, "i": torch.int32, "b": torch.bool}[kind]

    def streamed(self, kind: str) -> torch.dtype:
        """The dtype of an input or output of a kind."""
        return self.stream if kind == "r" else self.stored(kind)


class Span(NamedTuple):
    """Which steps of which neurons: their numbers, the length of a segment, and where random numbers are drawn from."""

    steps: int
    neurons: int
    # Steps between kept states; all of them where nothing is recomputed.
    segment: int
    # Seed of the run, and steps since rest before the first.
    seed: int = 0
    first: int = 0

    @property
    def segments(self) -> int:
        """How many segments there are; the last may be shorter."""
        return -(-self.steps // self.segment) if self.steps else 0


class ForwardResult(NamedTuple):
    """Outputs [steps, neurons], final states [neurons], and what was kept for the backward pass.

    Kept is `loop.written` [steps, neurons], or the states at the start of each segment [segments, neurons].
    """

    outputs: Buffers
    states: Buffers
    kept: Buffers
    # Whether any final state is NaN.
    nan: bool


class BackwardResult(NamedTuple):
    """Gradients of inputs [steps, neurons] and initial states [neurons]; sums over time [neurons]."""

    inputs: Buffers
    states: Buffers
    sums: Buffers


class Kernel(ABC):
    """One compiled loop. Streams are [steps, neurons], the last axis contiguous."""

    def __init__(self, loop: Loop, variant: Variant) -> None:
        self.loop, self.variant = loop, variant

    @abstractmethod
    def forward(self, span: Span, hoisted: Buffers, inputs: Buffers, states: Buffers) -> ForwardResult:
        """Advance all steps from `states`; arguments are not changed."""

    @abstractmethod
    def backward(
        self, span: Span, hoisted: Buffers, saved: Buffers, grad_outputs: Buffers, grad_states: Buffers
    ) -> BackwardResult:
        """Propagate gradients of real outputs and states from the last step to the first; arguments are not changed.

        `saved` holds `loop.saved` by node; or, where segments are recomputed, inputs by node and states by name.
        """

    @property
    def source(self) -> str:
        """The kernel's source text, for a reader; empty where there is none."""
        return ""
