"""Dynamics: what a recurrent ensemble has to send itself to follow a differential equation."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import ParameterError, ShapeError


def feedback(a: Tensor, b: Tensor, *, tau_syn: float) -> tuple[Tensor, Tensor]:
    """Transforms of feedback and input with which an ensemble follows dx/dt = A x + B u through its synapses.

    Equation: A' = tau_syn A + I, B' = tau_syn B; the synapse, h(t) = exp(-t / tau_syn) / tau_syn, stands in for the
    integral. A = 0, B = 1 / T is an integrator with time constant T.
    Shapes: a [dimensions, dimensions], b [dimensions, inputs] -> the same. Units: A and B in 1/ms, tau_syn in ms.
    Raises: ShapeError, ParameterError.
    Source: Eliasmith and Anderson 2003, "Neural engineering", eqs 8.5 and 8.6.

    >>> own, given = feedback(torch.zeros(1, 1), torch.full((1, 1), 1e-3), tau_syn=100.0)  # dx/dt = u, in seconds
    >>> own, given
    (tensor([[1.]], dtype=torch.float64), tensor([[0.1000]], dtype=torch.float64))
    """
    if a.dim() != 2 or a.shape[0] != a.shape[1] or b.dim() != 2 or len(b) != len(a):
        got = f"{list(a.shape)} and {list(b.shape)}"
        raise ShapeError("a and b of feedback", expected="[dimensions, dimensions] and [dimensions, inputs]", got=got)
    if not tau_syn > 0:
        raise ParameterError("tau_syn of feedback", expected="a time > 0 (ms)", got=tau_syn)
    return tau_syn * a.double() + torch.eye(len(a), dtype=torch.float64), tau_syn * b.double()
