"""Distributions: what is drawn, by Python and by kernels, within bounds, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import spikeloom as sl
from spikeloom.errors import ParameterError
from spikeloom.network import (
    Distribution,
    Exponential,
    LogNormal,
    Network,
    Normal,
    Projection,
    Uniform,
    rules,
)

RARE = 1e-4
NAN, INF = float("nan"), float("inf")
KINDS: dict[str, tuple[Callable[..., Distribution], Any]] = {
    "normal": (lambda **b: Normal(1.0, 2.0, **b), stats.norm(1.0, 2.0)),
    "uniform": (lambda **b: Uniform(-1.0, 3.0, **b), stats.uniform(-1.0, 4.0)),
    "lognormal": (lambda **b: LogNormal(0.2, 0.7, **b), stats.lognorm(0.7, scale=math.exp(0.2))),
    "exponential": (lambda **b: Exponential(1.5, **b), stats.expon(scale=1.5)),
}
BOUNDS: dict[str, dict[str, float]] = {"free": {}, "above": {"low": 0.5}, "between": {"low": 0.5, "high": 1.25}}


def truncated(frozen: Any, low: float = -INF, high: float = INF) -> Callable[[Any], Any]:
    """The distribution function within bounds."""
    a, b = frozen.cdf(low), frozen.cdf(high)
    return lambda x: (frozen.cdf(np.clip(x, low, high)) - a) / (b - a)


def connected(weight: Any = 1.0, delay: Any = 1.5, n: int = 200, dtype: torch.dtype = torch.float32) -> Projection:
    net = Network(seed=11, dtype=dtype)
    cells = net.population(n, sl.LIF())
    made = net.connect(cells, cells, rules.AllToAll(), weight=weight, delay=delay)
    assert isinstance(made, Projection)
    return made


@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("kind", KINDS)
def test_samples(kind: str, bounds: str) -> None:
    make, frozen = KINDS[kind]
    drawn = make(**BOUNDS[bounds]).sample(5, 0, 20_000)
    assert stats.kstest(drawn, truncated(frozen, **BOUNDS[bounds])).pvalue > RARE


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("kind", KINDS)
def test_weights(kind: str, bounds: str, dtype: torch.dtype) -> None:
    make, frozen = KINDS[kind]
    distribution = make(**BOUNDS[bounds])
    weight = connected(distribution, dtype=dtype).synapses().weight
    assert weight.min() >= distribution.low and weight.max() <= distribution.high
    assert stats.kstest(weight.astype(np.float64), truncated(frozen, **BOUNDS[bounds])).pvalue > RARE
    assert abs(np.corrcoef(weight[1:], weight[:-1])[0, 1]) < 4 / math.sqrt(len(weight))


@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("kind", KINDS)
def test_delays(kind: str, bounds: str) -> None:
    """Chi-square of the steps against the chances of rounding to them."""
    make, frozen = KINDS[kind]
    low, high = max(BOUNDS[bounds].get("low", 0.1), 0.1), BOUNDS[bounds].get("high", INF)
    delay = connected(delay=make(low=low, high=high)).synapses().delay
    chance = truncated(frozen, low, high)
    steps = np.rint(delay / 0.1).astype(int)
    edges = np.quantile(steps, np.linspace(0, 1, 9)[1:-1]).astype(int)
    observed = np.bincount(np.searchsorted(edges, steps), minlength=8)
    expected = np.diff([0.0, *(chance((edges + 0.5) * 0.1)), 1.0]) * len(delay)
    kept = expected > 5
    assert stats.chisquare(observed[kept], expected[kept] * observed[kept].sum() / expected[kept].sum()).pvalue > RARE
    assert steps.min() >= math.floor(low / 0.1 + 0.5) and (high == INF or steps.max() <= math.floor(high / 0.1 + 0.5))


def test_weights_and_delays_are_independent() -> None:
    """Also those weights, half of all here, that were drawn again."""
    _, _, weight, delay = connected(Normal(0.0, 1.0, low=0.0), Normal(3.0, 0.5, low=0.1)).synapses()
    assert abs(np.corrcoef(weight, delay)[0, 1]) < 4 / math.sqrt(len(weight))


def test_axonal_and_dendritic_delay_add_up() -> None:
    net = Network()
    cells = net.population(150, sl.LIF())
    uniform = Uniform(1.0, 2.0)
    made = net.connect(cells, cells, rules.AllToAll(), delay=uniform, axonal_delay=uniform)
    assert isinstance(made, Projection)
    delay = made.synapses().delay
    # A triangle from 2 to 4 ms; each of the two is rounded to steps.
    assert abs(delay.mean() - 3.0) < 4 * math.sqrt(1 / 6 / len(delay))
    assert abs(delay.var() * 6 - 1 - 0.01) < 0.05
    fixed = net.connect(cells, cells, rules.OneToOne(), delay=1.0, axonal_delay=0.5)
    assert isinstance(fixed, Projection)
    np.testing.assert_allclose(fixed.synapses().delay, 1.5)


def test_rare_bounds_are_kept() -> None:
    """One draw in a thousand is within: drawn again some hundred times."""
    weight = connected(Normal(0.0, 1.0, low=3.0), n=60).synapses().weight
    assert weight.min() >= 3.0


BAD: dict[str, Callable[[], object]] = {
    "mean NaN": lambda: Normal(NAN, 1.0),
    "mean infinite": lambda: Normal(INF, 1.0),
    "mean a string": lambda: Normal("0", 1.0),  # type: ignore[arg-type]
    "sd a string": lambda: Normal(0.0, "1"),  # type: ignore[arg-type]
    "sd 0": lambda: Normal(0.0, 0.0),
    "sd < 0": lambda: Normal(0.0, -1.0),
    "sd True": lambda: Normal(0.0, True),
    "low NaN": lambda: Normal(0.0, 1.0, low=NAN),
    "low > high": lambda: Normal(0.0, 1.0, low=1.0, high=0.0),
    "beyond reach": lambda: Normal(0.0, 1.0, low=4.0),
    "beyond range": lambda: Uniform(0.0, 1.0, low=2.0),
    "stop < start": lambda: Uniform(1.0, 0.0),
    "sigma 0": lambda: LogNormal(0.0, 0.0),
    "mean 0": lambda: Exponential(0.0),
    "negative exponential": lambda: Exponential(1.0, high=-1.0),
    "weight NaN": lambda: connected(NAN),
    "weight infinite": lambda: connected(INF),
    "weight beyond float32": lambda: connected(1e39),
    "weights beyond float32": lambda: connected(LogNormal(100.0, 1.0)),
    "one weight NaN": lambda: connected(np.full((200, 200), NAN)),
    "delay NaN": lambda: connected(delay=NAN),
    "delay infinite": lambda: connected(delay=INF),
    "delay < 0": lambda: connected(delay=-1.0),
    "one delay < 0": lambda: connected(delay=np.full((200, 200), -0.1)),
    "delays < 0": lambda: connected(delay=Normal(1.0, 1.0)),
    "delay of hours": lambda: connected(delay=1e7),
    "delay beyond whole numbers": lambda: connected(delay=1e300),
    "delays of hours": lambda: connected(delay=Exponential(1e6)),
    "delays of two kinds": lambda: mixed_delays(),
}


def mixed_delays() -> object:
    net = Network()
    cells = net.population(3, sl.LIF())
    listed = [1.0, 2.0, 3.0]
    return net.connect(cells, cells, rules.OneToOne(), delay=listed, axonal_delay=Uniform(1.0, 2.0))


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name: str) -> None:
    with pytest.raises(ParameterError):
        BAD[name]()
