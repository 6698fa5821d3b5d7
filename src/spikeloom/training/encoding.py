"""The encoders that a run can name in its configuration."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from spikeloom.coding import Bernoulli, Direct, Encoder, LinearLatency

ENCODERS: dict[str, Callable[[int], Encoder]] = {
    "direct": Direct,
    "bernoulli": Bernoulli,
    "latency": LinearLatency,
}


def encode(images: Tensor, encoder: str, *, steps: int, generator: torch.Generator) -> Tensor:
    """Images [B, ...] with values in [0, 1] as a spike train or current [T, B, ...].

    >>> encode(torch.rand(2, 1, 8, 8), "direct", steps=4, generator=torch.Generator()).shape
    torch.Size([4, 2, 1, 8, 8])
    """
    chosen = ENCODERS[encoder](steps)
    if chosen.graded:
        encoded: Tensor = chosen(images)
    else:
        # Drawn where the generator lives, so that every device sees the same spikes.
        encoded = chosen(images.cpu(), generator=generator).to(images.device)
    return encoded
