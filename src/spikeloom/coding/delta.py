"""Delta codes (send on delta): a spike whenever a signal has changed by a threshold."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_values, wide
from spikeloom.coding.encoder import Encoder
from spikeloom.errors import ShapeError


def signed_delta(x: Tensor, *, threshold: float) -> Tensor:
    """Spikes of +1 and -1 where a signal has risen or fallen by the threshold since the last one.

    Equation: a reference r starts at x[0]; at each step s = +1 if x - r >= threshold, -1 if r - x >= threshold, else 0;
    then r <- r + threshold s. At most one spike per step: r follows x within the threshold as long as x changes by no
    more than the threshold per step, and lags behind a faster change until x waits for it.
    Shapes: x [time, batch, *features], finite -> [time, batch, *features], values -1, 0, 1, not differentiable.
    Raises: ParameterError (NaN, threshold not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> signed_delta(torch.tensor([0.0, 0.5, 1.2, 1.0, 0.1]).view(5, 1), threshold=0.5).squeeze().tolist()
    [0.0, 1.0, 1.0, 0.0, -1.0]

    Reference: Miskowicz (2006), Send-On-Delta Concept, Sensors 6:49-63. One spike per step is ours.
    """
    check_values("x of signed_delta", x, rank=2)
    threshold = check_positive("threshold of signed_delta", threshold)
    if x.shape[0] < 1:
        raise ShapeError("x of signed_delta", expected="at least one time step", got=f"shape {tuple(x.shape)}")
    signal = wide(x)
    reference = signal[0].clone()
    spikes = torch.empty_like(signal)
    for value, spike in zip(signal, spikes, strict=True):
        change = value - reference
        spike.copy_((change >= threshold).to(spike.dtype) - (change <= -threshold).to(spike.dtype))
        reference += threshold * spike
    return spikes.to(x.dtype)


def delta(x: Tensor, *, threshold: float) -> Tensor:
    """Send on delta with two channels: spikes where the signal rises (channel 0) and where it falls (channel 1).

    Equation: channel 0 is 1 where `signed_delta` is +1, channel 1 where it is -1.
    Shapes: x [time, batch, *features], finite -> spikes [time, batch, 2, *features], 0/1, not differentiable.
    Raises: as `signed_delta`.

    >>> import torch
    >>> delta(torch.tensor([0.0, 0.5, 0.0]).view(3, 1), threshold=0.5).squeeze().tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    spikes = signed_delta(x, threshold=threshold)
    return torch.stack((spikes > 0, spikes < 0), dim=2).to(x.dtype)


def delta_decode(spikes: Tensor, initial: Tensor, *, threshold: float) -> Tensor:
    """The signal that the two channels of `delta` stand for.

    Equation: x[t] = initial + threshold sum_{u <= t} (on[u] - off[u]); within the threshold of the encoded signal where
    that changes by no more than the threshold per step.
    Shapes: spikes [time, batch, 2, *features], initial [batch, *features] -> [time, batch, *features].
    Raises: ParameterError (NaN, threshold not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> x = torch.linspace(0.0, 1.0, 9).view(9, 1)
    >>> bool(((delta_decode(delta(x, threshold=0.2), x[0], threshold=0.2) - x).abs() < 0.2).all())
    True
    """
    check_values("spikes of delta_decode", spikes, low=0.0, high=1.0, rank=3)
    check_values("initial of delta_decode", initial)
    threshold = check_positive("threshold of delta_decode", threshold)
    if spikes.shape[2] != 2 or initial.shape != spikes.shape[1:2] + spikes.shape[3:]:
        raise ShapeError(
            "spikes and initial of delta_decode",
            expected="[time, batch, 2, *features] and [batch, *features]",
            got=f"{tuple(spikes.shape)} and {tuple(initial.shape)}",
        )
    signal = wide(spikes)
    return (initial + threshold * (signal[:, :, 0] - signal[:, :, 1]).cumsum(0)).to(initial.dtype)


class Delta(Encoder):
    """Signals as spikes of two channels, rising and falling; see `delta`.

    >>> Delta(threshold=0.1)(torch.rand(20, 4, 3)).shape
    torch.Size([20, 4, 2, 3])
    """

    of_sequence: ClassVar[bool] = True

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = check_positive("threshold of Delta", threshold)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [time, batch, *features]; nothing is drawn."""
        return delta(x, threshold=self.threshold)

    def extra_repr(self) -> str:
        """The arguments of the constructor."""
        return f"threshold={self.threshold:g}"


class SignedDelta(Encoder):
    """Signals as spikes of +1 and -1; see `signed_delta`.

    >>> SignedDelta(threshold=0.1)(torch.rand(20, 4, 3)).shape
    torch.Size([20, 4, 3])
    """

    of_sequence: ClassVar[bool] = True
    graded: ClassVar[bool] = True

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = check_positive("threshold of SignedDelta", threshold)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [time, batch, *features]; nothing is drawn."""
        return signed_delta(x, threshold=self.threshold)

    def extra_repr(self) -> str:
        """The arguments of the constructor."""
        return f"threshold={self.threshold:g}"
