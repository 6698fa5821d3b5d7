"""Latency codes: one spike per value; the larger the value, the earlier it comes."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_steps, check_values, wide
from spikeloom.coding.decoders import first_spike_time
from spikeloom.coding.encoder import DecodableEncoder


def linear_latency(x: Tensor, steps: int) -> Tensor:
    """One spike per value, at a time that falls linearly with it.

    Equation: the spike is in step floor(T (1 - x)), counted from 0. x = 1 fires in the first step; x = 0 would fire at
    T, after the end, and stays silent. `1 - first_spike_time / T` gives x back, at most 1/T too large.
    Shapes: x [batch, *features], in [0, 1] -> spikes [steps, batch, *features], 0/1, not differentiable.
    Raises: ParameterError (x outside [0, 1], NaN, steps < 1), DTypeError, ShapeError.

    >>> import torch
    >>> linear_latency(torch.tensor([[1.0, 0.5, 0.0]]), 4)[:, 0].T.tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    check_values("x of linear_latency", x, low=0.0, high=1.0)
    steps = check_steps("steps of linear_latency", steps)
    return spike_at(torch.floor(steps * (1.0 - wide(x))), steps).to(x.dtype)


def linear_latency_decode(spikes: Tensor) -> Tensor:
    """The values that the spike times of `linear_latency` stand for.

    Equation: x = 1 - t / T with t the step of the first spike, T for a silent neuron; in [x, x + 1/T) of the encoded x.
    Shapes: spikes [steps, batch, *features], 0/1 -> [batch, *features].
    Raises: ParameterError (a value other than 0 and 1), DTypeError, ShapeError.

    >>> import torch
    >>> linear_latency_decode(linear_latency(torch.tensor([[1.0, 0.5, 0.0]]), 4)).tolist()
    [[1.0, 0.5, 0.0]]
    """
    return 1.0 - first_spike_time(spikes) / spikes.shape[0]


def log_latency(x: Tensor, steps: int, *, tau: float, threshold: float, dt: float = 1.0) -> Tensor:
    """One spike per value, when a leaky membrane charged by it from rest would reach the threshold.

    Equation: tau dv/dt = x - v, v(0) = 0 reaches the threshold theta at t = tau ln(x / (x - theta)); the spike is in
    the step that ends at t or next after it, ceil(t / dt) - 1 counted from 0: the step in which a leaky
    integrate-and-fire neuron with exact integration fires. Silent are values x <= theta, which never reach the
    threshold, and those that reach it after the end, x < theta / (1 - exp(-T dt / tau)).
    Shapes: x [batch, *features], at least 0 -> spikes [steps, batch, *features], 0/1, not differentiable.
    Units: tau and dt in milliseconds, threshold in the unit of x.
    Raises: ParameterError (negative x, NaN, tau, threshold or dt not above 0, steps < 1), DTypeError, ShapeError.

    >>> import torch
    >>> s = log_latency(torch.tensor([[1.0, 0.3, 0.2]]), 8, tau=5.0, threshold=0.2)
    >>> s[:, 0].argmax(0).tolist(), s.sum(0).tolist()  # 5 ln(1/0.8) = 1.12 ms, 5 ln(0.3/0.1) = 5.49 ms, never
    ([1, 5, 0], [[1.0, 1.0, 0.0]])

    Reference: Gerstner et al. (2014), Neuronal Dynamics, section 1.3 (the membrane's response to a current step).
    """
    check_values("x of log_latency", x, low=0.0)
    steps = check_steps("steps of log_latency", steps)
    tau, theta, dt = _check_membrane("log_latency", tau, threshold, dt)
    value = wide(x)
    # log1p keeps the digits that 1 - theta/x would lose for large x; a value at or below theta must never fire.
    time = torch.where(value > theta, -tau * torch.log1p(-theta / value.clamp(min=theta)), torch.inf)
    return spike_at(torch.ceil(time / dt).clamp(min=1.0) - 1.0, steps).to(x.dtype)


def log_latency_decode(spikes: Tensor, *, tau: float, threshold: float, dt: float = 1.0) -> Tensor:
    """The values that the spike times of `log_latency` stand for.

    Equation: x = theta / (1 - exp(-(t + 1) dt / tau)), the smallest value that fires in step t; theta where none did.
    The encoded x lies between that and the same for t - 1; in the first step it has no upper bound.
    Shapes: spikes [steps, batch, *features], 0/1 -> [batch, *features].
    Units: tau and dt in milliseconds, threshold in the unit of x.
    Raises: ParameterError (a value other than 0 and 1; tau, threshold or dt not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> s = log_latency(torch.tensor([[0.3]]), 8, tau=5.0, threshold=0.2)
    >>> round(log_latency_decode(s, tau=5.0, threshold=0.2).item(), 3)  # fired at 5.49 ms, told at 6 ms
    0.286
    """
    tau, theta, dt = _check_membrane("log_latency_decode", tau, threshold, dt)
    time = first_spike_time(spikes)
    value = theta / -torch.expm1(-(time + 1.0) * (dt / tau))
    return torch.where(time < spikes.shape[0], value, theta)


class LinearLatency(DecodableEncoder):
    """Values in [0, 1] as spike times; see `linear_latency`.

    >>> LinearLatency(steps=16)(torch.rand(4, 64)).sum(0).max().item()
    1.0
    """

    low = 0.0
    high = 1.0

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = check_steps("steps of LinearLatency", steps)

    @classmethod
    def example(cls) -> Self:
        """16 steps."""
        return cls(16)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]; nothing is drawn."""
        return linear_latency(x, self.steps)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `linear_latency_decode`."""
        return linear_latency_decode(spikes)


class LogLatency(DecodableEncoder):
    """Values as the charging times of a membrane; see `log_latency`.

    >>> LogLatency(steps=16, tau=5.0, threshold=0.1)(torch.rand(4, 64)).shape
    torch.Size([16, 4, 64])
    """

    low = 0.0

    def __init__(self, steps: int, *, tau: float, threshold: float, dt: float = 1.0) -> None:
        super().__init__()
        self.steps = check_steps("steps of LogLatency", steps)
        self.tau, self.threshold, self.dt = _check_membrane("LogLatency", tau, threshold, dt)

    @classmethod
    def example(cls) -> Self:
        """32 steps of a membrane of 20 ms; values below 0.25 are silent."""
        return cls(32, tau=20.0, threshold=0.2)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]; nothing is drawn."""
        return log_latency(x, self.steps, tau=self.tau, threshold=self.threshold, dt=self.dt)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `log_latency_decode`."""
        return log_latency_decode(spikes, tau=self.tau, threshold=self.threshold, dt=self.dt)


def _check_membrane(what: str, tau: float, threshold: float, dt: float) -> tuple[float, float, float]:
    return (
        check_positive(f"tau of {what}, in ms", tau),
        check_positive(f"threshold of {what}", threshold),
        check_positive(f"dt of {what}, in ms", dt),
    )


def spike_at(step: Tensor, steps: int) -> Tensor:
    """One spike in the step that is named, none where that is not in 0 to steps - 1; boolean."""
    clock = torch.arange(steps, device=step.device, dtype=step.dtype)
    return clock.view(-1, *[1] * step.ndim) == step
