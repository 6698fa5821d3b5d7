"""Populations as outputs: several neurons for a class, and neurons that prefer values, directions or vectors."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_steps, check_values, wide
from spikeloom.coding._outputs import check_sequence
from spikeloom.coding.decoders import first_spike_time
from spikeloom.errors import ShapeError


class Direction(NamedTuple):
    """A mean angle in radians, in (-pi, pi], and its strength: 1 where all agree, 0 where nothing is known."""

    angle: Tensor
    strength: Tensor


def pool_populations(spikes: Tensor, *, classes: int) -> Tensor:
    """The spikes of K neurons for each class, summed within the class.

    Equation: y_c[t] = sum_{k < K} s_{c K + k}[t]; the neurons of a class are adjacent, K = features / classes. With
    independent neurons the variance of the mean count falls as 1 / K.
    Shapes: spikes [time, batch, classes K] -> [time, batch, classes], differentiable; half precision comes out as
    float32.
    Raises: ParameterError (NaN, classes < 1), DTypeError, ShapeError (features that classes do not divide).

    >>> pool_populations(torch.tensor([[[1.0, 1.0, 0.0, 1.0]]]), classes=2).tolist()
    [[[2.0, 1.0]]]
    """
    signal = wide(check_sequence("spikes of pool_populations", spikes, axes="neurons", rank=3))
    classes = check_steps("classes of pool_populations", classes)
    if signal.ndim != 3 or signal.shape[2] % classes or not signal.shape[2]:
        expected = f"[time, batch, neurons], as many neurons for each of {classes} classes"
        raise ShapeError("spikes of pool_populations", expected=expected, got=f"shape {tuple(signal.shape)}")
    return signal.reshape(*signal.shape[:2], classes, signal.shape[2] // classes).sum(3)


def population_vector(rates: Tensor, preferred: Tensor) -> Tensor:
    """The sum of the neurons' preferred vectors, each weighted with the neuron's rate.

    Equation: P = sum_i r_i p_i. For rates b + k p_i . x of N unit vectors spread evenly over D dimensions it is
    (N k / D) x. It grows in proportion to the rates.
    Shapes: rates [batch, neurons] or [..., neurons], preferred [neurons, dimensions] -> [..., dimensions],
    differentiable; half precision comes out as float32.
    Raises: ParameterError (NaN, infinity), DTypeError, ShapeError.

    >>> population_vector(torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])).tolist()
    [[3.0, 1.0]]

    Source: Georgopoulos, Schwartz and Kettner (1986), Science 233:1416-1419.
    """
    values, vectors = _rates("population_vector", rates, preferred, rank=2)
    return values @ vectors


def population_direction(rates: Tensor, angles: Tensor) -> Direction:
    """The population vector on a circle: the mean of preferred angles, weighted with rates.

    Equation: z = sum_i r_i exp(j theta_i) / sum_i r_i; the angle of z and its length. The angle does not change when
    all rates are multiplied; adding the same to all changes the strength alone where angles are spread evenly.
    Shapes: rates [..., neurons], at least 0, angles [neurons] -> two of [...]; differentiable where the strength is
    not 0. Units: radians.
    Raises: ParameterError (NaN, infinity, negative rates), DTypeError, ShapeError.

    >>> population_direction(torch.tensor([[1.0, 1.0]]), torch.tensor([0.0, torch.pi / 2])).angle.tolist()
    [0.785...]

    Source: Georgopoulos et al. (1986), Science 233:1416-1419; the strength as Mardia and Jupp (2000), Directional
    Statistics, chapter 2 (mean resultant length).
    """
    values, theta = _rates("population_direction", rates, angles, rank=1, low=0.0)
    return _direction(values, theta)


def spike_phase(spikes: Tensor, *, frequency: float, dt: float = 1.0) -> Direction:
    """The phase of an oscillation at which a neuron fires.

    Equation: z = sum_t s[t] exp(2 pi j f t dt) / sum_t s[t], t counted from 0; the angle of z and its length, the
    vector strength, 1 where every spike comes at one phase.
    Shapes: spikes [time, batch, *features], at least 0 -> two of [batch, *features]; differentiable where the strength
    is not 0. Units: frequency in Hz, dt in milliseconds, the angle in radians.
    Raises: ParameterError (NaN, negative values, frequency or dt not above 0), DTypeError, ShapeError.

    >>> spikes = (torch.arange(100) % 20 == 5).float().view(100, 1)  # a quarter of a cycle of 50 Hz
    >>> spike_phase(spikes, frequency=50.0).angle.tolist()
    [1.570...]

    Source: Goldberg and Brown (1969), J. Neurophysiol. 32:613-636 (vector strength).
    """
    signal = wide(check_sequence("spikes of spike_phase", spikes, low=0.0))
    cycles = (
        check_positive("frequency of spike_phase, in Hz", frequency) * check_positive("dt of spike_phase", dt) / 1e3
    )
    # Whole cycles are taken away in float64: in float32 a long time leaves no digits for the phase.
    time = torch.arange(len(signal), dtype=torch.float64, device=signal.device)
    return _direction(signal.movedim(0, -1), (2.0 * torch.pi * (cycles * time).frac()).to(signal.dtype))


def population_mean(rates: Tensor, preferred: Tensor) -> Tensor:
    """The centre of mass of preferred values, weighted with rates; NaN where no neuron fires.

    Equation: x = sum_i r_i x_i / sum_i r_i. It does not change when all rates are multiplied; it moves with the
    preferred values. For equal Gaussian tuning on an even grid it is the value itself, up to the spacing of the grid
    and its ends.
    Shapes: rates [..., neurons], at least 0, preferred [neurons] -> [...], differentiable.
    Raises: ParameterError (NaN, infinity, negative rates), DTypeError, ShapeError.

    >>> population_mean(torch.tensor([[1.0, 3.0]]), torch.tensor([0.0, 1.0])).tolist()
    [0.75]
    """
    values, centres = _rates("population_mean", rates, preferred, rank=1, low=0.0)
    return values @ centres / values.sum(-1)


def latency_mean(spikes: Tensor, preferred: Tensor, *, tau: float, dt: float = 1.0) -> Tensor:
    """The centre of mass of preferred values, weighted by how early each neuron fires; NaN where none fires.

    Equation: x = sum_i w_i x_i / sum_i w_i, w_i = exp(-t_i dt / tau), t_i the step of the first spike, w_i = 0 for a
    silent neuron. It does not change when all spikes come later by the same time. The weighting is ours.
    Shapes: spikes [time, batch, neurons], 0/1, preferred [neurons] -> [batch], differentiable as `first_spike_time`.
    Units: tau and dt in milliseconds.
    Raises: ParameterError (NaN, values other than 0 and 1, tau or dt not above 0), DTypeError, ShapeError.

    >>> spikes = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]])
    >>> latency_mean(spikes, torch.tensor([0.0, 1.0, 2.0]), tau=2.0).tolist()  # e^-1 / (1 + e^-1)
    [0.268...]
    """
    time = first_spike_time(check_sequence("spikes of latency_mean", spikes, axes="neurons", rank=3))
    scale = check_positive("dt of latency_mean, in ms", dt) / check_positive("tau of latency_mean, in ms", tau)
    # From the earliest of the sample, which cancels: late spikes of all neurons must not underflow to 0 / 0.
    since = time - time.detach().amin(-1, keepdim=True)
    weights = torch.where(time < len(spikes), torch.exp(-scale * since), 0.0)
    return population_mean(weights, preferred)


def _direction(weights: Tensor, angles: Tensor) -> Direction:
    x, y, total = (weights @ angles.cos(), weights @ angles.sin(), weights.sum(-1))
    return Direction(torch.atan2(y, x), torch.where(total > 0, torch.hypot(x, y) / total, 0.0))


def _rates(what: str, rates: Tensor, preferred: Tensor, *, rank: int, low: float = -torch.inf) -> tuple[Tensor, Tensor]:
    values = wide(check_values(f"rates of {what}", rates, low=low))
    check_values(f"preferred of {what}", preferred)
    if preferred.ndim != rank or preferred.shape[0] != values.shape[-1] or not preferred.shape[0]:
        expected = f"[{values.shape[-1]}{', dimensions' if rank == 2 else ''}], one for each neuron"
        raise ShapeError(f"preferred of {what}", expected=expected, got=f"shape {tuple(preferred.shape)}")
    return values, preferred.to(values.dtype)
