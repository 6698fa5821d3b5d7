"""The memory order of images: channels last, where convolutions are faster and a channel's numbers lie in one row."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..parameters import Value


def channels_last(x: Tensor) -> Tensor:
    """Images [rows, channels, ...] in that order, unambiguously also for one channel or one pixel."""
    if x.shape[1] == 1:
        return x.reshape(x.shape[0], *x.shape[2:], 1).movedim(-1, 1)
    return x.movedim(1, -1).contiguous().movedim(-1, 1)


def is_channels_last(x: Tensor, axis: int) -> bool:
    """Whether memory runs along the channel axis first and elsewhere in order; time may be strided."""
    if x.dim() <= axis + 1 or x.shape[axis] == 1 or not x.numel() or x.stride(axis) != 1:
        return False
    last = x.movedim(axis, -1)
    return (last[0] if axis == 2 else last).is_contiguous()


def moved(values: Mapping[str, Value], features: int) -> dict[str, Value]:
    """Parameters over the leading of that many feature axes, for features whose first axis is moved to the end."""
    return {name: _moved(value, features) for name, value in values.items()}


def _moved(value: Value, features: int) -> Value:
    if not isinstance(value, Tensor) or not 0 < value.dim() <= features:
        return value
    return value.reshape(*value.shape, *[1] * (features - value.dim())).movedim(0, -1)
