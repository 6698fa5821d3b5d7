"""Motion symbols: when a stream of events has a burst of activity worth an answer, and which edges it has then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d

from ..errors import ParameterError, ShapeError
from ..neurons import LeakyIntegrator
from ._checks import check_events
from .gabor import ORIENTATIONS, SCALES, gabor_patches


class MotionSymbols(NamedTuple):
    """Peaks of activity in order of streams, then of time: stream and step int64 [n], activity [n]."""

    stream: Tensor
    step: Tensor
    activity: Tensor


def motion_symbols(events: Tensor, *, tau: float = 20.0, window: float = 50.0, dt: float = 1.0) -> MotionSymbols:
    """Times at which a leaky neuron that receives all events of a stream has its highest potential for a while.

    Equation: a[t] = exp(-dt / tau) a[t - 1] + all events of step t; a peak is above everything in the window before it,
    and not below anything in the window after it. Every stream with an event has one at least.
    Shapes: events [time, batch, height, width]. Units: tau, window and dt in milliseconds; activity in events.
    Raises: ParameterError, DTypeError, ShapeError.

    >>> events = torch.zeros(100, 1, 4, 4)
    >>> events[10, 0, 0] = events[80, 0, 1] = 1.0
    >>> motion_symbols(events).step
    tensor([10, 80])

    Source: Zhao, Ding, Chen, Linares-Barranco and Tang 2015, IEEE TNNLS 26:1963-1978, motion symbol detector: a leaky
    neuron whose peaks are searched for; its leak is linear.
    """
    check_events("events of motion_symbols", events)
    if not (0.0 < window < math.inf and 0.0 < dt < math.inf):
        expected = "a finite window and dt above 0"
        raise ParameterError("motion_symbols", expected=expected, got=f"window={window}, dt={dt}")
    activity = _leaky(events.sum((2, 3)), tau, dt)
    reach = max(1, round(window / dt))
    silence = activity.new_full((reach, activity.shape[1]), -1.0)
    # The highest of the steps before each step, and on to the highest of all after the last one.
    highest = torch.cat([silence, activity, silence]).unfold(0, reach, 1).amax(2)
    before, after = highest[: len(activity)], highest[reach + 1 :]
    peak = (activity > 0) & (activity > before) & (activity >= after)
    stream, step = peak.T.nonzero(as_tuple=True)
    return MotionSymbols(stream, step, activity[step, stream])


def gabor_maxima(
    events: Tensor,
    stream: Tensor,
    step: Tensor,
    *,
    scales: Sequence[int] = SCALES,
    orientations: Sequence[float] = ORIENTATIONS,
    tau: float = 20.0,
    unit: int = 2,
    dt: float = 1.0,
) -> Tensor:
    """Potentials of leaky Gabor maps (S1) at chosen times, the maximum of each square of `unit` x `unit` neurons (C1).

    Equation: v[t] = exp(-dt / tau) v[t - 1] + sum over events of step t of G(place - event), `gabor_patches`; what is
    below 0 counts as 0. Squares at the edge may be smaller.
    Shapes: events [time, batch, height, width], stream and step int64 [n] -> [n, scales, orientations, rows, columns].
    Units: tau and dt in milliseconds. Raises: ParameterError, DTypeError, ShapeError.

    >>> events = torch.zeros(10, 1, 28, 28)
    >>> events[5, 0, 14, 8:20] = 1.0
    >>> gabor_maxima(events, torch.tensor([0]), torch.tensor([5]))[0, :, :, 7, 7].argmax(1)
    tensor([0, 0, 0, 0])

    Source: Zhao et al. 2015, as `motion_symbols`, S1 and C1; an exponential leak, and a C1 that is read at chosen times
    instead of kept up to date at each event, are ours.
    """
    check_events("events of gabor_maxima", events)
    if stream.ndim != 1 or stream.shape != step.shape:
        got = f"shapes {list(stream.shape)} and {list(step.shape)}"
        raise ShapeError("stream and step of gabor_maxima", expected="[n] and [n]", got=got)
    if isinstance(unit, bool) or not isinstance(unit, int) or unit < 1:
        raise ParameterError("unit of gabor_maxima", expected="a whole number of 1 or more", got=repr(unit))
    patches = gabor_patches(scales, orientations)
    # The leak comes before the patches: both are linear.
    recent = _leaky(events, tau, dt)[step, stream].unsqueeze(1)
    maps = conv2d(recent, patches.flatten(0, 1).unsqueeze(1), padding=patches.shape[-1] // 2)
    pooled = max_pool2d(maps.clamp(min=0.0), unit, ceil_mode=True)
    return pooled.view(len(pooled), *patches.shape[:2], *pooled.shape[2:])


def _leaky(x: Tensor, tau: float, dt: float) -> Tensor:
    """y[t] = exp(-dt / tau) y[t - 1] + x[t]."""
    y: Tensor = LeakyIntegrator(tau_mem=tau, r=1.0 / -math.expm1(-dt / tau), dt=dt)(x)
    return y
