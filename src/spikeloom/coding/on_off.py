"""Signed values as two channels of values in [0, 1], for what is above and for what is below."""

from __future__ import annotations

import torch
from torch import Tensor

from spikeloom.coding._checks import check_count, check_positive, check_values, wide


def on_off(x: Tensor, *, scale: float = 1.0, dim: int = 1) -> Tensor:
    """The positive and the negative part of a value, as two channels on a new axis.

    Equation: on = min(max(x / scale, 0), 1), off = min(max(-x / scale, 0), 1); what is beyond the scale is clipped.
    Shapes: x [batch, *features], finite -> [batch, 2, *features], in [0, 1]; with `dim` the new axis is elsewhere.
    Raises: ParameterError (NaN, scale not above 0, dim < 1), DTypeError, ShapeError.

    >>> import torch
    >>> on_off(torch.tensor([[-0.5, 3.0]]), scale=2.0).tolist()
    [[[0.0, 1.0], [0.25, 0.0]]]
    """
    scaled = wide(check_values("x of on_off", x)) / check_positive("scale of on_off", scale)
    return torch.stack((scaled, -scaled), dim=check_count("dim of on_off", dim)).clamp(0.0, 1.0).to(x.dtype)


def on_off_decode(channels: Tensor, *, scale: float = 1.0, dim: int = 1) -> Tensor:
    """The value that two channels stand for.

    Equation: x = scale (on - off), exact where the value was not clipped.
    Shapes: channels [batch, 2, *features] -> [batch, *features], differentiable.
    Raises: ParameterError (NaN, scale not above 0, dim < 1), DTypeError, ShapeError.

    >>> import torch
    >>> on_off_decode(torch.tensor([[[0.0, 1.0], [0.25, 0.0]]]), scale=2.0).tolist()
    [[-0.5, 2.0]]
    """
    both = wide(check_values("channels of on_off_decode", channels, rank=2))
    dim = check_count("dim of on_off_decode", dim)
    return check_positive("scale of on_off_decode", scale) * (both.select(dim, 0) - both.select(dim, 1))
