"""Delta codes (send on delta): a spike whenever a signal has changed by a threshold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_sequence, check_values, wide
from spikeloom.coding.encoder import DecodableEncoder
from spikeloom.errors import ShapeError

Comparison = Callable[[Tensor, float], Tensor]


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
    signal = wide(check_sequence("x of signed_delta", x))
    threshold = check_positive("threshold of signed_delta", threshold)
    return follow(signal, signal[0], threshold).to(x.dtype)


def follow(signal: Tensor, start: Tensor, threshold: float, *, reached: Comparison = torch.ge) -> Tensor:
    """Spikes of +1 and -1 that move a reference, from `start`, by the threshold towards the signal it is that far from.

    `reached(distance, threshold)` says when: at the threshold already (`torch.ge`), or beyond it (`torch.gt`).
    """
    reference = start.clone()
    spikes = torch.empty_like(signal)
    for value, spike in zip(signal, spikes, strict=True):
        change = value - reference
        spike.copy_(reached(change, threshold).to(spike.dtype) - reached(-change, threshold).to(spike.dtype))
        reference += threshold * spike
    return spikes


def delta(x: Tensor, *, threshold: float) -> Tensor:
    """Send on delta with two channels: spikes where the signal rises (channel 0) and where it falls (channel 1).

    Equation: channel 0 is 1 where `signed_delta` is +1, channel 1 where it is -1.
    Shapes: x [time, batch, *features], finite -> spikes [time, batch, 2, *features], 0/1, not differentiable.
    Raises: as `signed_delta`.

    >>> import torch
    >>> delta(torch.tensor([0.0, 0.5, 0.0]).view(3, 1), threshold=0.5).squeeze().tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    return two_channels(signed_delta(x, threshold=threshold))


def two_channels(spikes: Tensor) -> Tensor:
    """Signed spikes [time, batch, *features] as 0/1 spikes [time, batch, 2, *features], positive ones first."""
    return torch.stack((spikes > 0, spikes < 0), dim=2).to(spikes.dtype)


def signed_delta_decode(spikes: Tensor, initial: Tensor, *, threshold: float) -> Tensor:
    """The signal that spikes of +1 and -1 stand for.

    Equation: x[t] = initial + threshold sum_{u <= t} s[u]; within the threshold of the encoded signal where that
    changes by no more than the threshold per step.
    Shapes: spikes [time, batch, *features], initial [batch, *features] -> [time, batch, *features].
    Raises: ParameterError (NaN, threshold not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> signed_delta_decode(torch.tensor([[0.0], [1.0], [1.0], [-1.0]]), torch.tensor([2.0]), threshold=0.5).tolist()
    [[2.0], [2.5], [3.0], [2.5]]
    """
    check_values("spikes of signed_delta_decode", spikes, rank=2)
    check_values("initial of signed_delta_decode", initial)
    threshold = check_positive("threshold of signed_delta_decode", threshold)
    if initial.shape != spikes.shape[1:]:
        raise ShapeError(
            "spikes and initial of signed_delta_decode",
            expected="[time, batch, *features] and [batch, *features]",
            got=f"{tuple(spikes.shape)} and {tuple(initial.shape)}",
        )
    return (initial + threshold * wide(spikes).cumsum(0)).to(initial.dtype)


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
    if spikes.shape[2] != 2 or initial.shape != spikes.shape[1:2] + spikes.shape[3:]:
        raise ShapeError(
            "spikes and initial of delta_decode",
            expected="[time, batch, 2, *features] and [batch, *features]",
            got=f"{tuple(spikes.shape)} and {tuple(initial.shape)}",
        )
    signal = wide(spikes)
    return signed_delta_decode(signal[:, :, 0] - signal[:, :, 1], initial, threshold=threshold)


class Delta(DecodableEncoder):
    """Signals as spikes of two channels, rising and falling; see `delta`.

    >>> Delta(threshold=0.1)(torch.rand(20, 4, 3)).shape
    torch.Size([20, 4, 2, 3])
    """

    of_sequence = True

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = check_positive("threshold of Delta", threshold)

    @classmethod
    def example(cls) -> Self:
        """A threshold of 0.1."""
        return cls(threshold=0.1)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [time, batch, *features]; nothing is drawn."""
        return delta(x, threshold=self.threshold)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `delta_decode`."""
        return delta_decode(wide(spikes), first_value(spikes[0, :, 0], initial), threshold=self.threshold)


class SignedDelta(DecodableEncoder):
    """Signals as spikes of +1 and -1; see `signed_delta`.

    >>> SignedDelta(threshold=0.1)(torch.rand(20, 4, 3)).shape
    torch.Size([20, 4, 3])
    """

    of_sequence = True
    graded = True

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = check_positive("threshold of SignedDelta", threshold)

    @classmethod
    def example(cls) -> Self:
        """A threshold of 0.1."""
        return cls(threshold=0.1)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [time, batch, *features]; nothing is drawn."""
        return signed_delta(x, threshold=self.threshold)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `signed_delta_decode`."""
        return signed_delta_decode(wide(spikes), first_value(spikes[0], initial), threshold=self.threshold)


def first_value(like: Tensor, initial: Tensor | None) -> Tensor:
    """Where a signal starts that is known by its changes: at `initial`, or at 0."""
    return torch.zeros_like(wide(like)) if initial is None else wide(initial)
