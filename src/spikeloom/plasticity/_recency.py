"""How long ago the last spike was, read off a trace that spikes set to 1."""

from __future__ import annotations

import torch
from torch import Tensor


def within(trace: Tensor, window: Tensor, dt: Tensor) -> Tensor:
    """Whether the last spike was at most `window` ago, in a trace of time constant `window` that spikes set to 1.

    Half a step is added, lest rounding decide at the edge; a window that is no multiple of dt may so be half a step
    longer. An infinite one holds since the trial began.
    """
    return trace > torch.exp(-1 - 0.5 * dt / window)


def fewer(trace: Tensor, steps: Tensor, tau: Tensor, dt: Tensor) -> Tensor:
    """Whether the last spike was fewer than so many steps ago, in a trace of time constant tau that spikes set to 1."""
    return trace > torch.exp((0.5 - steps) * dt / tau)
