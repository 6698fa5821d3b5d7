"""What operations on weights ask of them, and random choices among connections."""

from __future__ import annotations

import torch
from torch import Tensor

from .. import random
from ..errors import DTypeError, ParameterError


def check_weights(what: str, w: object) -> None:
    """Raise unless they are a tensor of finite floating-point numbers."""
    if not isinstance(w, Tensor) or not w.is_floating_point():
        got = w.dtype if isinstance(w, Tensor) else type(w).__name__
        raise DTypeError(what, expected="a floating-point tensor", got=got, do="use torch.as_tensor")
    if not bool(torch.isfinite(w).all()):
        raise ParameterError(what, expected="finite weights", got="NaN or infinity")


def lottery(shape: tuple[int, ...], seed: int, purpose: int, step: int) -> Tensor:
    """A random number in [0, 1) for each place, the same for the same seed and step."""
    size = torch.Size(shape)
    return random.uniform(seed, purpose, torch.arange(size.numel()), step).view(size)
