"""Kinetics of the gates that the physiological neurons share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Opening and closing rate of a gate, per ms, at a potential.
Rates = Callable[[Tensor], tuple[Tensor, Tensor]]


def linoid(x: Tensor) -> Tensor:
    """x / (e^x - 1), with its limit 1 at x = 0; value and slope to rounding error everywhere.

    Near zero, where the quotient's derivative cancels, the series of Bernoulli numbers: what it leaves out is below
    x^10 / 4.7e7. The exponent is bounded, where the quotient is below e^-76, lest its derivative be inf / inf.
    """
    small = torch.abs(x) < 0.1
    safe = torch.where(small, 1.0, x)
    y = x * x
    series = 1 - x / 2 + y / 12 * (1 - y / 60 * (1 - y / 42 * (1 - y / 40)))
    return torch.where(small, series, safe / torch.expm1(torch.clamp(safe, max=80.0)))


def gating(x: Tensor, rates: tuple[Tensor, Tensor]) -> Tensor:
    """dx/dt of a gate that opens with rate alpha and closes with rate beta: alpha (1 - x) - beta x."""
    alpha, beta = rates
    return alpha * (1 - x) - beta * x


def steady(rates: tuple[Tensor, Tensor]) -> Tensor:
    """Where a gate settles: alpha / (alpha + beta)."""
    alpha, beta = rates
    return alpha / (alpha + beta)


def settled(rates: Rates, v: float) -> float:
    """The number at which a gate settles at potential v."""
    return float(steady(rates(torch.tensor(v, dtype=torch.float64))))
