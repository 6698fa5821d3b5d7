"""Latency code with a falling threshold, whose height at the spike is the value."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_steps, check_values, wide
from spikeloom.coding.decoders import first_spike_time
from spikeloom.coding.encoder import DecodableEncoder
from spikeloom.coding.latency import spike_at
from spikeloom.errors import ParameterError


def kernel_latency(x: Tensor, steps: int, *, tau: float, delay: float = 0.0, threshold: float = 1.0) -> Tensor:
    """One spike per value, when an exponentially falling threshold comes down to it.

    Equation: the spike is in the first step t, counted from 0, with x >= threshold exp(-(t - delay) / tau). Silent are
    the values below the last threshold, that of t = T - 1.
    Shapes: x [batch, *features], at least 0 -> spikes [steps, batch, *features], 0/1, not differentiable.
    Units: tau and delay in steps, threshold in the unit of x.
    Raises: ParameterError (negative x, NaN, tau or threshold not above 0, delay not finite, steps < 1), DTypeError,
    ShapeError.

    >>> import torch
    >>> s = kernel_latency(torch.tensor([[1.0, 0.5, 0.01]]), 12, tau=3.0)
    >>> s[:, 0].argmax(0).tolist(), s[:, 0].sum(0).tolist()  # 3 ln 2 = 2.08; 3 ln 100 = 13.8 is after the end
    ([0, 3, 0], [1.0, 1.0, 0.0])

    Reference: Park, Kim, Na and Yoon (2020), T2FSNN, Design Automation Conference (kernel and dynamic threshold).
    """
    check_values("x of kernel_latency", x, low=0.0)
    steps = check_steps("steps of kernel_latency", steps)
    # Compared with the thresholds themselves, not through a logarithm: what is decoded is then never above x.
    reached = _thresholds("kernel_latency", wide(x), steps, tau, delay, threshold) <= wide(x)
    # A falling threshold stays below x once it is, so the steps before the first spike are those where it is not.
    time = torch.where(reached.any(0), (~reached).sum(0), steps)
    return spike_at(time, steps).to(x.dtype)


def kernel_latency_decode(spikes: Tensor, *, tau: float, delay: float = 0.0, threshold: float = 1.0) -> Tensor:
    """The values that the spike times of `kernel_latency` stand for.

    Equation: x = threshold exp(-(t - delay) / tau), 0 for a silent neuron. That is at most the encoded value, and above
    exp(-1 / tau) of it, except for values above the first threshold and for silent ones.
    Shapes: spikes [steps, batch, *features], 0/1 -> [batch, *features].
    Raises: ParameterError (a value other than 0 and 1, tau or threshold not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> s = kernel_latency(torch.tensor([[1.0, 0.0]]), 12, tau=3.0)
    >>> kernel_latency_decode(s, tau=3.0).tolist()
    [[1.0, 0.0]]
    """
    time = first_spike_time(spikes).long()
    heights = _thresholds("kernel_latency_decode", wide(spikes)[0], spikes.shape[0], tau, delay, threshold).flatten()
    return torch.cat((heights, heights.new_zeros(1)))[time]


class KernelLatency(DecodableEncoder):
    """Values as the times at which a falling threshold meets them; see `kernel_latency`.

    >>> KernelLatency(16, tau=4.0)(torch.rand(4, 64)).shape
    torch.Size([16, 4, 64])
    """

    low = 0.0

    def __init__(self, steps: int, *, tau: float, delay: float = 0.0, threshold: float = 1.0) -> None:
        super().__init__()
        self.steps = check_steps("steps of KernelLatency", steps)
        self.tau, self.delay, self.threshold = _check_kernel("KernelLatency", tau, delay, threshold)

    @classmethod
    def example(cls) -> Self:
        """32 steps down to exp(-31 / 8) = 0.02."""
        return cls(32, tau=8.0)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]; nothing is drawn."""
        return kernel_latency(x, self.steps, tau=self.tau, delay=self.delay, threshold=self.threshold)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `kernel_latency_decode`."""
        return kernel_latency_decode(spikes, tau=self.tau, delay=self.delay, threshold=self.threshold)


def _thresholds(what: str, like: Tensor, steps: int, tau: float, delay: float, threshold: float) -> Tensor:
    """The threshold in every step, [steps, 1, ...], in the dtype of `like` and broadcasting with it."""
    tau, delay, threshold = _check_kernel(what, tau, delay, threshold)
    clock = torch.arange(steps, device=like.device, dtype=like.dtype)
    return (threshold * torch.exp((delay - clock) / tau)).view(-1, *[1] * like.ndim)


def _check_kernel(what: str, tau: float, delay: float, threshold: float) -> tuple[float, float, float]:
    if not math.isfinite(delay):
        raise ParameterError(f"delay of {what}, in steps", expected="a finite number", got=repr(delay))
    return (
        check_positive(f"tau of {what}, in steps", tau),
        float(delay),
        check_positive(f"threshold of {what}", threshold),
    )
