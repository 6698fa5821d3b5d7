"""First spikes at real times, each of which begins a ramp: nothing is rounded."""

from __future__ import annotations

import torch
from torch import Tensor

from ._windows import Windowed


class RealTimes(Windowed):
    """One spike at time t = T (1 - x) after the beginning of a window of T steps, for a mean input x of 0 to 1.

    A spike at t begins a ramp of slope w behind its synapse, so that at the end of the window the potential is
    w (T - t) = T w x: the sum over all synapses is T times what the original has, without a multiplication. Here the
    spike is in the step floor(t), with the size that its ramp has in the end, T x. Above 1 it is that of t = 0.

    Shapes: [windows * window, B, channels, ...] to the same.
    """

    def _sent(self, x: Tensor) -> Tensor:
        parts = x.reshape(-1, self.window, *x.shape[1:])
        # From the first step on, so that the mean of a constant input is exact.
        first = parts[:, :1]
        value = (first + (parts - first).mean(1, keepdim=True)).clamp(0.0, 1.0)
        step = (self.window * (1.0 - value)).long().clamp(max=self.window - 1)
        sent = torch.zeros_like(parts).scatter(1, step, value * self.window)
        return sent.flatten(0, 1)
