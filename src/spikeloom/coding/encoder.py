"""What every encoder is: a module that turns values into a spike train."""

from __future__ import annotations

import abc
import math
from typing import ClassVar

import torch
from torch import Tensor, nn


class Encoder(nn.Module, abc.ABC):
    """A module without state that turns values into a spike train, time first.

    Shapes: values [batch, *features] -> spikes [time, batch, ...], or from [time, batch, *features] for an encoder of
    sequences. The output has the dtype and the device of the input.
    `forward(x, generator)` draws from the generator it is given, and from PyTorch's global one where that is None, so
    that
    `torch.manual_seed` and a checkpoint of the global state repeat it; an encoder that draws nothing ignores it.

    A subclass says as data what `check_encoder` tests: the bounds of its input (`low`, `high`), whether its output is
    `graded` (not 0/1), and whether it is `of_sequence` (its input has a time axis already).

    >>> class Sign(Encoder):
    ...     def forward(self, x, generator=None):
    ...         return (x > 0).to(x.dtype).expand(4, *x.shape)
    >>> Sign()(torch.tensor([[-1.0, 1.0]])).shape
    torch.Size([4, 1, 2])
    """

    low: ClassVar[float] = -math.inf
    high: ClassVar[float] = math.inf
    graded: ClassVar[bool] = False
    of_sequence: ClassVar[bool] = False

    @abc.abstractmethod
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode x."""
