"""Moving-window code: spikes where a signal leaves the mean of its recent past."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_count, check_positive, check_sequence, wide
from spikeloom.coding.delta import delta_decode, first_value, two_channels
from spikeloom.coding.encoder import DecodableEncoder


def moving_window(x: Tensor, *, window: int, threshold: float) -> Tensor:
    """Spikes where a signal is more than the threshold above or below the mean of the last `window` steps.

    Equation: B[t] = mean of x[t - window] to x[t - 1], of those that there are, x[0] for t = 0; channel 0 is 1 where
    x[t] > B[t] + threshold, channel 1 where x[t] < B[t] - threshold. The base line averages noise away that
    `step_forward` would tell.
    Shapes: x [time, batch, *features], finite -> spikes [time, batch, 2, *features], 0/1, not differentiable.
    Units: window in steps.
    Raises: ParameterError (NaN, threshold not above 0, window < 1), DTypeError, ShapeError.

    >>> import torch
    >>> moving_window(torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0]).view(5, 1), window=2, threshold=0.3).squeeze()[:, 0]
    tensor([0., 0., 1., 1., 0.])

    Reference: Kasabov et al. (2016), Neural Netw. 78:1-14 (moving-window algorithm); Petro, Kasabov and Kiss (2020),
    IEEE Trans. Neural Netw. Learn. Syst. 31:358-370. The mean of what there is at the beginning is ours.
    """
    signal = wide(check_sequence("x of moving_window", x))
    window, threshold = check_count("window of moving_window", window), check_positive("threshold", threshold)
    # In double precision: a difference of sums over a long time would lose the digits of a mean over a short one.
    sums = torch.cat((torch.zeros_like(signal[:1]), signal)).double().cumsum(0)
    time = torch.arange(signal.shape[0], device=x.device)
    start = (time - window).clamp(min=0)
    length = (time - start).clamp(min=1).view(-1, *[1] * (x.ndim - 1))
    base = (sums[time] - sums[start]) / length
    base[0] = signal[0]
    change = signal.double() - base
    return two_channels((change > threshold).to(x.dtype) - (change < -threshold).to(x.dtype))


class MovingWindow(DecodableEncoder):
    """Signals as departures from their recent mean; see `moving_window`.

    Decoded as `delta` is, by adding up steps of the threshold: the published decoder. It has no bound: a slow drift is
    never told, and a jump is told in every step until the mean has caught up.

    >>> MovingWindow(window=4, threshold=0.1)(torch.rand(20, 4, 3)).shape
    torch.Size([20, 4, 2, 3])
    """

    of_sequence = True

    def __init__(self, *, window: int, threshold: float) -> None:
        super().__init__()
        self.window = check_count("window of MovingWindow", window)
        self.threshold = check_positive("threshold of MovingWindow", threshold)

    @classmethod
    def example(cls) -> Self:
        """Two steps and a threshold of 0.05."""
        return cls(window=2, threshold=0.05)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [time, batch, *features]; nothing is drawn."""
        return moving_window(x, window=self.window, threshold=self.threshold)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `delta_decode`."""
        return delta_decode(wide(spikes), first_value(spikes[0, :, 0], initial), threshold=self.threshold)
