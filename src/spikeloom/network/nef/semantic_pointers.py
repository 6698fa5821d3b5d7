"""Semantic pointers: vectors that are bound to each other by circular convolution, also in neurons."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import ParameterError, ShapeError
from .ensemble import Ensemble


def pointers(count: int, dimensions: int, *, unitary: bool = True, seed: int = 0) -> Tensor:
    """Random unit vectors [count, dimensions]; unitary ones, which binding neither stretches nor shrinks, by default.

    Raises: ParameterError. Source: Plate 1995, IEEE Transactions on Neural Networks 6:623.
    """
    if count < 1 or dimensions < 1:
        raise ParameterError("pointers", expected="at least one, of one dimension", got=(count, dimensions))
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(count, dimensions, generator=generator, dtype=torch.float64)
    if unitary:
        waves = torch.fft.rfft(drawn)
        drawn = torch.fft.irfft(waves / waves.abs(), n=dimensions)
    found: Tensor = drawn / drawn.norm(dim=-1, keepdim=True)
    return found


def bind(a: Tensor, b: Tensor) -> Tensor:
    """Circular convolution, c_k = sum_j a_j b_(k - j), indices modulo the dimension; [..., dimensions].

    Raises: ShapeError.

    >>> bind(torch.tensor([0.0, 1.0, 0.0]), torch.tensor([1.0, 2.0, 3.0]))
    tensor([3., 1., 2.])
    """
    if a.shape[-1:] != b.shape[-1:]:
        raise ShapeError("b of bind", expected=f"[..., {a.shape[-1]}]", got=list(b.shape))
    bound: Tensor = torch.fft.irfft(torch.fft.rfft(a) * torch.fft.rfft(b), n=a.shape[-1])
    return bound


def inverse(a: Tensor) -> Tensor:
    """a_0, a_(n-1), ..., a_1: binding with it undoes binding with a; exactly where a is unitary, else about."""
    return torch.roll(a.flip(-1), 1, -1)


def similarity(a: Tensor, b: Tensor) -> Tensor:
    """Cosine of the angle, [...]."""
    return torch.cosine_similarity(a, b, dim=-1)


class CircularConvolution:
    """Binding by spiking neurons: products of Fourier coefficients, each by an ensemble for two numbers.

    Real and imaginary part of coefficient k of the result are sums of four products, each of which is decoded from an
    ensemble that stands for both factors; the transforms before and after are linear, so that encoders and decoders
    take them. All products have copies of one `ensemble`.

    Shapes: pointers [batch, dimensions]. Raises: ParameterError, ShapeError.
    Source: Eliasmith 2013, "How to build a brain", section 4.2 and appendix B; Plate 1995.

    >>> import spikeloom as sl
    >>> pair = sl.network.nef.pointers(2, 16, seed=1)
    >>> convolution = sl.network.nef.CircularConvolution(16, neurons=100, seed=1)
    >>> bool(similarity(convolution.rates(pair[:1], pair[1:]), bind(pair[:1], pair[1:])) > 0.95)
    True
    """

    def __init__(
        self, dimensions: int, *, neurons: int = 200, radius: float = 1.5, dt: float = 0.5, seed: int = 0
    ) -> None:
        self.dimensions = dimensions
        self.ensemble = Ensemble(neurons, 2, radius=radius, dt=dt, seed=seed)
        self.product = self.ensemble.solve(lambda x: x[:, :1] * x[:, 1:])

    def rates(self, a: Tensor, b: Tensor) -> Tensor:
        """The bound pointers, decoded from the rate curves."""
        return self._added(self.ensemble.rates(self._factors(a, b)) @ self.product.T)

    def spikes(self, a: Tensor, b: Tensor, *, duration: float, settle: float = 50.0) -> Tensor:
        """The bound pointers, decoded from the spikes between `settle` and `duration`, ms."""
        steps, first = (round(time / self.ensemble.dt) for time in (duration, settle))
        if not 0 <= first < steps:
            raise ParameterError("settle", expected=f"at least 0 and below {duration:g} ms", got=settle)
        factors = self._factors(a, b)
        spikes = self.ensemble.spikes(factors.flatten(0, -2).expand(steps, -1, -1))
        rates = spikes[first:].double().mean(0) * 1e3 / self.ensemble.dt
        return self._added((rates @ self.product.T).view(*factors.shape[:-1], 1))

    def _factors(self, a: Tensor, b: Tensor) -> Tensor:
        """Pairs of numbers to multiply, [batch, coefficients, 2 parts, 2 parts, 2 factors]."""
        for name, given in (("a", a), ("b", b)):
            if given.dim() != 2 or given.shape[1] != self.dimensions:
                expected = f"[batch, {self.dimensions}]"
                raise ShapeError(f"{name} of CircularConvolution", expected=expected, got=list(given.shape))
        left, right = (torch.view_as_real(torch.fft.rfft(x.double())) for x in (a, b))
        shape = (*left.shape, 2)
        return torch.stack([left.unsqueeze(-1).expand(shape), right.unsqueeze(-2).expand(shape)], -1)

    def _added(self, products: Tensor) -> Tensor:
        """(p + iq)(r + is) = pr - qs + i (ps + qr), and back from Fourier coefficients."""
        parts = products.squeeze(-1)
        real, imaginary = parts[..., 0, 0] - parts[..., 1, 1], parts[..., 0, 1] + parts[..., 1, 0]
        bound: Tensor = torch.fft.irfft(torch.complex(real, imaginary), n=self.dimensions)
        return bound
