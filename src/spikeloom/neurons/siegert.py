"""The Siegert curve: rates of leaky integrate-and-fire neurons under Poisson input, with gradients."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..errors import ParameterError

# Beyond it exp(u^2) > 1e62: such a neuron never spikes.
_HIGHEST = 12.0
# Least width of the noise in units of the distances to threshold and reset: without noise the formula has no limit
# that could be computed.
_NARROWEST = 1e-5
_CELLS, _LONGEST = 4096, 16.0


def siegert(
    mu: Tensor, sigma: Tensor, *, tau_mem: float, t_ref: float = 0.0, v_th: float = 1.0, v_reset: float = 0.0
) -> Tensor:
    """Rate of a leaky integrate-and-fire neuron driven by white noise, in spikes/s, differentiable in both inputs.

    1 / rate = t_ref + tau_mem sqrt(pi) int_a^b exp(u^2) (1 + erf(u)) du, a = (v_reset - mu) / sigma,
    b = (v_th - mu) / sigma, for tau_mem dv/dt = -v + mu + sigma sqrt(tau_mem) xi(t).

    The integral is looked up in a table, its error below 1e-9; gradients are those of the formula. Sigma is raised to
    1e-5 of the larger distance from mu to threshold and reset.
    Shapes: mu and sigma of any, broadcast. Units: ms; mu and sigma that of v_th. Raises: ParameterError.
    Source: Siegert 1951, Phys. Rev. 81:617; in this form, Brunel 2000, J. Comput. Neurosci. 8, eq. 21.

    >>> import torch
    >>> siegert(torch.tensor(1.25), torch.tensor(1e-4), tau_mem=20.0, t_ref=2.0, v_reset=0.5)
    tensor(41.7149)
    """
    for name, value in (("tau_mem", tau_mem), ("v_th - v_reset", v_th - v_reset)):
        if not 0.0 < value < math.inf:
            raise ParameterError(f"{name} of siegert", expected="a finite number > 0", got=value)
    if not 0.0 <= t_ref < math.inf:
        raise ParameterError("t_ref of siegert", expected="a finite time >= 0 (ms)", got=t_ref)
    m, s = mu.double(), sigma.double()
    low, high = v_reset - m, v_th - m
    widest = torch.maximum(low.detach().abs(), high.detach().abs())
    s = torch.maximum(s, _NARROWEST * widest)
    # The area is positive wherever both ends are cut off, too.
    b, a = (high / s).clamp(max=_HIGHEST), (low / s).clamp(max=_HIGHEST - 1e-3)
    area = _Area.apply(b) - _Area.apply(a)  # type: ignore[no-untyped-call]
    rate: Tensor = 1e3 / (t_ref + tau_mem * math.sqrt(math.pi) * area)
    return rate.to(torch.promote_types(mu.dtype, sigma.dtype))


class _Area(torch.autograd.Function):
    """int_0^x exp(u^2) (1 + erf(u)) du = 2 exp(x^2) D(x) - E(x) for x > 0, D Dawson's function, and -E(-x) below.

    E(x) = int_0^x erfcx(u) du.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        positive = x.clamp(min=0.0)
        return 2.0 * torch.exp(positive**2) * _looked_up("D", positive) - _looked_up("E", x.abs())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient * torch.special.erfcx(-x)  # type: ignore[no-any-return]


def _looked_up(name: str, x: Tensor) -> Tensor:
    """A function at x >= 0, by cubic pieces over log(1 + x)."""
    place = torch.log1p(x) * (_CELLS / _LONGEST)
    cell = place.long().clamp(max=_CELLS - 1)
    pieces = _tables()[name].to(x.device)[cell]
    t = place - cell
    return ((pieces[..., 3] * t + pieces[..., 2]) * t + pieces[..., 1]) * t + pieces[..., 0]


@cache
def _tables() -> dict[str, Tensor]:
    """Coefficients of the pieces of D and E, [cells, 4], from values and slopes at their ends."""
    # It takes long to import.
    from scipy import special

    s = np.linspace(0.0, _LONGEST, _CELLS + 1)
    x, width = np.expm1(s), _LONGEST / _CELLS
    nodes, shares = np.polynomial.legendre.leggauss(6)
    inside = s[:-1, None] + width * (nodes + 1) / 2
    parts = (special.erfcx(np.expm1(inside)) * np.exp(inside)) @ shares * (width / 2)
    d = special.dawsn(x)
    found = {
        "E": (np.concatenate([[0.0], np.cumsum(parts)]), special.erfcx(x) * (1 + x) * width),
        "D": (d, (1 - 2 * x * d) * (1 + x) * width),
    }
    return {name: torch.from_numpy(_pieces(y, slope)) for name, (y, slope) in found.items()}


def _pieces(y: np.ndarray[Any, Any], slope: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    rise = y[1:] - y[:-1]
    return np.stack(
        [y[:-1], slope[:-1], 3 * rise - 2 * slope[:-1] - slope[1:], slope[:-1] + slope[1:] - 2 * rise], axis=-1
    )
