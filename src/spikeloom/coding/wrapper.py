"""Codes made of another one: it is handed values that were changed first."""

from __future__ import annotations

import abc

import torch
from torch import Tensor

from spikeloom.coding.encoder import DecodableEncoder, Encoder
from spikeloom.errors import DTypeError, ParameterError


class Wrapper(Encoder, abc.ABC):
    """An encoder that changes the values and hands them to `inner`; 0/1 or graded, and as long, as that one.

    Raises: DTypeError (inner is no encoder), ParameterError (an inner encoder of the other kind of input).
    """

    def __init__(self, inner: Encoder) -> None:
        super().__init__()
        name = type(self).__name__
        if not isinstance(inner, Encoder):
            raise DTypeError(f"inner of {name}", expected="an Encoder", got=type(inner).__name__)
        if inner.of_sequence != self.of_sequence:
            kinds = {True: "an encoder of sequences", False: "an encoder of values, without time"}
            raise ParameterError(f"inner of {name}", expected=kinds[self.of_sequence], got=type(inner).__name__)
        self.inner = inner
        self.graded = inner.graded

    @property
    def steps(self) -> int | None:
        """The number of time steps of the inner encoder, None where that does not say."""
        return getattr(self.inner, "steps", None)

    @abc.abstractmethod
    def transform(self, x: Tensor) -> Tensor:
        """What the inner encoder is given instead of x."""

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x."""
        spikes: Tensor = self.inner(self.transform(x), generator=generator)
        return spikes

    def inner_decode(self, spikes: Tensor) -> Tensor:
        """What the inner encoder decodes.

        Raises: ParameterError (it does not decode).
        """
        if not isinstance(self.inner, DecodableEncoder):
            what = f"{type(self).__name__}.decode"
            got = type(self.inner).__name__
            raise ParameterError(what, expected="an inner encoder that decodes", got=got, do="take Regular(16), say")
        return self.inner.decode(spikes)
