"""Checks that read-outs make at their door: outputs over time, labels, weights."""

from __future__ import annotations

import torch
from torch import Tensor

from spikeloom.coding._checks import check_values
from spikeloom.errors import DTypeError, ParameterError, ShapeError


def check_sequence(what: str, x: object, *, low: float = -torch.inf, axes: str = "*features", rank: int = 2) -> Tensor:
    """Return x as a floating tensor [time, batch, ...] of finite values with at least one step; raise otherwise."""
    values = check_values(what, x, low=low, rank=2)
    if values.ndim < rank or values.shape[0] < 1:
        expected = f"[time, batch, {axes}] with time >= 1"
        raise ShapeError(what, expected=expected, got=f"shape {tuple(values.shape)}")
    return values


def check_outputs(what: str, x: object, *, low: float = -torch.inf, classes: int = 1) -> Tensor:
    """Return x as a floating tensor [time, batch, classes] of finite values; raise otherwise."""
    values = check_sequence(what, x, low=low, axes="classes", rank=3)
    if values.ndim != 3 or values.shape[2] < classes:
        expected = f"[time, batch, classes] with at least {classes} of them"
        raise ShapeError(what, expected=expected, got=f"shape {tuple(values.shape)}")
    return values


def check_labels(what: str, labels: object, classes: int, shape: torch.Size) -> Tensor:
    """Return labels as int64 class numbers of this shape; raise otherwise."""
    if not isinstance(labels, Tensor) or labels.dtype != torch.int64:
        got = labels.dtype if isinstance(labels, Tensor) else type(labels).__name__
        raise DTypeError(what, expected="a tensor of int64 class numbers", got=got, do="use labels.long()")
    if labels.shape != shape:
        raise ShapeError(what, expected=f"shape {tuple(shape)}", got=f"shape {tuple(labels.shape)}")
    if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        got = f"{int(labels.min())} to {int(labels.max())}"
        raise ParameterError(what, expected=f"class numbers 0 to {classes - 1}", got=got)
    return labels
