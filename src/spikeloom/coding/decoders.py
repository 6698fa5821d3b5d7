"""Decoders: from spikes or potentials over time to one value per output neuron."""

from __future__ import annotations

from torch import Tensor

from spikeloom.coding._checks import wide
from spikeloom.errors import DTypeError, ParameterError, ShapeError


def spike_count(spikes: Tensor) -> Tensor:
    """The number of spikes of each neuron.

    Equation: N = sum_t s[t].
    Shapes: spikes [time, batch, *features] -> [batch, *features], differentiable; half precision comes out as float32,
    because bfloat16 cannot count beyond 256.
    Raises: DTypeError, ShapeError.

    >>> import torch
    >>> spike_count(torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]]])).tolist()
    [[2.0, 1.0]]
    """
    _check(spikes, "spikes of spike_count")
    return wide(spikes).sum(0)


def spike_rate(spikes: Tensor) -> Tensor:
    """The mean number of spikes per step, in [0, 1] for 0/1 spikes; times 1000 / dt it is in spikes per second.

    Equation: N / T.
    Shapes: as `spike_count`.
    Raises: DTypeError, ShapeError.

    >>> import torch
    >>> spike_rate(torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]]])).tolist()
    [[1.0, 0.5]]
    """
    return spike_count(spikes) / spikes.shape[0]


def first_spike_time(spikes: Tensor) -> Tensor:
    """The step of the first spike, counted from 0; T for a neuron that never fired.

    Equation: t = sum_t prod_{u <= t} (1 - s[u]), the number of steps before any spike.
    The gradient is that of this multilinear form. It is exact as a difference: d t / d s[u] is the time with a spike
    in step u less the time without one, all other spikes unchanged: u - t for steps before the first spike,
    the first less the second spike time (or T) in the step of the first spike itself, and 0 after it.
    Shapes: spikes [time, batch, *features], 0/1 -> [batch, *features]; half precision comes out as float32.
    Raises: ParameterError (a value other than 0 and 1, NaN), DTypeError, ShapeError.

    >>> import torch
    >>> first_spike_time(torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]], [[1.0, 0.0]]])).tolist()
    [[1.0, 3.0]]
    """
    _check(spikes, "spikes of first_spike_time")
    if not bool(((spikes == 0) | (spikes == 1)).all()):
        raise ParameterError(
            "spikes of first_spike_time",
            expected="values 0 and 1",
            got="other values",
            do="give the output of a spiking neuron, not potentials or graded spikes",
        )
    return (1.0 - wide(spikes)).cumprod(0).sum(0)


def last_potential(v: Tensor) -> Tensor:
    """The potential after the last step.

    Equation: v[T - 1].
    Shapes: v [time, batch, *features] -> [batch, *features], differentiable.
    Raises: DTypeError, ShapeError.

    >>> import torch
    >>> last_potential(torch.tensor([[[3.0]], [[1.0]]])).tolist()
    [[1.0]]
    """
    _check(v, "v of last_potential")
    return v[-1]


def max_potential(v: Tensor) -> Tensor:
    """The largest potential over time.

    Equation: max_t v[t]; the gradient goes to the step of the maximum, shared evenly between equal maxima.
    Shapes: v [time, batch, *features] -> [batch, *features], differentiable.
    Raises: DTypeError, ShapeError.

    >>> import torch
    >>> max_potential(torch.tensor([[[3.0]], [[1.0]]])).tolist()
    [[3.0]]
    """
    _check(v, "v of max_potential")
    return v.amax(0)


def mean_potential(v: Tensor) -> Tensor:
    """The potential averaged over time.

    Equation: (1 / T) sum_t v[t].
    Shapes: v [time, batch, *features] -> [batch, *features], differentiable.
    Raises: DTypeError, ShapeError.

    >>> import torch
    >>> mean_potential(torch.tensor([[[3.0]], [[1.0]]])).tolist()
    [[2.0]]
    """
    _check(v, "v of mean_potential")
    return v.mean(0)


def _check(x: Tensor, what: str) -> None:
    if not isinstance(x, Tensor) or not x.is_floating_point():
        got = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise DTypeError(what, expected="a floating torch.Tensor", got=got)
    if x.ndim < 2 or x.shape[0] < 1:
        raise ShapeError(what, expected="[time, batch, *features] with time >= 1", got=f"shape {tuple(x.shape)}")
