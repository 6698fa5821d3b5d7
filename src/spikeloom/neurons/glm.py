"""The generalised linear model of spike trains."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import ParameterError, ShapeError
from ..parameters import Input, Noise, Option, Param, State
from ..surrogate import StraightThrough, Surrogate
from ._response import Kernel, Response, written
from .escape_noise import ExponentialHazard, Hazard


def raised_cosines(n: int, steps: int, *, first: float = 0.0, last: float | None = None, offset: float = 1.0) -> Tensor:
    """n bumps over so many steps, narrow at the beginning and wide at the end, [steps, n].

    b_j(s) = (1 + cos(a log(s + offset) - phi_j)) / 2 where the cosine's argument is within -pi...pi, else 0. The phi_j
    are pi / 2 apart, the first bump peaks at step `first` and the last at `last`, by default the middle of the steps. A
    larger offset makes the widths more equal. Between the outer peaks the bumps add up to 2.
    Raises: ParameterError.
    Source: Pillow et al. 2008, Nature 454, supplementary methods.

    >>> raised_cosines(3, 6, last=4.0).shape
    torch.Size([6, 3])
    """
    last = steps / 2 if last is None else last
    if n < 2 or steps < 2 or not 0 <= first < last or offset <= 0:
        got = f"n = {n}, steps = {steps}, first = {first:g}, last = {last:g}, offset = {offset:g}"
        raise ParameterError("raised_cosines", expected="n, steps > 1, 0 <= first < last and offset > 0", got=got)
    low, high = math.log(first + offset), math.log(last + offset)
    places = (torch.log(torch.arange(steps) + offset) - low) / (high - low) * (n - 1)
    angles = (places.unsqueeze(1) - torch.arange(n)) * (math.pi / 2)
    return 0.5 + 0.5 * torch.cos(angles.clamp(-math.pi, math.pi))


class GLM(Response):
    """Generalised linear model: v(t) = bias + sum_s k(s) i(t - s) + sum_{s >= 1} h(s) y(t - s), spikes at rate exp(v).

    y are the own spikes; in a step there is one with probability 1 - exp(-exp(v) dt). The filters are sums of raised
    cosines, k = basis @ stimulus and h(s + 1) = basis @ history, with one weight per bump, [n] or [n, *features];
    their bases default to `raised_cosines(n, 20)`. `log_likelihood(x, y)` of spikes y given the input x is concave in
    bias and weights, so any optimiser finds its maximum: `learn=("stimulus", "history", "bias")`. A call draws spikes.
    Weights of an nn.Linear in front make the spatial part of the filter. `hazard` replaces exp by another nonlinearity.

    Shapes: [T, B, *features] to spikes of the same shape. Units: rate in 1/ms, filters in steps of dt.
    Raises: ParameterError, ShapeError for weights and bases that do not fit.
    Source: Pillow et al. 2008, "Spatio-temporal correlations and visual signalling in a complete neuronal population",
    Nature 454; Truccolo et al. 2005, J. Neurophysiol. 93. There the rate is per bin and counts are Poisson; here a step
    has one spike or none, which is the same for small dt.

    >>> import torch, spikeloom as sl
    >>> _ = torch.manual_seed(0)
    >>> glm = sl.neurons.GLM(learn=("stimulus", "history", "bias"))
    >>> x = torch.randn(1000, 1, 1)
    >>> glm.log_likelihood(x, glm(x).detach())
    tensor(-178.9378, grad_fn=<SumBackward0>)
    """

    bias = Param(-3.0, "1", "logarithm of the rate without input, per ms")
    hazard = Option[Hazard](ExponentialHazard(rho=1.0, width=1.0), "rate of spikes as a function of v")
    surrogate = Option[Surrogate](StraightThrough(), "slope of a spike by its probability in the backward pass")
    i = Input("1", "stimulus")
    v = State("bias", "1", "logarithm of the rate", held=True)
    xi = Noise("draw that decides on a spike", uniform=True)

    family = "stochastic"
    shown = (1.0, 200.0)

    def __init__(
        self,
        stimulus: Kernel = (0.5, 0.3, 0.1),
        history: Kernel = (-2.0, -1.0, 0.2),
        *,
        stimulus_basis: Tensor | None = None,
        history_basis: Tensor | None = None,
        learn: Iterable[str] = (),
        **given: object,
    ) -> None:
        kept = {
            "stimulus": stimulus,
            "history": history,
            "stimulus_basis": _basis("stimulus", stimulus, stimulus_basis),
            "history_basis": _basis("history", history, history_basis),
        }
        super().__init__(kept, learn=learn, **given)

    def kernels(self) -> dict[str, Tensor]:
        filters = {
            name: torch.tensordot(self.kept(f"{name}_basis"), self.kept(name), 1) for name in ("stimulus", "history")
        }
        # A spike has no effect in its own step.
        history = torch.cat([torch.zeros_like(filters["history"][:1]), filters["history"]])
        return {"k": filters["stimulus"], "h": history}

    def lines(self) -> dict[str, int]:
        return {"ahead": max(self._lengths.values())}

    def charge(self) -> dict[str, Tensor]:
        ahead = [later + self.tap("k", k) * self.i for k, later in enumerate(self.moved("ahead"))]
        return {**written("ahead", ahead), "v": self.bias + ahead[0]}

    def threshold(self) -> Tensor:
        return self.v

    def fire(self) -> Tensor:
        return self.surrogate(self.hazard.margin(self.v, self.xi, self.dt))

    def reset(self) -> dict[str, Tensor]:
        return written("ahead", [x + self.tap("h", k) for k, x in enumerate(self.line("ahead"))])

    def log_likelihood(self, x: Tensor, y: Tensor) -> Tensor:
        """Logarithm of the probability of spikes y given input x, [T, B, *features] each, from rest; their sum.

        sum over steps of log(1 - exp(-m)) where there is a spike and -m where there is none, m = rate dt.
        """
        if x.shape != y.shape:
            raise ShapeError("spikes of GLM.log_likelihood", expected=list(x.shape), got=list(y.shape))
        values = {name: torch.as_tensor(value, dtype=x.dtype) for name, value in self.param_values().items()}
        kernels = self.kernels()
        v = _aligned(values["bias"], x) + _filtered(kernels["k"], x) + _filtered(kernels["h"], y)
        expected = self.bind(values).hazard.rate(v) * values["dt"]
        return torch.where(y > 0, torch.log(-torch.expm1(-expected)), -expected).sum()


def _basis(name: str, weights: Kernel, basis: Tensor | None) -> Tensor:
    """The given basis, or raised cosines, if it has a column for each weight."""
    chosen = raised_cosines(len(weights), 20) if basis is None else basis
    if chosen.dim() != 2 or chosen.shape[1] != len(weights):
        expected = f"[steps, {len(weights)}], a column for each weight"
        raise ShapeError(f"GLM.{name}_basis", expected=expected, got=list(chosen.shape))
    return chosen


def _aligned(value: Tensor, x: Tensor) -> Tensor:
    """A parameter over the leading feature axes, as it meets x [T, B, *features]."""
    return value.reshape(*value.shape, *[1] * (x.dim() - 2 - value.dim())) if value.dim() else value


def _filtered(kernel: Tensor, x: Tensor) -> Tensor:
    """sum_s kernel(s) x(t - s), over all features at once."""
    steps, batch, *features = x.shape
    n = math.prod(features)
    taps = torch.stack([_aligned(tap, x).to(x.dtype).expand(features).reshape(n) for tap in kernel.unbind(0)], dim=1)
    rows = functional.pad(x.reshape(steps, batch, n).permute(1, 2, 0), (len(kernel) - 1, 0))
    return functional.conv1d(rows, taps.flip(1).unsqueeze(1), groups=n).permute(2, 0, 1).reshape(x.shape)
