"""Poisson spikes of a rate that changes in time."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_generator, check_positive, check_sequence, wide
from spikeloom.coding.encoder import Encoder


def inhomogeneous_poisson(rate: Tensor, *, dt: float = 1.0, generator: torch.Generator | None) -> Tensor:
    """Poisson spike trains of a rate given for every step, at most one spike per step.

    Equation: P(s[t] = 1) = rate[t] dt / 1000, independently; with a constant rate this is `poisson`.
    Shapes: rate [time, batch, *features] -> spikes of the same shape, 0/1, not differentiable.
    Units: rate in spikes per second, dt in milliseconds. `generator=None` draws from PyTorch's global generator.
    Raises: ParameterError (negative rate, more than one spike per step, NaN), DTypeError, ShapeError, DeviceError.

    >>> import torch
    >>> rate = torch.tensor([0.0, 1000.0, 0.0, 1000.0]).view(4, 1)
    >>> inhomogeneous_poisson(rate, generator=None).flatten().tolist()
    [0.0, 1.0, 0.0, 1.0]

    Reference: Dayan and Abbott (2001), Theoretical Neuroscience, section 1.4.
    """
    dt = check_positive("dt of inhomogeneous_poisson", dt)
    what = f"rate of inhomogeneous_poisson, in spikes per second with dt = {dt:g} ms"
    probability = wide(check_sequence(what, rate, low=0.0, high=1000.0 / dt)) * (dt / 1000.0)
    check_generator("generator of inhomogeneous_poisson", generator, rate)
    draw = torch.rand(probability.shape, generator=generator, dtype=probability.dtype, device=rate.device)
    return (draw < probability).to(rate.dtype)


class InhomogeneousPoisson(Encoder):
    """Intensities in [0, 1] over time as rates of 0 to `max_rate` spikes per second; see `inhomogeneous_poisson`.

    >>> InhomogeneousPoisson(max_rate=100.0)(torch.rand(50, 4, 3)).shape
    torch.Size([50, 4, 3])
    """

    low = 0.0
    high = 1.0
    of_sequence = True

    def __init__(self, *, max_rate: float, dt: float = 1.0) -> None:
        super().__init__()
        self.dt = check_positive("dt of InhomogeneousPoisson, in ms", dt)
        high = 1000.0 / self.dt
        self.max_rate = check_positive("max_rate of InhomogeneousPoisson, in spikes per second", max_rate, high=high)

    @classmethod
    def example(cls) -> Self:
        """Up to 200 spikes per second in steps of 1 ms."""
        return cls(max_rate=200.0)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [time, batch, *features]."""
        rate = wide(check_sequence("x of InhomogeneousPoisson", x, low=0.0, high=1.0)) * self.max_rate
        return inhomogeneous_poisson(rate, dt=self.dt, generator=generator).to(x.dtype)
