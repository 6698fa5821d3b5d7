"""Before anything is timed: do the contenders compute the same?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

SPIKES = 1e-5  # largest fraction of spikes that may differ
GRADIENT = 1e-5  # largest relative error of the gradient


class DisagreementError(Exception):
    """Contenders that are to be timed against each other compute different things."""


@dataclass(frozen=True)
class Agreement:
    """How far two contenders are apart."""

    spikes: float
    gradient: float

    def check(self, what: str) -> None:
        if not (self.spikes < SPIKES and self.gradient < GRADIENT):
            raise DisagreementError(
                f"{what}: expected a fraction of differing spikes below {SPIKES:g} and a relative gradient error "
                f"below {GRADIENT:g}, got {self.spikes:.2g} and {self.gradient:.2g}."
            )


def forward_backward(neuron: Callable[[Tensor], Tensor], x: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor]:
    """Spikes and the gradient with respect to the input."""
    leaf = x.detach().requires_grad_()
    spikes = neuron(leaf)
    spikes.backward(upstream)
    assert leaf.grad is not None
    return spikes.detach(), leaf.grad


def compare(ours: Callable[[Tensor], Tensor], other: Callable[[Tensor], Tensor], x: Tensor, g: Tensor) -> Agreement:
    """Fraction of spikes that differ, and the relative error (2-norm) of the gradient.

    A potential that meets the threshold to the last bit may spike in one of them only, and everything that this neuron
    does afterwards differs rightly: the gradient is compared over the neurons whose spikes agree at every step.
    """
    spikes, gradient = forward_backward(ours, x, g)
    spikes_other, gradient_other = forward_backward(other, x, g)
    differ = spikes != spikes_other
    same = ~differ.any(dim=0)
    error = torch.linalg.vector_norm((gradient - gradient_other)[:, same])
    return Agreement(
        spikes=differ.double().mean().item(),
        gradient=(error / torch.linalg.vector_norm(gradient_other[:, same])).item(),
    )
