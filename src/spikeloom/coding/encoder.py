"""What every encoder is: a module that turns values into a spike train."""

from __future__ import annotations

import abc
import inspect
import math
from typing import Self

import torch
from torch import Tensor, nn


class Encoder(nn.Module, abc.ABC):
    """A module without state that turns values into a spike train, time first.

    Shapes: values [batch, *features] -> spikes [time, batch, ...], or from [time, batch, *features] for an encoder of
    sequences. The output has the dtype and the device of the input.
    `forward(x, generator)` draws from the generator it is given, and from PyTorch's global one where that is None, so
    that `torch.manual_seed` and a checkpoint of the global state repeat it; an encoder that draws nothing ignores it.

    A subclass says as data what `check_encoder` tests: the bounds of its input (`low`, `high`), whether its output is
    `graded` (not 0/1), whether it is `of_sequence` (its input has a time axis already) or `of_images` (its last two
    axes are height and width), and the `features` it was made for where it does not take any. `example()` is an
    instance with usual arguments, which tests and pictures use.

    >>> class Sign(Encoder):
    ...     def forward(self, x, generator=None):
    ...         return (x > 0).to(x.dtype).expand(4, *x.shape)
    >>> Sign()(torch.tensor([[-1.0, 1.0]])).shape
    torch.Size([4, 1, 2])
    """

    low: float = -math.inf
    high: float = math.inf
    graded: bool = False
    of_sequence: bool = False
    of_images: bool = False
    features: tuple[int, ...] | None = None

    @abc.abstractmethod
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x."""

    @classmethod
    def example(cls) -> Self:
        """An instance with usual arguments; to be defined where the constructor needs some."""
        return cls()

    def extra_repr(self) -> str:
        """The numbers given to the constructor, and the shapes of tensors."""
        given = {name: getattr(self, name, None) for name in inspect.signature(type(self).__init__).parameters}
        shown = {name: f"{value:g}" for name, value in given.items() if isinstance(value, (int, float))}
        shown |= {name: f"<{list(value.shape)}>" for name, value in given.items() if isinstance(value, Tensor)}
        return ", ".join(f"{name}={shown[name]}" for name in given if name in shown)


class DecodableEncoder(Encoder, abc.ABC):
    """An encoder with an inverse: `decode` turns its spikes back into values, of the shape of its input."""

    @abc.abstractmethod
    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """The values that the spikes stand for; half precision comes out as float32.

        `initial` [batch, *features] is the first value of a sequence, for codes that tell changes only; None is 0.
        Other codes ignore it.
        """
