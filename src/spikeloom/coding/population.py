"""Population code: a value as the responses of neurons that prefer different values."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from spikeloom.coding._checks import check_count, check_positive, check_values, wide
from spikeloom.coding.encoder import DecodableEncoder, Encoder
from spikeloom.coding.latency import LinearLatency
from spikeloom.coding.wrapper import Wrapper
from spikeloom.errors import ParameterError


def gaussian_tuning(x: Tensor, neurons: int, *, overlap: float = 1.5) -> Tensor:
    """The responses of neurons with Gaussian tuning curves, evenly spread over [0, 1].

    Equation: r_i = exp(-(x - c_i)^2 / 2 sigma^2) with centres c_i = (2 i - 3) / 2 / (m - 2) for i = 1 to m, the first
    and the last half a distance outside, and sigma = 1 / (overlap (m - 2)).
    Shapes: x [batch, *features], in [0, 1] -> [batch, *features, neurons], in (0, 1], differentiable.
    Raises: ParameterError (x outside [0, 1], NaN, neurons < 3, overlap not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> [round(r, 3) for r in gaussian_tuning(torch.tensor([[0.5]]), 5).flatten().tolist()]  # c = -1/6, 1/6, 1/2, ...
    [0.011, 0.325, 1.0, 0.325, 0.011]

    Reference: Bohte, La Poutre and Kok (2002), Unsupervised clustering with spiking neurons by sparse temporal coding
    and multilayer RBF networks, IEEE Trans. Neural Netw. 13:426-435 (centres and widths).
    """
    check_values("x of gaussian_tuning", x, low=0.0, high=1.0)
    value = wide(x)
    centres, sigma = _tuning("gaussian_tuning", value, neurons, overlap)
    return torch.exp(-((value.unsqueeze(-1) - centres) ** 2) / (2.0 * sigma**2)).to(x.dtype)


def gaussian_tuning_decode(responses: Tensor, *, overlap: float = 1.5) -> Tensor:
    """The value that responses stand for: a fit of the tuning curve to the largest response and its two neighbours.

    Equation: log r_i = x c_i / sigma^2 - c_i^2 / 2 sigma^2 + const, a straight line in c_i whose slope gives x, with
    weights r_i^2; clipped to [0, 1]. Exact for exact responses. Those further away are small, and their logarithms are
    mostly rounding. Without two responses above 0 it is the preferred value of the largest.
    Shapes: responses [batch, *features, neurons], at least 0 -> [batch, *features].
    Raises: ParameterError (negative responses, NaN, fewer than 3 neurons, overlap not above 0), DTypeError, ShapeError.

    >>> import torch
    >>> round(gaussian_tuning_decode(gaussian_tuning(torch.tensor([[0.3]]), 6)).item(), 5)
    0.3

    Source: ours (a weighted least-squares fit of the tuning curve).
    """
    check_values("responses of gaussian_tuning_decode", responses, low=0.0, rank=2)
    r = wide(responses)
    centres, sigma = _tuning("gaussian_tuning_decode", r, r.shape[-1], overlap)
    best = r.argmax(-1, keepdim=True)
    place = torch.arange(r.shape[-1], device=r.device)
    weight = r**2 * ((place - best).abs() <= 1)
    total = weight.sum(-1, keepdim=True)
    # What a linear function of c is fitted to; a silent neuron has no weight, so its logarithm may be anything.
    height = r.clamp(min=torch.finfo(r.dtype).tiny).log() * sigma**2 + centres**2 / 2.0
    mean = (weight * centres).sum(-1, keepdim=True) / total
    spread = (weight * (centres - mean) ** 2).sum(-1)
    slope = (weight * (centres - mean) * height).sum(-1) / spread
    single = (weight > 0).sum(-1) < 2
    return torch.where(single, centres[best.squeeze(-1)], slope).clamp(0.0, 1.0)


class GaussianPopulation(Wrapper, DecodableEncoder):
    """Values in [0, 1] as responses of a population, which an inner encoder tells; see `gaussian_tuning`.

    With a latency code, neurons that prefer the value fire early, those far from it late, and those whose response is
    below `least` not at all.

    >>> GaussianPopulation(LinearLatency(10), neurons=8)(torch.rand(4, 3)).shape
    torch.Size([10, 4, 3, 8])
    """

    low = 0.0
    high = 1.0

    def __init__(self, inner: Encoder, *, neurons: int, overlap: float = 1.5, least: float = 0.1) -> None:
        super().__init__(inner)
        if not 0.0 <= least < 1.0:
            raise ParameterError("least of GaussianPopulation", expected="a response in [0, 1)", got=repr(least))
        self.least = float(least)
        self.neurons = check_count("neurons of GaussianPopulation", neurons, low=3)
        self.overlap = check_positive("overlap of GaussianPopulation", overlap)

    @classmethod
    def example(cls) -> Self:
        """Eight neurons, latency in 10 steps, the last of them unused, as Bohte et al. (2002)."""
        return cls(LinearLatency(10), neurons=8)

    def transform(self, x: Tensor) -> Tensor:
        """The responses, 0 for the weakest."""
        responses = gaussian_tuning(x, self.neurons, overlap=self.overlap)
        return responses * (responses >= self.least)

    def decode(self, spikes: Tensor, initial: Tensor | None = None) -> Tensor:
        """See `gaussian_tuning_decode`, of the responses that the inner encoder decodes."""
        return gaussian_tuning_decode(self.inner_decode(spikes), overlap=self.overlap)


def _tuning(what: str, like: Tensor, neurons: int, overlap: float) -> tuple[Tensor, float]:
    """Centres and width of the tuning curves."""
    gaps = check_count(f"neurons of {what}", neurons, low=3) - 2
    centres = (torch.arange(neurons, device=like.device, dtype=like.dtype) - 0.5) / gaps
    return centres, 1.0 / (check_positive(f"overlap of {what}", overlap) * gaps)
