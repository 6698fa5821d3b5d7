"""Checks that everything in this folder makes at its door."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import DTypeError, ParameterError, ShapeError


def check_events(what: str, events: object, *, axes: str = "time, batch, height, width") -> Tensor:
    """Return a floating tensor of numbers of events, 0 or more, with these axes; raise otherwise."""
    if not isinstance(events, Tensor) or not events.is_floating_point():
        got = events.dtype if isinstance(events, Tensor) else type(events).__name__
        raise DTypeError(what, expected="a floating-point tensor", got=got)
    if events.ndim != axes.count(",") + 1 or not all(events.shape[0:1] + events.shape[2:]):
        raise ShapeError(what, expected=f"[{axes}], none but batch 0", got=list(events.shape))
    if events.numel() and not bool((events >= 0).all() and torch.isfinite(events).all()):
        raise ParameterError(what, expected="numbers of events, 0 or more", got="others")
    return events
