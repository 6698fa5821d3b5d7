"""Temporal smoothing: labels over a stream that do not jump with every spike."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from spikeloom.coding._checks import check_steps
from spikeloom.coding._outputs import check_labels, check_outputs
from spikeloom.coding.trace import exponential_trace
from spikeloom.errors import ShapeError


def smoothed_labels(spikes: Tensor, *, tau: float, dt: float = 1.0) -> Tensor:
    """At every step the class whose output spikes have the largest exponential trace.

    Equation: argmax_c e_c[t], e[t] = exp(-dt / tau) e[t - 1] + s[t]; the first of equal ones, so 0 before any spike.
    Shapes: spikes [time, batch, classes] -> labels int64 [time, batch], not differentiable.
    Units: tau and dt in milliseconds.
    Raises: ParameterError (NaN, infinity, tau or dt not above 0), DTypeError, ShapeError.

    >>> spikes = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]).unsqueeze(1)
    >>> smoothed_labels(spikes, tau=5.0).flatten().tolist()
    [0, 0, 0, 1]
    """
    return exponential_trace(check_outputs("spikes of smoothed_labels", spikes), tau=tau, dt=dt).argmax(2)


def smoothed_decisions(labels: Tensor, *, classes: int, tau: float, dt: float = 1.0) -> Tensor:
    """At every step the class that was decided most often of late.

    Equation: as `smoothed_labels` with a spike of the decided class at every step. After a long time of one label, a
    lasting change to another shows after the first whole number of steps not below ln(2) tau / dt.
    Shapes: labels int64 [time, batch] -> the same. Units: tau and dt in milliseconds.
    Raises: ParameterError (a label that is no class, tau or dt not above 0), DTypeError, ShapeError.

    >>> smoothed_decisions(torch.tensor([[1], [1], [0], [1], [1]]), classes=2, tau=3.0).flatten().tolist()
    [1, 1, 1, 1, 1]
    """
    classes = check_steps("classes of smoothed_decisions", classes)
    if isinstance(labels, Tensor) and (labels.ndim != 2 or labels.shape[0] < 1):
        got = f"shape {tuple(labels.shape)}"
        raise ShapeError("labels of smoothed_decisions", expected="[time, batch] with time >= 1", got=got)
    shape = labels.shape if isinstance(labels, Tensor) else torch.Size()
    check_labels("labels of smoothed_decisions", labels, classes, shape)
    return smoothed_labels(functional.one_hot(labels, classes).to(torch.float64), tau=tau, dt=dt)
