"""Rate codes: the larger the value, the more spikes."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_generator, check_positive, check_steps, check_values, wide
from spikeloom.coding.decoders import spike_rate
from spikeloom.coding.encoder import DecodableEncoder


def bernoulli(p: Tensor, steps: int, *, generator: torch.Generator | None) -> Tensor:
    """Spike in every step with probability p, independently.

    Equation: P(s[t] = 1) = p. The count over T steps is binomial: mean T p, variance T p (1 - p).
    Shapes: p [batch, *features], in [0, 1] -> spikes [steps, batch, *features], 0/1, not differentiable.
    `generator=None` draws from PyTorch's global generator.
    Raises: ParameterError (p outside [0, 1], NaN, steps < 1), DTypeError, ShapeError, DeviceError.

    >>> import torch
    >>> bernoulli(torch.tensor([[0.0, 1.0]]), 3, generator=torch.Generator().manual_seed(0))[:, 0].tolist()
    [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    """
    check_values("p of bernoulli", p, low=0.0, high=1.0)
    check_generator("generator of bernoulli", generator, p)
    return _draw(wide(p), check_steps("steps of bernoulli", steps), generator).to(p.dtype)


def poisson(rate: Tensor, steps: int, *, dt: float = 1.0, generator: torch.Generator | None) -> Tensor:
    """Poisson spike trains of a given rate, at most one spike per step.

    Equation: P(s[t] = 1) = rate dt / 1000, so that the expected number of spikes is exactly the rate times the time.
    Several spikes in one step, which a Poisson process makes with probability of order (rate dt)^2, do not occur:
    counts are binomial, their variance is Poisson's times 1 - rate dt / 1000. Take a smaller dt where that matters.
    Shapes: rate [batch, *features] -> spikes [steps, batch, *features], 0/1, not differentiable.
    Units: rate in spikes per second, dt in milliseconds. `generator=None` draws from PyTorch's global generator.
    Raises: ParameterError (negative rate, more than one spike per step, NaN, steps < 1), DTypeError, ShapeError,
    DeviceError.

    >>> import torch
    >>> s = poisson(torch.full((1, 2000), 50.0), 100, dt=1.0, generator=torch.Generator().manual_seed(0))
    >>> abs(s.sum().item() / 2000 - 5.0) < 0.25  # 50 spikes per second for 0.1 s
    True

    Reference: Dayan and Abbott (2001), Theoretical Neuroscience, section 1.4.
    """
    dt = check_positive("dt of poisson", dt)
    check_values(f"rate of poisson, in spikes per second with dt = {dt:g} ms", rate, low=0.0, high=1000.0 / dt)
    check_generator("generator of poisson", generator, rate)
    return _draw(wide(rate) * (dt / 1000.0), check_steps("steps of poisson", steps), generator).to(rate.dtype)


class Bernoulli(DecodableEncoder):
    """Values in [0, 1] as spike probabilities per step; see `bernoulli`.

    >>> Bernoulli(steps=16)(torch.rand(8, 1, 28, 28)).shape
    torch.Size([16, 8, 1, 28, 28])
    """

    low = 0.0
    high = 1.0

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = check_steps("steps of Bernoulli", steps)

    @classmethod
    def example(cls) -> Self:
        """16 steps."""
        return cls(16)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]."""
        return bernoulli(x, self.steps, generator=generator)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """The spikes per step; unbiased, with standard deviation sqrt(x (1 - x) / T)."""
        return spike_rate(spikes)


class Poisson(DecodableEncoder):
    """Intensities in [0, 1] as Poisson rates of 0 to `max_rate` spikes per second; see `poisson`.

    >>> Poisson(steps=350, max_rate=63.75)(torch.rand(8, 784)).shape
    torch.Size([350, 8, 784])
    """

    low = 0.0
    high = 1.0

    def __init__(self, steps: int, *, max_rate: float, dt: float = 1.0) -> None:
        super().__init__()
        self.steps = check_steps("steps of Poisson", steps)
        self.dt = check_positive("dt of Poisson, in ms", dt)
        self.max_rate = check_positive("max_rate of Poisson, in spikes per second", max_rate, high=1000.0 / self.dt)

    @classmethod
    def example(cls) -> Self:
        """350 ms at up to 63.75 spikes per second, as Diehl and Cook (2015), Front. Comput. Neurosci. 9:99."""
        return cls(350, max_rate=63.75)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]."""
        check_values("x of Poisson", x, low=0.0, high=1.0)
        return poisson(wide(x) * self.max_rate, self.steps, dt=self.dt, generator=generator).to(x.dtype)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """The rate in units of `max_rate`; unbiased, s.d. sqrt(x (1 - x p) / (T p)) with p = max_rate dt / 1000."""
        return spike_rate(spikes) * (1000.0 / self.dt / self.max_rate)


def _draw(p: Tensor, steps: int, generator: torch.Generator | None) -> Tensor:
    # Uniform numbers lie in [0, 1), so "<" makes p = 0 silent and p = 1 certain.
    # In place: a new tensor costs as much as the draw.
    return torch.rand((steps, *p.shape), generator=generator, dtype=p.dtype, device=p.device).lt_(p.detach())
