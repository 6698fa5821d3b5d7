"""Ben's spiker algorithm: spikes whose filtered train is the signal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_count, check_positive, check_sequence, check_values, wide
from spikeloom.coding.encoder import DecodableEncoder
from spikeloom.errors import ParameterError


def smoothing_filter(taps: int) -> Tensor:
    """A raised-cosine filter of this many taps that sum to 1, so that a spike in every step is the value 1.

    Equation: h[k] proportional to 1 - cos(2 pi (k + 1) / (taps + 1)), k = 0 to taps - 1.
    Shapes: [taps], float64. Raises: ParameterError (taps < 1).

    >>> [round(h, 12) for h in smoothing_filter(3).tolist()]
    [0.25, 0.5, 0.25]
    """
    phase = torch.arange(1, check_count("taps of smoothing_filter", taps) + 1, dtype=torch.float64) / (taps + 1)
    window = 1.0 - torch.cos(2.0 * torch.pi * phase)
    return window / window.sum()


def bens_spiker(x: Tensor, kernel: Tensor, *, threshold: float) -> Tensor:
    """Spikes wherever taking a filter's response away brings the rest of the signal nearer to zero by the threshold.

    Equation: for t = 0, 1, ...: e1 = sum_k |x[t + k] - h[k]|, e2 = sum_k |x[t + k]|, over the taps that lie within the
    signal; where e1 <= e2 - threshold a spike, and x[t + k] <- x[t + k] - h[k].
    Shapes: x [time, batch, *features], at least 0; kernel [taps] -> spikes of the shape of x, 0/1, not differentiable.
    Raises: ParameterError (negative x, NaN, a kernel without a tap above 0, threshold not above 0), DTypeError,
    ShapeError.

    >>> import torch
    >>> x = torch.tensor([0.0, 0.25, 0.5, 0.25, 0.0]).view(5, 1)
    >>> bens_spiker(x, smoothing_filter(3), threshold=0.9).flatten().tolist()
    [0.0, 1.0, 0.0, 0.0, 0.0]

    Reference: Schrauwen and Van Campenhout (2003), BSA, a fast and accurate spike train encoding scheme, IJCNN
    4:2825-2830. The filter is the user's; that of the example is ours.
    """
    rest = wide(check_sequence("x of bens_spiker", x, low=0.0)).clone()
    filter_ = _check_filter("bens_spiker", kernel).to(rest)
    threshold = check_positive("threshold of bens_spiker", threshold)
    spikes = torch.zeros_like(rest)
    for t in range(rest.shape[0]):
        part = rest[t : t + len(filter_)]
        response = filter_[: len(part)].view(-1, *[1] * (x.ndim - 1))
        gain = part.abs().sum(0) - (part - response).abs().sum(0)
        spikes[t] = (gain >= threshold).to(rest.dtype)
        part -= response * spikes[t]
    return spikes.to(x.dtype)


def bens_spiker_decode(spikes: Tensor, kernel: Tensor) -> Tensor:
    """The signal that spikes stand for: their train, filtered.

    Equation: x[t] = sum_k h[k] s[t - k].
    Shapes: spikes [time, batch, *features]; kernel [taps] -> of the shape of spikes, differentiable; half precision
    comes out as float32.
    Raises: ParameterError (NaN, a kernel without a tap above 0), DTypeError, ShapeError.

    >>> import torch
    >>> bens_spiker_decode(torch.tensor([[0.0], [1.0], [0.0], [0.0]]), smoothing_filter(3)).flatten().tolist()
    [0.0, 0.25, 0.5, 0.25]
    """
    train = wide(check_sequence("spikes of bens_spiker_decode", spikes))
    filter_ = _check_filter("bens_spiker_decode", kernel).to(train)
    flat = train.reshape(train.shape[0], 1, train[0].numel()).permute(2, 1, 0)
    if not flat.shape[0]:
        return train
    padded = torch.nn.functional.pad(flat, (len(filter_) - 1, 0))
    return torch.conv1d(padded, filter_.flip(0).view(1, 1, -1)).permute(2, 1, 0).reshape(train.shape)


class BensSpiker(DecodableEncoder):
    """Signals of at least 0 as spikes whose filtered train they are; see `bens_spiker`.

    A signal can be followed where it changes no faster than the filter does, between 0 and the sum of the filter.

    >>> BensSpiker(smoothing_filter(8), threshold=0.9)(torch.rand(40, 4, 3)).shape
    torch.Size([40, 4, 3])
    """

    low = 0.0
    of_sequence = True
    kernel: Tensor

    def __init__(self, kernel: Tensor | Sequence[float], *, threshold: float) -> None:
        super().__init__()
        values = kernel if isinstance(kernel, Tensor) else torch.tensor(kernel, dtype=torch.float64)
        self.register_buffer("kernel", _check_filter("BensSpiker", values))
        self.threshold = check_positive("threshold of BensSpiker", threshold)

    @classmethod
    def example(cls) -> Self:
        """Twelve taps and the published threshold."""
        return cls(smoothing_filter(12), threshold=0.955)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [time, batch, *features]; nothing is drawn."""
        return bens_spiker(x, self.kernel, threshold=self.threshold)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `bens_spiker_decode`."""
        return bens_spiker_decode(spikes, self.kernel)


def _check_filter(what: str, kernel: Tensor) -> Tensor:
    taps = check_values(f"kernel of {what}", kernel)
    if taps.ndim != 1 or not bool((taps > 0).any()):
        raise ParameterError(f"kernel of {what}", expected="one axis of taps, some above 0", got=repr(taps.tolist()))
    return taps
