"""Places whose neurons wait for a whole window of input and then send its mean."""

from __future__ import annotations

import torch
from torch import Tensor

from ..neurons import Neuron
from ._sites import Site, added_up, by_channel


class Windowed(Site):
    """Neurons that take the mean of a window in its first step and send a train of graded spikes with that sum.

    The spikes are multiplied by the window, so that it is their mean that approximates the value. `below` is the share
    of negative values, which a second population sends; `added` an amount, in thresholds, on the mean of the input, by
    which rounding down becomes rounding. A layer begins when the one before it has ended, or after `wait` steps where
    that is less: what arrives later is added as it comes. As a `gate`, the neurons compute a function of the mean.

    Shapes: [windows * window, B, channels, ...] to the same.
    """

    weighted = True

    def __init__(
        self, neuron: Neuron, scale: Tensor, window: int, *,
        below: float = 0.0, added: float = 0.0, wait: int | None = None, gate: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(neuron, scale)
        self.window, self.below, self.added, self.gate = window, below, added, gate
        self.wait = window if wait is None else wait

    def spikes(self, x: Tensor, *, bias: Tensor | None = None, residual: Tensor | None = None) -> Tensor:
        """What the neurons send, in units of the amplitude."""
        # A bias in equal parts, as where it comes with the input: results are the same with and without fusion.
        x = added_up(x, bias, residual)
        scale = by_channel(self.scale, x)
        if self.gate:
            return self._sent(x) / scale
        s = self._sent(x / scale)
        return s - self.below * self._sent(-x / scale) if self.below else s

    def _sent(self, x: Tensor) -> Tensor:
        """By one population."""
        parts = x.reshape(-1, self.window, *x.shape[1:])
        first, later = parts[:, :1], parts[:, self.wait :] / self.window
        # From the first step on, so that the mean of a constant input is exact.
        arrived = (parts[:, : self.wait] - first).sum(1, keepdim=True) / self.window
        arrived = arrived + first * (self.wait / self.window) + self.added
        rest = parts.new_zeros(1).expand(len(parts), self.window - later.shape[1] - 1, *parts.shape[2:])
        y: Tensor = self.neuron(torch.cat([arrived, later, rest], 1).flatten(0, 1))
        return y * self.window
