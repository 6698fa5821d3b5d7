"""Rates of networks of integrate-and-fire neurons under many small inputs."""

from __future__ import annotations

from collections.abc import Callable

from scipy import optimize


def self_consistent(response: Callable[[float], float], highest: float) -> float:
    """The rate at which a network's neurons, all firing at it, fire at just that rate: response(rate) = rate."""
    return float(optimize.brentq(lambda rate: response(rate) - rate, 0.0, highest, xtol=1e-9))
