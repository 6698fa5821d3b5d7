"""Rates of integrate-and-fire neurons under many small inputs, and of networks of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from scipy import integrate, optimize, special


def siegert(mu: float, sigma: float, *, tau_mem: float, t_ref: float, v_th: float, v_reset: float) -> float:
    """Rate of a leaky integrate-and-fire neuron driven by white noise, in spikes/s.

    1 / rate = t_ref + tau_mem sqrt(pi) int_a^b exp(u^2) (1 + erf(u)) du, a = (v_reset - mu) / sigma,
    b = (v_th - mu) / sigma, for tau_mem dv/dt = -v + mu + sigma sqrt(tau_mem) xi(t).

    Units: mV, ms. Source: Siegert 1951, Phys. Rev. 81:617; in this form, Brunel 2000, eq. 21.

    >>> round(siegert(25.0, 1e-3, tau_mem=20.0, t_ref=2.0, v_th=20.0, v_reset=10.0), 2)
    41.71
    """
    low, high = (v_reset - mu) / sigma, (v_th - mu) / sigma
    if high > 26.0:
        # exp(u^2) overflows: such a neuron does not spike in the age of the universe.
        return 0.0
    # exp(u^2) (1 + erf(u)) = erfcx(-u). Split where it turns from 1/u to exp(u^2).
    pieces = [low, *(edge for edge in (-5.0, 0.0) if low < edge < high), high]
    area = sum(integrate.quad(lambda u: special.erfcx(-u), a, b, limit=200)[0] for a, b in itertools.pairwise(pieces))
    return float(1e3 / (t_ref + tau_mem * math.sqrt(math.pi) * area))


def self_consistent(response: Callable[[float], float], highest: float) -> float:
    """The rate at which a network's neurons, all firing at it, fire at just that rate: response(rate) = rate."""
    return float(optimize.brentq(lambda rate: response(rate) - rate, 0.0, highest, xtol=1e-9))
