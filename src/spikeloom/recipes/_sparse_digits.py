"""Perceptrons that learn digits while the operations of their activations are part of the loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import spikeloom as sl
from spikeloom.recipes._trained_digits import Digits


def learnt(
    model: nn.Module, found: Digits, *, cost: float = 0.0, seed: int, epochs: int,
    track: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> nn.Module:  # fmt: skip
    """The model, trained by Adam on cross-entropy + cost x synaptic operations; the rate falls as a cosine.

    In the first half of the passes the cost rises, and activations that count round at random: test digits profit.
    """
    generator = torch.Generator().manual_seed(seed)
    counted = sl.conversion.SynapticOperations(model.train(), found.inputs[:1])
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in track(range(epochs)):
        risen = cost * min(1.0, 2 * epoch / epochs)
        for layer in counted.modules():
            if isinstance(layer, sl.conversion.NeuromorphicReLU):
                layer.stochastic = epoch < epochs / 2
        optimiser.param_groups[0]["lr"] = 5e-3 * (1 + math.cos(math.pi * epoch / epochs)) / 2
        for some in torch.split(torch.randperm(len(found.inputs), generator=generator), 48):
            told = counted(found.inputs[some])
            loss = cross_entropy(told.output, found.labels[some]) + risen * told.total
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return model.eval().requires_grad_(False)


def operations(model: nn.Module, found: Digits) -> float:
    """Synaptic operations for a test digit."""
    return float(sl.conversion.SynapticOperations(model, found.test[:1])(found.test).total)
