"""Signed codes: negative values are told by spikes of -1."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_values
from spikeloom.coding.encoder import DecodableEncoder, Encoder
from spikeloom.coding.regular import Regular
from spikeloom.coding.wrapper import Wrapper


def signed(x: Tensor, inner: Encoder, *, generator: torch.Generator | None) -> Tensor:
    """Spikes of the magnitude, with the sign of the value.

    Equation: s = sign(x) code(|x|). With a Bernoulli code the mean count is x T, its variance T |x| (1 - |x|).
    Shapes: x [batch, *features], in [-1, 1] -> [steps, batch, *features], with 0/1 codes of values -1, 0, 1.
    Raises: ParameterError (x outside [-1, 1], NaN), DTypeError, ShapeError.

    >>> import torch
    >>> signed(torch.tensor([[-0.5, 0.75]]), Regular(4), generator=None)[:, 0].T.tolist()
    [[0.0, -1.0, 0.0, -1.0], [0.0, 1.0, 1.0, 1.0]]
    """
    check_values("x of signed", x, low=-1.0, high=1.0)
    spikes: Tensor = inner(x.abs(), generator=generator)
    # Added to 0, lest what is silent become -0.
    return spikes * x.sign() + 0.0


class Signed(Wrapper, DecodableEncoder):
    """Values in [-1, 1] by an inner encoder of values in [0, 1] and a sign; see `signed`.

    >>> Signed(Regular(8))(torch.tensor([[-1.0]])).sum().item()
    -8.0
    """

    low = -1.0
    high = 1.0

    def __init__(self, inner: Encoder) -> None:
        super().__init__(inner)
        self.graded = True

    @classmethod
    def example(cls) -> Self:
        """16 regular steps."""
        return cls(Regular(16))

    def transform(self, x: Tensor) -> Tensor:
        """The magnitude."""
        return x.abs()

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x [batch, *features]."""
        return signed(x, self.inner, generator=generator)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """The inner value with the sign of the spikes: as exact as the inner code."""
        return self.inner_decode(spikes.abs()) * spikes.sum(0).sign()
