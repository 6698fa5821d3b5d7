"""Temporal contrast: a spike wherever a signal changes by more than a threshold from one step to the next."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_sequence, wide
from spikeloom.coding.delta import delta_decode, first_value, two_channels
from spikeloom.coding.encoder import DecodableEncoder


def temporal_contrast(x: Tensor, *, threshold: float) -> Tensor:
    """Spikes where a signal rises (channel 0) or falls (channel 1) by more than the threshold in one step.

    Equation: on where x[t] - x[t - 1] > threshold, off where it is < -threshold; step 0 is silent. Unlike `delta`,
    changes that are each too small are forgotten and never add up. The threshold-based representation takes mean(|dx|)
    + factor std(|dx|) of the signal for it.
    Shapes: x [time, batch, *features], finite -> spikes [time, batch, 2, *features], 0/1, not differentiable.
    Raises: ParameterError (NaN, threshold not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> temporal_contrast(torch.tensor([0.0, 0.6, 0.9, 0.2]).view(4, 1), threshold=0.5).squeeze().T.tolist()
    [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]

    Reference: Petro, Kasabov and Kiss (2020), IEEE Trans. Neural Netw. Learn. Syst. 31:358-370 (threshold-based
    representation).
    """
    signal = wide(check_sequence("x of temporal_contrast", x))
    threshold = check_positive("threshold of temporal_contrast", threshold)
    change = torch.diff(signal, dim=0, prepend=signal[:1])
    return two_channels((change > threshold).to(x.dtype) - (change < -threshold).to(x.dtype))


class TemporalContrast(DecodableEncoder):
    """Signals as sudden changes; see `temporal_contrast`.

    Decoded as `delta` is, by adding up steps of the threshold: the published decoder. It has no bound: a slow change is
    never told, and a jump counts as one threshold.

    >>> TemporalContrast(threshold=0.1)(torch.rand(20, 4, 3)).shape
    torch.Size([20, 4, 2, 3])
    """

    of_sequence = True

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = check_positive("threshold of TemporalContrast", threshold)

    @classmethod
    def example(cls) -> Self:
        """A threshold of 0.03."""
        return cls(threshold=0.03)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [time, batch, *features]; nothing is drawn."""
        return temporal_contrast(x, threshold=self.threshold)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `delta_decode`."""
        return delta_decode(wide(spikes), first_value(spikes[0, :, 0], initial), threshold=self.threshold)
