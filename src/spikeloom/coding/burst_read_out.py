"""The first burst of a spike train, whatever made it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from spikeloom.coding._checks import check_steps, wide
from spikeloom.coding._outputs import check_sequence


class Burst(NamedTuple):
    """Number of spikes of a burst, and its mean interval in steps: infinite where there is no second spike."""

    size: Tensor
    interval: Tensor


def first_burst(spikes: Tensor, *, max_interval: int) -> Burst:
    """The spikes from the first on for as long as each follows the one before within `max_interval` steps.

    Equation: N spikes at t_1 < ... < t_N with t_{k+1} - t_k <= max_interval; interval = (t_N - t_1) / (N - 1).
    Both say how strong a value is: more spikes, or a shorter interval. A later spike does not change them.
    Shapes: spikes [time, batch, *features], a spike where it is above 0 -> two of [batch, *features]; not
    differentiable.
    Raises: ParameterError (NaN, negative values, max_interval no whole number of at least 1), DTypeError, ShapeError.

    >>> train = torch.tensor([0, 1, 0, 1, 0, 1, 0, 0, 0, 1.0]).view(10, 1)
    >>> first_burst(train, max_interval=3)
    Burst(size=tensor([3.]), interval=tensor([2.]))
    """
    signal = wide(check_sequence("spikes of first_burst", spikes, low=0.0)).detach()
    max_interval = check_steps("max_interval of first_burst", max_interval)
    fired = signal > 0
    time = torch.arange(1, len(signal) + 1, device=signal.device).view(-1, *[1] * (signal.ndim - 1))
    # The time of the last spike up to each step; 0 before the first.
    latest = (fired * time).cummax(0).values
    previous = torch.cat((torch.zeros_like(latest[:1]), latest[:-1]))
    broken = fired & (previous > 0) & (time - previous > max_interval)
    inside = fired & (broken.cumsum(0) == 0)
    size = inside.sum(0).to(signal.dtype)
    end = (inside * time).amax(0)
    start = torch.where(fired.any(0), fired.int().argmax(0) + 1, 0)
    return Burst(size, torch.where(size > 1, (end - start) / (size - 1.0), torch.inf).to(signal.dtype))
