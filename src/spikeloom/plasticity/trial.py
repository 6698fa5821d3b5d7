"""Rules that look at a whole trial: a neuron's output is compared with a target before weights change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import Tensor

from ..parameters import Declared


@dataclass
class Trial:
    """Weights after a trial, the output spikes that led to the change, [T, B, out], and what was wrong, [B, out]."""

    w: Tensor
    output: Tensor
    error: Tensor


class TrialRule(Declared):
    """Abstract: a neuron model together with a rule for its weights, for targets that are known when a trial ends.

    Shapes: w [out, in], x [T, B, in], one step per dt; what a target is the subclass says. Weights are changed by the
    mean over the batch of what each trial asks for.
    """

    family: ClassVar[str] = "yours"

    @classmethod
    def example(cls) -> Self:
        """One for tests and lists."""
        return cls()

    def potential(self, w: Tensor, x: Tensor) -> Tensor:
        """Membrane potential [T, B, out] of the neurons, with their own spikes' resets where they spike."""
        raise NotImplementedError(f"{type(self).__name__} states no potential(self, w, x)")

    def respond(self, w: Tensor, x: Tensor) -> Tensor:
        """Output spikes [T, B, out]."""
        raise NotImplementedError(f"{type(self).__name__} states no respond(self, w, x)")

    def update(self, w: Tensor, x: Tensor, target: Any) -> Trial:
        """One trial, or a batch of them."""
        raise NotImplementedError(f"{type(self).__name__} states no update(self, w, x, target)")
