"""Burst code: the larger the value, the more spikes and the closer together."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_count, check_steps, check_values, wide
from spikeloom.coding.decoders import first_spike_time, spike_count
from spikeloom.coding.encoder import DecodableEncoder
from spikeloom.errors import ParameterError


def burst(x: Tensor, steps: int, *, max_spikes: int = 5, min_interval: int = 2, max_interval: int = 8) -> Tensor:
    """A burst from step 0 on whose number of spikes and whose interval both tell the value.

    Equation: N = ceil(N_max x) spikes, ISI = ceil(T_max - (T_max - T_min) x) steps apart, T_min and T_max the shortest
    and the longest interval. x = 0 is silent, and x <= 1 / N_max one spike, of which an interval cannot be seen.
    Shapes: x [batch, *features], in [0, 1] -> spikes [steps, batch, *features], 0/1, not differentiable.
    Units: intervals in steps.
    Raises: ParameterError (x outside [0, 1], NaN, max_spikes or min_interval < 1, max_interval < min_interval, fewer
    steps than the longest burst), DTypeError, ShapeError.

    >>> import torch
    >>> s = burst(torch.tensor([[1.0, 0.5]]), 20, max_spikes=4, min_interval=2, max_interval=6)
    >>> s[:, 0, 0].nonzero().flatten().tolist(), s[:, 0, 1].nonzero().flatten().tolist()
    ([0, 2, 4, 6], [0, 4])

    Reference: Guo, Fouda, Eltawil and Salama (2021), Neural coding in spiking neural networks: a comparative study for
    robust neuromorphic systems, Front. Neurosci. 15:638474 (burst coding).
    """
    check_values("x of burst", x, low=0.0, high=1.0)
    steps = _check_burst("burst", steps, max_spikes, min_interval, max_interval)
    value = wide(x)
    count = torch.ceil(max_spikes * value)
    interval = torch.ceil(max_interval - (max_interval - min_interval) * value)
    clock = torch.arange(steps, device=x.device, dtype=value.dtype).view(-1, *[1] * x.ndim)
    return ((clock % interval == 0) & (clock < count * interval)).to(x.dtype)


def burst_decode(spikes: Tensor, *, max_spikes: int = 5) -> Tensor:
    """The values that the spike counts of `burst` stand for.

    Equation: x = N / N_max, less than 1 / N_max above the encoded value.
    Shapes: spikes [steps, batch, *features] -> [batch, *features]; half precision comes out as float32.
    Raises: ParameterError (max_spikes < 1), DTypeError, ShapeError.

    >>> import torch
    >>> burst_decode(burst(torch.tensor([[0.5, 0.0]]), 40)).tolist()
    [[0.6000000238418579, 0.0]]
    """
    return spike_count(spikes) / check_count("max_spikes of burst_decode", max_spikes)


def burst_interval_decode(
    spikes: Tensor, *, max_spikes: int = 5, min_interval: int = 2, max_interval: int = 8
) -> Tensor:
    """The values that the first intervals of `burst` stand for; without an interval, what the count says.

    Equation: x = (T_max - ISI) / (T_max - T_min), with ISI the steps from the first spike to the second; less than
    1 / (T_max - T_min) below the encoded value, wherever there are two spikes.
    Shapes: spikes [steps, batch, *features], 0/1 -> [batch, *features]; half precision comes out as float32.
    Raises: ParameterError (a value other than 0 and 1, max_interval not above min_interval), DTypeError, ShapeError.

    >>> import torch
    >>> burst_interval_decode(burst(torch.tensor([[0.5]]), 40)).item()  # every 5 steps
    0.5
    """
    if not check_count("min_interval of burst_interval_decode", min_interval) < max_interval:
        what, expected = "max_interval of burst_interval_decode", f"a number above min_interval = {min_interval}"
        raise ParameterError(what, expected=expected, got=max_interval)
    first = first_spike_time(spikes)
    clock = torch.arange(spikes.shape[0], device=spikes.device).view(-1, *[1] * first.ndim)
    second = first_spike_time(spikes * (clock > first))
    by_interval = (max_interval - (second - first)) / (max_interval - min_interval)
    by_count = burst_decode(spikes, max_spikes=max_spikes)
    return torch.where(second < spikes.shape[0], by_interval.clamp(0.0, 1.0), by_count)


class BurstCode(DecodableEncoder):
    """Values in [0, 1] as bursts; see `burst`. Decoded by the count.

    >>> BurstCode(30, max_spikes=5)(torch.rand(4, 64)).shape
    torch.Size([30, 4, 64])
    """

    low = 0.0
    high = 1.0

    def __init__(self, steps: int, *, max_spikes: int = 5, min_interval: int = 2, max_interval: int = 8) -> None:
        super().__init__()
        self.steps = _check_burst("BurstCode", steps, max_spikes, min_interval, max_interval)
        self.max_spikes, self.min_interval, self.max_interval = max_spikes, min_interval, max_interval

    @classmethod
    def example(cls) -> Self:
        """Up to 5 spikes, 2 to 8 steps apart, in 32 steps."""
        return cls(32)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]; nothing is drawn."""
        return burst(
            x,
            self.steps,
            max_spikes=self.max_spikes,
            min_interval=self.min_interval,
            max_interval=self.max_interval,
        )

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `burst_decode`."""
        return burst_decode(spikes, max_spikes=self.max_spikes)


def _check_burst(what: str, steps: int, max_spikes: int, min_interval: int, max_interval: int) -> int:
    steps = check_steps(f"steps of {what}", steps)
    most = check_count(f"max_spikes of {what}", max_spikes)
    shortest = check_count(f"min_interval of {what}", min_interval)
    longest = check_count(f"max_interval of {what}", max_interval, low=shortest)
    # N spikes begin just above x = (N - 1) / N_max, where their interval is longest.
    last = max((n - 1) * math.ceil(longest - (longest - shortest) * (n - 1) / most) for n in range(1, most + 1))
    if last >= steps:
        expected = f"at least {last + 1} steps for bursts of {most} spikes, {shortest} to {longest} steps apart"
        raise ParameterError(f"steps of {what}", expected=expected, got=steps)
    return steps
