"""Connections that exist with a probability: trained as probabilities, run as samples of them."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from ..errors import ParameterError, ShapeError


class SampledLinear(nn.Module):
    """Probability that a neuron spikes whose inputs spike, and whose connections exist, with probabilities.

    P = 1/2 (1 + erf(mu / sqrt(2 sigma^2))), mu = sum_i s_i x_i p_i + b and sigma^2 = sum_i x_i p_i (1 - x_i p_i):
    the sum of many independent connections as a Gaussian variable, compared with 0. b is a whole number and a half, so
    that it is compared midway between two of the whole numbers that sums are. x are probabilities of spikes, p of
    connections, learnt between 0 and 1, and s = 1 or -1 are drawn once from `seed` and stay. `sample` draws the
    connections; `sample_connections` does for a whole network.

    Shapes: [..., in_features] to [..., out_features]. Raises: ParameterError, ShapeError.
    Source: Esser, Appuswamy, Merolla, Arthur and Modha 2015, "Backpropagation for energy-efficient neuromorphic
    computing", NeurIPS; there the type of an axon says the sign, and p are clipped after each step of training; the
    half is not from there.

    >>> import torch, spikeloom as sl
    >>> layer = sl.nn.SampledLinear(64, 10)
    >>> layer(torch.rand(5, 64)).shape, layer.sample()(torch.ones(5, 64)).unique()
    (torch.Size([5, 10]), tensor([0., 1.]))
    """

    signs: Tensor

    def __init__(self, in_features: int, out_features: int, *, seed: int = 0) -> None:
        super().__init__()
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise ParameterError(f"{name} of SampledLinear", expected="a whole number >= 1", got=repr(size))
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.rand(2, out_features, in_features, generator=generator)
        self.register_buffer("signs", torch.where(drawn[0] < 0.5, -1.0, 1.0))
        # Hidden values, of which the probabilities are what lies between 0 and 1.
        self.hidden = nn.Parameter(drawn[1])
        self.hidden_bias = nn.Parameter(torch.zeros(out_features))

    @property
    def probability(self) -> Tensor:
        """Of each connection, [out_features, in_features]; beyond 0 and 1 its gradient leads back alone."""
        return _Clipped.apply(self.hidden)  # type: ignore[no-any-return, no-untyped-call]

    @property
    def bias(self) -> Tensor:
        """The half number next to the hidden bias, which has its gradient, [out_features]."""
        b = self.hidden_bias
        return b + (b.floor() + 0.5 - b).detach()

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of the sum."""
        if x.shape[-1] != self.hidden.shape[1]:
            raise ShapeError("input of SampledLinear", expected=f"[..., {self.hidden.shape[1]}]", got=list(x.shape))
        p = self.probability
        mean = x @ (self.signs * p).T + self.bias
        return mean, x @ p.T - x.square() @ p.square().T

    def forward(self, x: Tensor) -> Tensor:
        """The probability of a spike."""
        mean, variance = self.moments(x)
        # Where all is certain, the step function, of a width that floating point can divide by.
        return 0.5 * (1 + torch.erf(mean / (2 * variance.clamp(min=1e-6)).sqrt()))

    @torch.no_grad()
    def sample(self, generator: torch.Generator | None = None) -> SampledConnections:
        """Neurons with connections that exist or do not."""
        p = self.probability
        there = torch.rand(p.shape, generator=generator, device=p.device) < p
        return SampledConnections(there * self.signs, self.bias)

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.hidden.shape[1]}, {self.hidden.shape[0]}"


class SampledConnections(nn.Module):
    """Neurons that spike where sum_i w_i s_i + b >= 0, with connections w of -1, 0 or 1.

    Shapes: spikes [..., in_features] to spikes [..., out_features].
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight.clone())
        self.register_buffer("bias", bias.detach().clone())

    def forward(self, s: Tensor) -> Tensor:
        """Spikes."""
        return (nn.functional.linear(s, self.weight, self.bias) >= 0).to(s.dtype)

    @property
    def connections(self) -> int:
        """How many exist."""
        return int((self.weight != 0).sum())


def sample_connections(model: nn.Module, generator: torch.Generator | None = None) -> nn.Module:
    """A copy of a network in which each `SampledLinear` has its connections drawn; it takes and sends spikes.

    The mean over samples and input spikes is the network of probabilities, as far as sums of each layer are
    independent. Several samples make an ensemble, whose outputs are added up.

    >>> import torch, spikeloom as sl
    >>> model = torch.nn.Sequential(sl.nn.SampledLinear(64, 32), sl.nn.SampledLinear(32, 10, seed=1))
    >>> sl.nn.sample_connections(model)(torch.rand(5, 64).bernoulli()).shape
    torch.Size([5, 10])
    """
    if isinstance(model, SampledLinear):
        return model.sample(generator)
    result = copy.deepcopy(model)
    for name, layer in list(result.named_modules()):
        if isinstance(layer, SampledLinear):
            result.set_submodule(name, layer.sample(generator))
    return result


class _Clipped(torch.autograd.Function):
    """min(max(x, 0), 1), with the gradient of x wherever descent does not lead further out."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(0.0, 1.0)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> Tensor:
        (gradient,), (x,) = gradients, ctx.saved_tensors  # type: ignore[attr-defined]
        outwards = ((x < 0) & (gradient > 0)) | ((x > 1) & (gradient < 0))
        return torch.where(outwards, 0.0, gradient)
