"""Latency code with a power law: more time for small values, or for large ones."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_steps, check_values, wide
from spikeloom.coding.encoder import DecodableEncoder
from spikeloom.coding.latency import linear_latency, linear_latency_decode


def power_latency(x: Tensor, steps: int, *, power: float) -> Tensor:
    """One spike per value, at a time that falls with a power of it.

    Equation: the spike is in step floor(T (1 - x^power)), counted from 0; x = 0 stays silent. A power below 1 spreads
    small values over the time, a power above 1 large ones; 1 is `linear_latency`.
    Shapes: x [batch, *features], in [0, 1] -> spikes [steps, batch, *features], 0/1, not differentiable.
    Raises: ParameterError (x outside [0, 1], NaN, power not above 0, steps < 1), DTypeError, ShapeError.

    >>> import torch
    >>> power_latency(torch.tensor([[0.25, 0.01]]), 10, power=0.5)[:, 0].argmax(0).tolist()
    [5, 9]

    Source: ours; the power-law relative of the linear code.
    """
    check_values("x of power_latency", x, low=0.0, high=1.0)
    power = check_positive("power of power_latency", power)
    return linear_latency(wide(x) ** power, steps).to(x.dtype)


def power_latency_decode(spikes: Tensor, *, power: float) -> Tensor:
    """The values that the spike times of `power_latency` stand for.

    Equation: x = (1 - t / T)^(1 / power), the largest value that fires in step t; at most
    max(T^(-1 / power), 1 - (1 - 1 / T)^(1 / power)) above the encoded one.
    Shapes: spikes [steps, batch, *features], 0/1 -> [batch, *features].
    Raises: ParameterError (a value other than 0 and 1, power not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> power_latency_decode(power_latency(torch.tensor([[0.25]]), 10, power=0.5), power=0.5).item()
    0.25
    """
    return linear_latency_decode(spikes) ** (1.0 / check_positive("power of power_latency_decode", power))


class PowerLatency(DecodableEncoder):
    """Values in [0, 1] as spike times; see `power_latency`.

    >>> PowerLatency(16, power=0.5)(torch.rand(4, 64)).sum(0).max().item()
    1.0
    """

    low = 0.0
    high = 1.0

    def __init__(self, steps: int, *, power: float) -> None:
        super().__init__()
        self.steps = check_steps("steps of PowerLatency", steps)
        self.power = check_positive("power of PowerLatency", power)

    @classmethod
    def example(cls) -> Self:
        """16 steps, square root."""
        return cls(16, power=0.5)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]; nothing is drawn."""
        return power_latency(x, self.steps, power=self.power)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `power_latency_decode`."""
        return power_latency_decode(spikes, power=self.power)
