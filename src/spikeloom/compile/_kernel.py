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

    dtype: torch.dtype
    training: bool
    # Hoisted values that differ from neuron to neuron; the others are one number.
    fields: frozenset[str]


class ForwardResult(NamedTuple):
    """Outputs and what was written for the backward pass, each [steps, neurons]; final states [neurons]."""

    outputs: Buffers
    states: Buffers
    written: Buffers
    # Whether any final state is NaN.
    nan: bool


class BackwardResult(NamedTuple):
    """Gradients of inputs [steps, neurons] and initial states [neurons]; sums over time [neurons]."""

    inputs: Buffers
    states: Buffers
    sums: Buffers


class Kernel(ABC):
    """One compiled loop. Inputs, saved values and output gradients are [steps, neurons], the last axis contiguous."""

    def __init__(self, loop: Loop, variant: Variant) -> None:
        self.loop, self.variant = loop, variant

    @abstractmethod
    def forward(self, steps: int, neurons: int, hoisted: Buffers, inputs: Buffers, states: Buffers) -> ForwardResult:
        """Advance `steps` time steps from `states`; arguments are not changed."""

    @abstractmethod
    def backward(
        self, steps: int, neurons: int, hoisted: Buffers, saved: Buffers, grad_outputs: Buffers, grad_states: Buffers
    ) -> BackwardResult:
        """Propagate gradients from the last step to the first; arguments are not changed."""

    @property
    def source(self) -> str:
        """The kernel's source text, for a reader; empty where there is none."""
        return ""
