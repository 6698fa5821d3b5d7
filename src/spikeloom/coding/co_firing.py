"""Sigma and sigma-chi decoders: what rates say, and what co-firing rates say."""

from __future__ import annotations

import torch
from torch import Tensor

from spikeloom.coding._checks import check_values, wide
from spikeloom.coding._outputs import check_sequence
from spikeloom.coding.trace import exponential_trace
from spikeloom.errors import ShapeError


def sigma(spikes: Tensor, weights: Tensor, *, tau: float, dt: float = 1.0) -> Tensor:
    """A weighted sum of filtered spike trains: a linear decoder of firing rates.

    Equation: y[t] = sum_i w_i r_i[t], r_i the exponential trace of s_i.
    Shapes: spikes [time, batch, neurons], weights [neurons, outputs] -> [time, batch, outputs], differentiable.
    Units: tau and dt in milliseconds; y in spikes within tau.
    Raises: ParameterError (NaN, infinity, tau or dt not above 0), DTypeError, ShapeError.

    >>> sigma(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]]), torch.tensor([[1.0], [10.0]]), tau=1e-3).flatten().tolist()
    [1.0, 10.0]

    Source: Grgurich and Blair (2020), Hippocampus 30:396-421 (sigma decoding); an exponential kernel is our choice.
    """
    signal, w = _checked("sigma", spikes, weights, axes=1)
    return exponential_trace(signal @ w, tau=tau, dt=dt)


def co_firing_rates(spikes: Tensor, *, tau_gate: float, tau: float, dt: float = 1.0) -> Tensor:
    """How much each neuron fires shortly after each other.

    Equation: r_ij = ((s_j (s_i * k_gate)) * k), k_gate and k exponential kernels of tau_gate and tau: a spike of j
    counts as much as there is left of the trace of i. Spikes in the same step count in full, in both orders.
    Shapes: spikes [time, batch, neurons] -> [time, batch, i, j], differentiable.
    Units, Raises: as `sigma`.

    >>> spikes = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> co_firing_rates(spikes, tau_gate=10.0, tau=50.0)[1, 0].tolist()  # 0 before 1, and what is left of 0 itself
    [[0.980..., 0.904...], [0.0, 1.0]]

    Source: Grgurich and Blair (2020), Hippocampus 30:396-421 (co-firing rate); exponential kernels are our choice.
    """
    signal = wide(check_sequence("spikes of co_firing_rates", spikes, axes="neurons", rank=3))
    gate = exponential_trace(signal, tau=tau_gate, dt=dt)
    return exponential_trace(gate.unsqueeze(-1) * signal.unsqueeze(-2), tau=tau, dt=dt)


def sigma_chi(spikes: Tensor, weights: Tensor, *, tau_gate: float, tau: float, dt: float = 1.0) -> Tensor:
    """A weighted sum of coincidences: a linear decoder of co-firing rates.

    Equation: y[t] = sum_ij w_ij r_ij[t], r of `co_firing_rates`, which are not stored: the filter is applied to the
    sum. Antisymmetric weights such as `circular_order` take the order of spikes alone: reversed time reverses the sign.
    Shapes: spikes [time, batch, neurons], weights [neurons, neurons, outputs] -> [time, batch, outputs],
    differentiable.
    Units, Raises: as `sigma`.

    >>> spikes = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> after = torch.tensor([[0.0, 1.0], [-1.0, 0.0]]).unsqueeze(2)
    >>> sigma_chi(spikes, after, tau_gate=10.0, tau=50.0).flatten().tolist()
    [0.0, 0.904...]

    Source: Grgurich and Blair (2020), Hippocampus 30:396-421 (sigma-chi decoding); exponential kernels are our choice.
    """
    signal, w = _checked("sigma_chi", spikes, weights, axes=2)
    gate = exponential_trace(signal, tau=tau_gate, dt=dt)
    pairs = torch.einsum("...i,ijk,...j->...k", gate, w, signal)
    return exponential_trace(pairs, tau=tau, dt=dt)


def circular_order(angles: Tensor) -> Tensor:
    """Antisymmetric weights by which `sigma_chi` reads the velocity of what neurons with these preferred angles follow.

    Equation: w_ij = sin(theta_j - theta_i): positive where j is ahead of i.
    Shapes: angles [neurons] -> [neurons, neurons, 1]. Units: radians. Raises: ParameterError, DTypeError, ShapeError.

    >>> circular_order(torch.tensor([0.0, torch.pi / 2])).squeeze().tolist()
    [[0.0, 1.0], [-1.0, 0.0]]
    """
    check_values("angles of circular_order", angles)
    if angles.ndim != 1:
        raise ShapeError("angles of circular_order", expected="[neurons]", got=f"shape {tuple(angles.shape)}")
    return torch.sin(angles.unsqueeze(0) - angles.unsqueeze(1)).unsqueeze(2)


def _checked(what: str, spikes: Tensor, weights: Tensor, *, axes: int) -> tuple[Tensor, Tensor]:
    signal = wide(check_sequence(f"spikes of {what}", spikes, axes="neurons", rank=3))
    check_values(f"weights of {what}", weights)
    if signal.ndim != 3 or weights.shape[:-1] != (signal.shape[-1],) * axes:
        expected = f"[{', '.join([str(signal.shape[-1])] * axes)}, outputs]"
        raise ShapeError(f"weights of {what}", expected=expected, got=f"shape {tuple(weights.shape)}")
    return signal, weights.to(signal.dtype)
