"""Regular code: as many spikes as the value says, evenly spaced."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_steps, check_values, wide
from spikeloom.coding.decoders import spike_rate
from spikeloom.coding.encoder import DecodableEncoder


def regular(x: Tensor, steps: int) -> Tensor:
    """A fixed number of spikes for each value, spread evenly over the time.

    Equation: N = floor(x T) spikes; one in step t where floor((t + 1) N / T) > floor(t N / T), so that after any number
    of steps no other train of N spikes is nearer to its share, and the last of them falls into the last step.
    `spike_rate` gives x back, at most 1/T too small; a Bernoulli code is as exact only after about T^2 steps.
    Shapes: x [batch, *features], in [0, 1] -> spikes [steps, batch, *features], 0/1, not differentiable.
    Raises: ParameterError (x outside [0, 1], NaN, steps < 1), DTypeError, ShapeError.

    >>> import torch
    >>> regular(torch.tensor([[0.5, 0.8, 0.1]]), 5)[:, 0].T.tolist()
    [[0.0, 0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
    """
    check_values("x of regular", x, low=0.0, high=1.0)
    steps = check_steps("steps of regular", steps)
    # Whole numbers: t N stays exact where t N / T in floating point would round across a spike.
    count = torch.floor(wide(x) * steps).to(torch.int64)
    clock = torch.arange(steps + 1, device=x.device).view(-1, *[1] * x.ndim)
    return ((clock * count) // steps).diff(dim=0).to(x.dtype)


class Regular(DecodableEncoder):
    """Values in [0, 1] as evenly spaced spikes; see `regular`.

    >>> Regular(steps=16)(torch.full((4, 64), 0.25)).sum(0).unique()
    tensor([4.])
    """

    low = 0.0
    high = 1.0

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = check_steps("steps of Regular", steps)

    @classmethod
    def example(cls) -> Self:
        """16 steps."""
        return cls(16)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]; nothing is drawn."""
        return regular(x, self.steps)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """The spikes per step: x, at most 1/T too small."""
        return spike_rate(spikes)
