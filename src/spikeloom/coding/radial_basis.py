"""Radial-basis code: a point as the responses of neurons that prefer other points."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_positive, check_values, wide
from spikeloom.coding.encoder import Encoder
from spikeloom.coding.latency import LinearLatency
from spikeloom.coding.wrapper import Wrapper
from spikeloom.errors import ShapeError


def radial_basis(x: Tensor, centres: Tensor, *, sigma: float) -> Tensor:
    """The responses of neurons that each prefer a point of the space of features.

    Equation: r_j = exp(-|x - c_j|^2 / 2 sigma^2).
    Shapes: x [batch, *more, d], finite; centres [neurons, d] -> [batch, *more, neurons], in [0, 1], differentiable.
    Raises: ParameterError (NaN, sigma not above 0), DTypeError, ShapeError (other numbers of coordinates).

    >>> import torch
    >>> radial_basis(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 0.0], [3.0, 4.0]]), sigma=2.5).tolist()
    [[1.0, 0.1353352814912796]]

    Reference: Broomhead and Lowe (1988), Multivariable functional interpolation and adaptive networks, Complex Systems
    2:321-355.
    """
    check_values("x of radial_basis", x)
    check_values("centres of radial_basis", centres, rank=2)
    sigma = check_positive("sigma of radial_basis", sigma)
    if x.ndim < 2 or centres.ndim != 2 or x.shape[-1] != centres.shape[1]:
        expected = "[batch, ..., d] and [neurons, d]"
        got = f"{tuple(x.shape)} and {tuple(centres.shape)}"
        raise ShapeError("x and centres of radial_basis", expected=expected, got=got)
    value = wide(x)
    distance = (value.unsqueeze(-2) - centres.to(value)).square().sum(-1)
    return torch.exp(-distance / (2.0 * sigma**2)).to(x.dtype)


class RadialBasis(Wrapper):
    """Points as responses of neurons that prefer other points, which an inner encoder tells; see `radial_basis`.

    >>> RadialBasis(LinearLatency(10), centres=torch.rand(20, 2), sigma=0.3)(torch.rand(4, 2)).shape
    torch.Size([10, 4, 20])
    """

    centres: Tensor

    def __init__(self, inner: Encoder, *, centres: Tensor, sigma: float) -> None:
        super().__init__(inner)
        self.register_buffer("centres", check_values("centres of RadialBasis", centres, rank=2))
        self.sigma = check_positive("sigma of RadialBasis", sigma)
        self.features = (centres.shape[1],)

    @classmethod
    def example(cls) -> Self:
        """A grid of 5 x 5 neurons on the unit square, latency in 10 steps."""
        axis = torch.linspace(0.0, 1.0, 5)
        return cls(LinearLatency(10), centres=torch.cartesian_prod(axis, axis), sigma=0.25)

    def transform(self, x: Tensor) -> Tensor:
        """The responses."""
        return radial_basis(x, self.centres, sigma=self.sigma)
