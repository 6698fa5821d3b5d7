"""Maxima by spikes: circuits and gates against the largest count, and pools against PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import Average, Counts, FirstSpike, Gate, Pooling, RateCode, WinnerTakeAll
from spikeloom.errors import ConversionError, ParameterError

EVERY: tuple[Pooling, ...] = (Counts(), Gate(), WinnerTakeAll(), WinnerTakeAll(depth=0.0), FirstSpike(), Average())


def poisson(steps: int, trials: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Four rates between 0 and 1 for each trial, and their spikes [steps, trials, 4]."""
    generator = torch.Generator().manual_seed(seed)
    rates = torch.rand(trials, 4, generator=generator)
    return rates, sl.coding.bernoulli(rates, steps, generator=generator)


class TestCircuits:
    def test_without_a_bound_the_circuit_has_the_largest_count_at_all_times(self) -> None:
        _, x = poisson(64, 500)
        most = x.cumsum(0).amax(-1)
        for pooling in (WinnerTakeAll(), Counts()):
            y = pooling.pooled(x)
            assert torch.equal(y.cumsum(0), most)
            assert set(y.unique().tolist()) == {0.0, 1.0}

    def test_inhibition_without_memory_lets_all_inputs_through(self) -> None:
        _, x = poisson(64, 500)
        assert torch.equal(WinnerTakeAll(depth=0.0).pooled(x), x.amax(-1))

    def test_more_depth_is_nearer(self) -> None:
        _, x = poisson(128, 500)
        counts = [WinnerTakeAll(depth=depth).pooled(x).sum(0).mean() for depth in (0, 1, 2, 4, 8, 128)]
        assert counts == sorted(counts, reverse=True)
        assert counts[-1] == x.sum(0).amax(-1).mean()

    def test_circuit_step_by_step(self) -> None:
        x = torch.tensor([[1.0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 0]])
        # By hand: potentials after each step are those of counts less what was sent, here not below -1.
        assert WinnerTakeAll().pooled(x).tolist() == [1, 1, 0, 0, 0, 1, 0]
        assert WinnerTakeAll(depth=1.0).pooled(x).tolist() == [1, 1, 0, 0, 1, 1, 0]

    @pytest.mark.parametrize("bad", [-1.0, float("nan")])
    def test_depth_below_zero(self, bad: float) -> None:
        with pytest.raises(ParameterError, match="depth"):
            WinnerTakeAll(depth=bad)


class TestGate:
    @pytest.mark.parametrize(("steps", "error"), [(16, 0.069), (64, 0.036), (256, 0.018)])
    def test_difference_from_the_largest_rate(self, steps: int, error: float) -> None:
        # The survey's figures, of Poisson inputs; a standard error of 4000 trials is about 1 %.
        rates, x = poisson(steps, 4000)
        found = (Gate().pooled(x).mean(0) - rates.amax(-1)).abs().mean()
        assert float(found) == pytest.approx(error, rel=0.1)

    def test_against_a_loop(self) -> None:
        _, x = poisson(20, 30)
        for trial in range(30):
            counts = [0.0] * 4
            for t, y in enumerate(Gate().pooled(x)[:, trial].tolist()):
                counts = [n + float(s) for n, s in zip(counts, x[t, trial], strict=True)]
                assert y == float(x[t, trial, counts.index(max(counts))])

    def test_average_is_far_away(self) -> None:
        rates, x = poisson(256, 4000)
        # The mean of four uniform numbers is 1/2, their maximum 4/5.
        assert float((Average().pooled(x).mean(0) - rates.amax(-1)).abs().mean()) == pytest.approx(0.3, abs=0.01)

    def test_first_spike_tells_the_maximum_of_latencies(self) -> None:
        values = torch.rand(200, 4, generator=torch.Generator().manual_seed(0))
        x = sl.coding.linear_latency(values, 50)
        told, most = FirstSpike().pooled(x), sl.coding.linear_latency(values.amax(-1, keepdim=True), 50)[..., 0]
        assert torch.equal(told, most)


