"""Tables of few-spike neurons for any function: thresholds by evolution, output weights by regression."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ParameterError
from .few_spikes import FewSpikes

_POPULATION, _REWEIGHTINGS = 40, 6


def fit_few_spikes(
    function: Callable[[Tensor], Tensor],
    steps: int = 16,
    *,
    low: float = -8.0,
    high: float = 8.0,
    generations: int = 600,
    points: int = 2001,
    seed: int = 0,
) -> FewSpikes:
    """A few-spike neuron whose outputs add up to function(i) for i from `low` to `high`, fitted to the largest error.

    Given thresholds and subtractions, the spikes of each i are known and the function is linear in the output weights:
    these follow by least squares, reweighted by the error until the largest one counts (Lawson's method). Thresholds
    and subtractions are searched by the evolution strategy with covariance matrix adaptation. 600 generations of 16
    steps take about two minutes. The published tables were found by gradient descent; `FewSpikes(..., learn=...)` can.

    Raises: ParameterError for less than two steps, or an empty interval.
    Source: Hansen 2016, "The CMA evolution strategy: a tutorial", arXiv 1604.00772; Lawson 1961, thesis, UCLA.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.neurons.fit_few_spikes(torch.sigmoid, 4, generations=40, points=161)
    >>> x = torch.zeros(4, 1, 100)
    >>> x[0, 0] = torch.linspace(-8, 8, 100)
    >>> bool((neuron(x).sum(0) - torch.sigmoid(x[0])).abs().max() < 0.15)
    True
    """
    if steps < 2 or not low < high or generations < 1 or points < steps:
        got = f"steps = {steps}, low = {low:g}, high = {high:g}, generations = {generations}, points = {points}"
        raise ParameterError("fit_few_spikes", expected="at least two steps and low < high", got=got)
    x = torch.linspace(low, high, points, dtype=torch.float64)
    y = function(x)
    generator = torch.Generator().manual_seed(seed)
    search = _Search(_beginning(steps, low, high, generator), 0.15, generator)
    best, tables = math.inf, torch.zeros(0)
    for _ in range(generations):
        drawn = search.ask()
        worst, d = _errors(drawn, x, y)
        search.tell(worst)
        first = int(worst.argmin())
        if float(worst[first]) < best:
            best, tables = float(worst[first]), torch.cat([drawn[first], d[first]])
    v_th, h, d = tables.to(torch.get_default_dtype()).view(3, steps)
    return FewSpikes(v_th, h, torch.where(d == 0, torch.finfo(d.dtype).tiny, d))


def _beginning(steps: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Steps that count the positive side down, and a staircase of thresholds for the negative one."""
    share, ratio = torch.rand(2, dtype=torch.float64, generator=generator).tolist()
    below = round(steps * (0.15 + 0.2 * share)) if low < 0 < high else 0
    ramp = (1.5 + 0.3 * ratio) ** -torch.arange(steps - below, dtype=torch.float64)
    ramp = ramp * max(high, -low) / ramp.sum()
    stairs = torch.linspace(low / 40, low / 2, below, dtype=torch.float64)
    return torch.cat([ramp, stairs, ramp, torch.zeros_like(stairs)])


def _errors(drawn: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """For each row of thresholds and subtractions the error with its best output weights, and these."""
    v, spikes = x.expand(len(drawn), -1), []
    for v_th, h in zip(*(part.t().unsqueeze(-1) for part in drawn.chunk(2, dim=1)), strict=True):
        spikes.append((v >= v_th).double())
        v = v - h * spikes[-1]
    z = torch.stack(spikes, dim=-1)
    ridge = 1e-7 * torch.eye(z.shape[-1], dtype=z.dtype)
    weight = torch.ones(*z.shape[:2], 1, dtype=z.dtype)
    best, found = torch.full((len(drawn),), math.inf, dtype=z.dtype), torch.zeros_like(z[:, 0])
    for _ in range(_REWEIGHTINGS):
        left = (z * weight).transpose(1, 2)
        d = torch.linalg.solve(left @ z + ridge, left @ y.unsqueeze(-1))
        error = ((z @ d).squeeze(-1) - y).abs()
        largest = error.amax(1)
        # The mean of eighth powers tells those apart that share the largest error.
        score = largest + error.pow(8).mean(1).pow(1 / 8)
        found = torch.where((score < best).unsqueeze(-1), d.squeeze(-1), found)
        best = torch.minimum(best, score)
        weight = weight * (error + 0.02 * largest.unsqueeze(-1)).unsqueeze(-1)
        weight = weight / weight.mean(1, keepdim=True)
    return best, found


@dataclass
class _Search:
    """Evolution strategy with covariance matrix adaptation; constants and names as in the tutorial."""

    mean: Tensor
    sigma: float
    generator: torch.Generator

    def __post_init__(self) -> None:
        n, parents = len(self.mean), _POPULATION // 2
        weights = math.log(parents + 0.5) - torch.arange(1, parents + 1, dtype=torch.float64).log()
        self.weights = weights / weights.sum()
        self.mu = mu = 1 / float(self.weights.square().sum())
        self.c_c, self.c_s = (4 + mu / n) / (n + 4 + 2 * mu / n), (mu + 2) / (n + mu + 5)
        self.c_1 = 2 / ((n + 1.3) ** 2 + mu)
        self.c_mu = min(1 - self.c_1, 2 * (mu - 2 + 1 / mu) / ((n + 2) ** 2 + mu))
        self.damping = 1 + 2 * max(0.0, math.sqrt((mu - 1) / (n + 1)) - 1) + self.c_s
        self.length = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
        self.p_c, self.p_s = torch.zeros_like(self.mean), torch.zeros_like(self.mean)
        self.covariance = torch.eye(n, dtype=torch.float64)
        self.told = 0

    def ask(self) -> Tensor:
        """A population around the mean."""
        values, self.axes = torch.linalg.eigh(self.covariance)
        self.scales = values.clamp(min=1e-20).sqrt()
        drawn = torch.randn(_POPULATION, len(self.mean), dtype=torch.float64, generator=self.generator)
        self.moves = drawn * self.scales @ self.axes.t()
        population: Tensor = self.mean + self.sigma * self.moves
        return population

    def tell(self, errors: Tensor) -> None:
        """Adapt mean, covariance and step size to the errors of that population."""
        self.told += 1
        chosen = self.moves[errors.argsort()[: len(self.weights)]]
        move = self.weights @ chosen
        self.mean = self.mean + self.sigma * move
        white = self.axes @ ((self.axes.t() @ move) / self.scales)
        self.p_s = (1 - self.c_s) * self.p_s + math.sqrt(self.c_s * (2 - self.c_s) * self.mu) * white
        length = float(self.p_s.norm())
        settled = length / math.sqrt(1 - (1 - self.c_s) ** (2 * self.told)) < (1.4 + 2 / (len(move) + 1)) * self.length
        self.p_c = (1 - self.c_c) * self.p_c + settled * math.sqrt(self.c_c * (2 - self.c_c) * self.mu) * move
        rank_one, rank_mu = torch.outer(self.p_c, self.p_c), chosen.t() * self.weights @ chosen
        kept = 1 - self.c_1 - self.c_mu
        self.covariance = kept * self.covariance + self.c_1 * rank_one + self.c_mu * rank_mu
        self.covariance = (self.covariance + self.covariance.t()) / 2
        self.sigma = min(1.0, self.sigma * math.exp(self.c_s / self.damping * (length / self.length - 1)))
