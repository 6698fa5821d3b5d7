"""Complement code: a value and what is missing to 1, so that small values are heard too."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_values
from spikeloom.coding.encoder import DecodableEncoder
from spikeloom.coding.latency import LinearLatency
from spikeloom.coding.wrapper import Wrapper


def complement(x: Tensor) -> Tensor:
    """A value and its complement, as two channels.

    Equation: channel 0 is x, channel 1 is 1 - x; they sum to 1, so that a rate code of both has the same number of
    spikes for every value, and a latency code of both always has an early spike.
    Shapes: x [batch, *features], in [0, 1] -> [batch, 2, *features], differentiable.
    Raises: ParameterError (x outside [0, 1], NaN), DTypeError, ShapeError.

    >>> import torch
    >>> complement(torch.tensor([[0.25, 1.0]])).tolist()
    [[[0.25, 1.0], [0.75, 0.0]]]
    """
    check_values("x of complement", x, low=0.0, high=1.0)
    return torch.stack((x, 1.0 - x), dim=1)


class Complement(Wrapper, DecodableEncoder):
    """Values in [0, 1] and their complements by an inner encoder; see `complement`.

    >>> Complement(LinearLatency(8))(torch.rand(4, 3)).shape
    torch.Size([8, 4, 2, 3])
    """

    low = 0.0
    high = 1.0

    @classmethod
    def example(cls) -> Self:
        """A latency code of 16 steps."""
        return cls(LinearLatency(16))

    def transform(self, x: Tensor) -> Tensor:
        """Both channels."""
        return complement(x)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """The mean of what both channels say: an error of one sign in the inner code cancels."""
        value = self.inner_decode(spikes)
        return (value[:, 0] + 1.0 - value[:, 1]) / 2.0