class Calls(nn.Module):
    """A function as a module."""

    def __init__(self, f: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.f = f

    def forward(self, x: Tensor) -> Tensor:
        return self.f(x)


POOLS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "MaxPool1d": (nn.MaxPool1d(3, 2, 1), (2, 9)),
    "MaxPool2d": (nn.MaxPool2d(2), (2, 6, 8)),
    "overlapping": (nn.MaxPool2d(3, 2, 1), (2, 7, 8)),
    "of different sizes": (nn.MaxPool2d((3, 2), (2, 1), (1, 0), dilation=(1, 2)), (2, 7, 8)),
    "ceil": (nn.MaxPool2d(2, 2, ceil_mode=True), (2, 7, 5)),
    "ceil with edges": (nn.MaxPool2d(3, 4, 1, ceil_mode=True), (2, 7, 9)),
    "MaxPool3d": (nn.MaxPool3d(2), (2, 4, 4, 6)),
    "AdaptiveMaxPool2d": (nn.AdaptiveMaxPool2d((3, None)), (2, 7, 5)),
    "AdaptiveMaxPool1d": (nn.AdaptiveMaxPool1d(4), (2, 9)),
    "max_pool2d": (Calls(lambda x: F.max_pool2d(x, 3, padding=1)), (2, 7, 8)),
    "max_pool1d": (Calls(lambda x: torch.max_pool1d(x, 2, 1)), (2, 8)),
    "adaptive": (Calls(lambda x: F.adaptive_max_pool2d(x, output_size=2)), (2, 7, 5)),
    "amax": (Calls(lambda x: torch.amax(x, 1)), (5, 3)),
    "amax of two axes": (Calls(lambda x: x.amax((-1, 1), keepdim=True)), (5, 3, 4)),
    "maximum": (Calls(lambda x: torch.maximum(x[:, :2], x[:, 2:])), (4, 3)),
}


@pytest.mark.parametrize("name", POOLS)
def test_pools_are_those_of_the_layer(name: str) -> None:
    layer, shape = POOLS[name]
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.ReLU(), layer), torch.rand(6, *shape)
    wanted = sl.convert(model, x, RateCode(), steps=8).sequence(x)
    found = sl.convert(model, x, RateCode(pooling=WinnerTakeAll()), steps=8).sequence(x)
    assert found.shape == wanted.shape
    assert torch.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("pooling", EVERY, ids=repr)
def test_inputs_beyond_the_edge_send_nothing(pooling: Pooling) -> None:
    _, x = poisson(16, 50)
    beyond = torch.cat([torch.full_like(x[..., :1], float("-inf")), x], -1)
    assert torch.equal(pooling.pooled(beyond), pooling.pooled(x))


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers: tuple[nn.Module, ...] = (nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3))


@pytest.mark.parametrize("pooling", EVERY, ids=repr)
def test_every_pooling_in_a_network(pooling: Pooling) -> None:
    model, x = network(), torch.rand(20, 1, 8, 8)
    net = sl.convert(model, x, RateCode(pooling=pooling), steps=16)
    assert {name for name, _ in net.absorbed} == set(net.sites)
    y = net(x)
    if isinstance(pooling, Average):
        net.module.set_submodule("2", nn.AvgPool2d(2))
        net.pools.clear()
        assert torch.allclose(y, net(x), atol=1e-5)
    elif isinstance(pooling, Counts | Gate) or pooling == WinnerTakeAll():
        away = (y - model(x)).detach().abs().mean() / model(x).detach().std()
        assert float(away) < 0.2


def test_a_maximum_of_other_things_is_refused() -> None:
    class Largest(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.maximum(F.relu(x), torch.tensor(0.2))

    x = torch.rand(10, 3)
    with pytest.raises(ConversionError, match="maximum"):
        sl.convert(Largest(), x, RateCode(pooling=Gate()), steps=4)
    sl.convert(Largest(), x, RateCode(), steps=4)


def test_the_check_of_names() -> None:
    given: Any = "gate"
    with pytest.raises(ParameterError, match="pooling"):
        RateCode(pooling=given)
