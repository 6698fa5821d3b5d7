"""Streams of events of moving shapes, as from an event camera, for where no recording is at hand."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import ParameterError

SHAPES = ("horizontal bar", "vertical bar", "cross", "square")

# Half the width and height in pixels; a cross is both bars.
_BARS = ((6.5, 1.5), (1.5, 6.5))
_SQUARE = (4.5, 4.5)
# Change of brightness, 0 outside a shape and 1 within, at which a pixel tells an event.
_CONTRAST = 0.5


def moving_shapes(
    n: int,
    *,
    size: int = 28,
    steps: int = 200,
    speed: tuple[float, float] = (25.0, 75.0),
    jitter: float = 3.0,
    noise: float = 0.1,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Events of n shapes, as many bars of each direction, crosses and squares, in random order, one step a millisecond.

    A shape moves straight, in any direction and with a speed drawn from `speed`; half-way it is up to `jitter` pixels
    from the centre, in each axis. A pixel tells an event when its brightness, the part of it that the shape covers, has
    changed by 0.5 since its last one; brighter and darker are not told apart. Of all events a share `noise` is spread
    over all pixels and steps at random.
    Shapes: events [steps, n, size, size] of 0 and 1, float32; labels int64 [n], as in `SHAPES`.
    Units: speed in pixels per second. Raises: ParameterError.

    >>> events, labels = moving_shapes(8, generator=torch.Generator().manual_seed(0))
    >>> events.shape, labels.bincount()
    (torch.Size([200, 8, 28, 28]), tensor([2, 2, 2, 2]))

    Source: pixels as in Lichtsteiner, Posch and Delbruck 2008, IEEE J. Solid-State Circuits 43:566-576, without delay
    and jitter of their own; the shapes are ours.
    """
    _verify(n=n, size=size, steps=steps)
    low, high = speed
    if not (0.0 <= low <= high < math.inf and 0.0 <= jitter < math.inf and 0.0 <= noise < 1.0):
        got = f"speed={speed}, jitter={jitter}, noise={noise}"
        raise ParameterError("moving_shapes", expected="0 <= speeds in order, jitter >= 0, 0 <= noise < 1", got=got)
    labels = (torch.arange(n) % len(SHAPES))[torch.randperm(n, generator=generator)]
    drawn = torch.rand(4, n, generator=generator)
    angle, pace = 2 * math.pi * drawn[0], (low + (high - low) * drawn[1]) / 1000.0
    heading = pace * torch.stack([angle.cos(), angle.sin()])
    centre = (size - 1) / 2 + jitter * (2 * drawn[2:] - 1)
    reference = _brightness(labels, centre - steps / 2 * heading, size)
    events = torch.zeros(steps, n, size, size)
    for step in range(steps):
        change = _brightness(labels, centre + (step + 1 - steps / 2) * heading, size) - reference
        told = change.abs() >= _CONTRAST
        reference += torch.where(told, change, 0.0)
        events[step] = told
    rate = events.mean((0, 2, 3)) * noise / (1 - noise)
    for step in range(steps):
        events[step][torch.rand(n, size, size, generator=generator) < rate.view(-1, 1, 1)] = 1.0
    return events, labels


def _brightness(labels: Tensor, centre: Tensor, size: int) -> Tensor:
    """The part of each pixel that the shape covers, [n, size, size]; centre [2, n] as x and y."""
    x, y = ((torch.arange(size) - position.unsqueeze(1)).abs() for position in centre)

    def covered(half: tuple[float, float]) -> Tensor:
        across, down = (half[0] + 0.5 - x).clamp(0, 1), (half[1] + 0.5 - y).clamp(0, 1)
        part: Tensor = across.unsqueeze(1) * down.unsqueeze(2)
        return part

    horizontal, vertical = (covered(bar) for bar in _BARS)
    kinds = torch.stack([horizontal, vertical, torch.maximum(horizontal, vertical), covered(_SQUARE)])
    return kinds[labels, torch.arange(len(labels))]


def _verify(**numbers: int) -> None:
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ParameterError(f"{name} of moving_shapes", expected="a whole number of 1 or more", got=repr(number))
