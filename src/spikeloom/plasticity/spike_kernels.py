"""Inner products of spike trains: what rules that compare filtered trains are made of."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import DTypeError, ShapeError
from ..parameters import Declared, Param


class SpikeKernel(Declared):
    """Abstract: a filter k(s) of spikes, and its overlap with itself s ms later, k2(s) = int k(u) k(u + s) du."""

    def kernel(self, s: Tensor) -> Tensor:
        """k(s), s in ms."""
        raise NotImplementedError(f"{type(self).__name__} states no kernel(self, s)")

    def overlap(self, s: Tensor) -> Tensor:
        """k2(s) for s >= 0 ms."""
        raise NotImplementedError(f"{type(self).__name__} states no overlap(self, s)")


class AlphaKernel(SpikeKernel):
    """k(s) = e s/tau exp(-s/tau), which peaks at 1; k2(s) = e^2/4 (s + tau) exp(-s/tau). Source: Mohemmed 2012."""

    tau = Param(5.0, "ms", "time of the peak", low=0.0)

    def kernel(self, s: Tensor) -> Tensor:
        return torch.where(s >= 0, math.e * s / self.tau * torch.exp(-s / self.tau), 0.0)

    def overlap(self, s: Tensor) -> Tensor:
        return math.e**2 / 4 * (s + self.tau) * torch.exp(-s / self.tau)


class ExponentialKernel(SpikeKernel):
    """k(s) = exp(-s/tau); k2(s) = tau/2 exp(-s/tau). Source: van Rossum 2001."""

    tau = Param(10.0, "ms", "time constant", low=0.0)

    def kernel(self, s: Tensor) -> Tensor:
        return torch.where(s >= 0, torch.exp(-s / self.tau), 0.0)

    def overlap(self, s: Tensor) -> Tensor:
        return self.tau / 2 * torch.exp(-s / self.tau)


class GaussianKernel(SpikeKernel):
    """k(s) = exp(-s^2 / (2 sigma^2)); k2(s) = sigma sqrt(pi) exp(-s^2 / (4 sigma^2)). Source: Schreiber 2003."""

    sigma = Param(5.0, "ms", "width", low=0.0)

    def kernel(self, s: Tensor) -> Tensor:
        return torch.exp(-(s**2) / (2 * self.sigma**2))

    def overlap(self, s: Tensor) -> Tensor:
        return self.sigma * math.sqrt(math.pi) * torch.exp(-(s**2) / (4 * self.sigma**2))


def spread(x: Tensor, kernel: SpikeKernel, *, dt: float = 1.0) -> Tensor:
    """Each spike replaced by the overlap of its kernel with that of a spike at each other time, before and after.

    Shapes: [T, ...] to the same.
    """
    lags = torch.arange(len(x), dtype=torch.float64) * dt
    half = kernel.overlap(lags)
    both = torch.cat([half.flip(0)[:-1], half]).to(x.dtype)
    size = 3 * len(x)
    shape = (-1, *(1 for _ in x.shape[1:]))
    product = torch.fft.rfft(both, size).view(shape) * torch.fft.rfft(x, size, dim=0)
    whole: Tensor = torch.fft.irfft(product, size, dim=0)
    return whole[len(x) - 1 : 2 * len(x) - 1]


def inner_product(first: Tensor, second: Tensor, kernel: SpikeKernel, *, dt: float = 1.0) -> Tensor:
    """F = sum_m sum_n k2(|s_m - t_n|), the integral over all time of the product of two filtered spike trains, ms.

    Computed by convolution, T log T per train. With `ExponentialKernel`, sqrt((F(s, s) - 2 F(s, t) + F(t, t)) / tau) is
    the distance of van Rossum.

    Shapes: [T, B, n] and [T, B, m] to [B, n, m]. Units: ms. Raises: ShapeError, DTypeError.
    Source: Park, Seth, Paiva, Li and Principe 2013, IEEE Signal Process. Mag. 30:149.

    >>> import torch, spikeloom as sl
    >>> s, t = torch.zeros(2, 100, 1, 1)
    >>> s[20], t[30] = 1.0, 1.0
    >>> kernel = sl.plasticity.ExponentialKernel(tau=10.0)
    >>> sl.plasticity.inner_product(s, t, kernel)  # tau/2 exp(-1)
    tensor([[[1.8394]]])
    """
    _check_trains(first, second)
    return torch.einsum("tbn,tbm->bnm", first, spread(second, kernel, dt=dt))


def spike_correlation(first: Tensor, second: Tensor, kernel: SpikeKernel, *, dt: float = 1.0) -> Tensor:
    """C = F(s, t) / sqrt(F(s, s) F(t, t)) of each train with its partner: 1 for equal trains, also two empty ones.

    0 where one of the two is empty.

    Shapes: [T, B, n] twice, to [B, n]. Raises: ShapeError, DTypeError.
    Source: Schreiber, Fellous, Whitmer, Tiesinga and Sejnowski 2003, Neurocomputing 52:925, with `GaussianKernel`.

    >>> import torch, spikeloom as sl
    >>> s = torch.zeros(100, 1, 1)
    >>> s[20] = s[50] = 1.0
    >>> sl.plasticity.spike_correlation(s, s, sl.plasticity.GaussianKernel())
    tensor([[1.]])
    """
    _check_trains(first, second)
    if first.shape != second.shape:
        raise ShapeError("trains to correlate", expected=list(first.shape), got=list(second.shape))
    s, t = first.double(), second.double()
    of_second = spread(t, kernel, dt=dt)
    both, own = (s * of_second).sum(0), (s * spread(s, kernel, dt=dt)).sum(0)
    size = torch.sqrt(own * (t * of_second).sum(0))
    empty = ~first.any(0) & ~second.any(0)
    return torch.where(empty, 1.0, torch.where(size > 0, both / size.clamp(min=1e-300), 0.0)).to(first.dtype)


def _check_trains(first: Tensor, second: Tensor) -> None:
    for label, train in (("first", first), ("second", second)):
        if not isinstance(train, Tensor) or not train.is_floating_point():
            got = str(train.dtype) if isinstance(train, Tensor) else type(train).__name__
            raise DTypeError(f"{label} spike trains", expected="a floating-point tensor", got=got)
    if first.dim() != 3 or second.dim() != 3 or first.shape[:2] != second.shape[:2]:
        got = f"{list(first.shape)} and {list(second.shape)}"
        raise ShapeError("spike trains", expected="[T, B, n] and [T, B, m]", got=got)
