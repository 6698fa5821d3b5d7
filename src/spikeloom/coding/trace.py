"""Traces: spike trains filtered by causal kernels."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from spikeloom.coding._checks import check_positive, check_values, wide
from spikeloom.coding._outputs import check_sequence
from spikeloom.errors import ParameterError, ShapeError
from spikeloom.neurons import LeakyIntegrator


def exponential_trace(x: Tensor, *, tau: float, dt: float = 1.0, initial: Tensor | None = None) -> Tensor:
    """A trace that each spike raises by 1 and that falls to 1/e within tau.

    Equation: e[t] = exp(-dt / tau) e[t - 1] + x[t], the convolution with exp(-n dt / tau), n >= 0: exact for any dt.
    `initial` is the trace before the first step, 0 if not given; the last step of one piece of a stream is the
    `initial` of the next.
    Shapes: x [time, batch, *features], initial [batch, *features] -> [time, batch, *features], differentiable; half
    precision comes out as float32.
    Units: tau and dt in milliseconds.
    Raises: ParameterError (NaN, infinity, tau or dt not above 0), DTypeError, ShapeError.

    >>> spikes = torch.tensor([1.0, 0.0, 1.0]).view(3, 1)
    >>> exponential_trace(spikes, tau=1 / math.log(2)).flatten().tolist()
    [1.0, 0.5, 1.25]

    Source: Dayan and Abbott (2001), Theoretical Neuroscience, section 1.2 (causal kernels for rates).
    """
    signal = wide(check_sequence("x of exponential_trace", x))
    tau, dt = check_positive("tau of exponential_trace, in ms", tau), check_positive("dt of exponential_trace", dt)
    # The leaky integrator gives 1 - exp(-dt / tau) for a spike of 1.
    y: Tensor = LeakyIntegrator(tau_mem=tau, r=1.0 / -math.expm1(-dt / tau), dt=dt)(signal)
    if initial is None:
        return y
    check_values("initial of exponential_trace", initial)
    if initial.shape != x.shape[1:]:
        got = f"shape {tuple(initial.shape)}"
        raise ShapeError("initial of exponential_trace", expected=f"{tuple(x.shape[1:])}", got=got)
    elapsed = torch.arange(1, len(y) + 1, dtype=y.dtype, device=y.device).view(-1, *[1] * (y.ndim - 1))
    return y + torch.exp(-dt / tau * elapsed) * initial


def alpha_trace(x: Tensor, *, tau: float, dt: float = 1.0) -> Tensor:
    """A trace to which each spike adds an alpha function with a peak of 1, tau after it.

    Equation: the convolution with k(s) = (s / tau) exp(1 - s / tau) at s = n dt, n >= 0, in the recursive form: with
    a = exp(-dt / tau), n a^n is the convolution of a^n with itself, one step later and times a.
    Shapes, Units, Raises: as `exponential_trace`.

    >>> impulse = torch.tensor([1.0, 0.0, 0.0, 0.0]).view(4, 1)
    >>> alpha_trace(impulse, tau=2.0).flatten()  # e^(1/2) / 2, then the peak, then 3 e^(-1/2) / 2
    tensor([0.0000, 0.8244, 1.0000, 0.9098])

    Source: Dayan and Abbott (2001), Theoretical Neuroscience, section 1.2 (the alpha function), scaled to peak 1.
    """
    once = exponential_trace(x, tau=tau, dt=dt)
    late = torch.cat((torch.zeros_like(once[:1]), once[:-1]))
    return dt / tau * math.exp(1.0 - dt / tau) * exponential_trace(late, tau=tau, dt=dt)


def double_exponential_trace(x: Tensor, *, tau_rise: float, tau_decay: float, dt: float = 1.0) -> Tensor:
    """A trace to which each spike adds a difference of exponentials with a peak of 1.

    Equation: the convolution with k(s) = (exp(-s / tau_decay) - exp(-s / tau_rise)) / k_max at s = n dt, n >= 0;
    the peak k_max of the difference is at s = tau_rise tau_decay / (tau_decay - tau_rise) ln(tau_decay / tau_rise).
    Shapes, Units: as `exponential_trace`. Raises: as there, ParameterError for tau_rise not below tau_decay; for equal
    ones take `alpha_trace`.

    >>> impulse = torch.tensor([1.0, 0.0, 0.0]).view(3, 1)
    >>> double_exponential_trace(impulse, tau_rise=1.0, tau_decay=2.0, dt=2 * math.log(2)).flatten().tolist()
    [0.0, 1.0, 0.75]

    Source: Gerstner et al. (2014), Neuronal Dynamics, section 3.1 (rise and decay of synaptic currents).
    """
    rise = check_positive("tau_rise of double_exponential_trace, in ms", tau_rise)
    decay = check_positive("tau_decay of double_exponential_trace, in ms", tau_decay)
    if not rise < decay:
        got, do = f"{rise:g} and {decay:g}", "swap them, or take alpha_trace where they are equal"
        raise ParameterError("double_exponential_trace", expected="tau_rise < tau_decay", got=got, do=do)
    peak = rise * decay / (decay - rise) * math.log(decay / rise)
    scale = 1.0 / (math.exp(-peak / decay) - math.exp(-peak / rise))
    return scale * (exponential_trace(x, tau=decay, dt=dt) - exponential_trace(x, tau=rise, dt=dt))


def kernel_trace(x: Tensor, kernel: Tensor) -> Tensor:
    """A trace to which each spike adds a kernel of any shape.

    Equation: y[t] = sum_{n >= 0} k[n] x[t - n]; causal: k[0] acts in the step of the spike. Costs time times length of
    the kernel; the other traces do not.
    Shapes: x [time, batch, *features], kernel [length] -> [time, batch, *features], differentiable in both; half
    precision comes out as float32.
    Raises: ParameterError (NaN, infinity), DTypeError, ShapeError.

    >>> spikes = torch.tensor([1.0, 0.0, 1.0, 0.0]).view(4, 1)
    >>> kernel_trace(spikes, torch.tensor([0.0, 2.0, 1.0])).flatten().tolist()
    [0.0, 2.0, 1.0, 2.0]
    """
    signal = wide(check_sequence("x of kernel_trace", x))
    check_values("kernel of kernel_trace", kernel)
    if kernel.ndim != 1 or not len(kernel):
        raise ShapeError("kernel of kernel_trace", expected="[length]", got=f"shape {tuple(kernel.shape)}")
    rows = functional.pad(signal.flatten(1).T.unsqueeze(1), (len(kernel) - 1, 0))
    y = functional.conv1d(rows, kernel.flip(0).view(1, 1, -1).to(rows.dtype))
    return y.squeeze(1).T.view_as(signal)
