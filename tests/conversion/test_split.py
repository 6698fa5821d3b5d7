"""Hybrid networks: spikes up to a place, and from there on the original, once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import Converted
from spikeloom.errors import ParameterError, UnknownNameError


def mlp(function: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    torch.manual_seed(0)
    layers = (nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 12), function(), nn.Linear(12, 3))
    return nn.Sequential(*layers).requires_grad_(False)


def data(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def converted(model: nn.Module, x: Tensor, steps: int = 4, method: str = "half-start") -> Converted:
    return sl.convert(model, x, method, steps=steps)


@pytest.mark.parametrize("function", [nn.ReLU, nn.GELU, nn.LeakyReLU])
@pytest.mark.parametrize("method", ["half-start", "few-spikes", "calibrated"])
def test_the_rest_is_the_original_of_the_mean(function: type[nn.Module], method: str) -> None:
    model, x = mlp(function), data(40, 6)
    steps = 16 if method == "few-spikes" else 4
    spiking = converted(model, x, steps, method)
    front = converted(nn.Sequential(*list(model)[:2]), x, steps, method)
    assert torch.allclose(spiking.split("1")(x), model[2:](front(x)), atol=1e-5)


def test_behind_the_last_spikes_all_is_linear() -> None:
    model, x = mlp(), data(40, 6)
    spiking = converted(model, x)
    assert torch.allclose(spiking.split("3")(x), spiking(x), atol=1e-5)


def test_the_rest_runs_once() -> None:
    model, x = mlp(), data(40, 6)
    hybrid = converted(model, x, steps=8).split("1")
    rows: dict[str, int] = {}
    for name in ("0", "2", "4"):
        hybrid.module.get_submodule(name).register_forward_hook(
            lambda layer, given, y, name=name: rows.__setitem__(name, rows.get(name, 0) + len(y))
        )
    hybrid(x)
    # A constant input passes its layer once, too.
    assert rows == {"0": 40, "2": 40, "4": 40}


def test_answers_over_time_are_those_of_shorter_runs() -> None:
    model, x = mlp(), data(40, 6)
    hybrid = converted(model, x, steps=8).split("1")
    found = hybrid.over_time(x)
    assert found.shape == (8, 40, 3)
    for steps in (1, 3, 8):
        assert torch.allclose(found[steps - 1], hybrid(x, steps=steps), atol=1e-5)


class Residual(nn.Module):
    """Values before the place go past it."""

    def __init__(self, *, sized: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.c = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 1), nn.Linear(144, 5)
        self.pool, self.sized = nn.MaxPool2d(1), sized

    def forward(self, x: Tensor) -> Tensor:
        batch = x.size(0)
        a = self.a(x).relu()
        y = self.pool(a + self.b(a).relu())
        return self.c(y.view(batch, -1) if self.sized else y.flatten(1))  # type: ignore[no-any-return]


@pytest.mark.parametrize("sized", [False, True])
def test_values_that_go_past_the_place_are_means(sized: bool) -> None:
    model, x = Residual(sized=sized).requires_grad_(False), data(20, 1, 8, 8)
    spiking = converted(model, x, steps=6)
    assert set(spiking.sites) == {"relu", "relu_1"}
    first = converted(nn.Sequential(model.a, nn.ReLU()), x, steps=6)(x)
    wanted = model.c((first + model.b(first).relu()).flatten(1))
    hybrid = spiking.split("relu")
    assert torch.allclose(hybrid(x), wanted, atol=1e-5)
    assert torch.allclose(hybrid.over_time(x)[-1], wanted, atol=1e-5)


def test_the_network_itself_is_as_before() -> None:
    model, x = mlp(), data(40, 6)
    spiking = converted(model, x)
    before = spiking(x)
    hybrid = spiking.split("_1")
    assert torch.equal(spiking(x), before) and not torch.allclose(hybrid(x), before)
    # A hybrid network can be split elsewhere.
    assert torch.allclose(hybrid.split("3")(x), before, atol=1e-5)


def test_windows_of_the_rest_take_no_time_and_functions_are_computed() -> None:
    model, x = mlp(nn.GELU), data(40, 6)
    spiking = converted(model, x, steps=16, method="layer-wise")
    assert spiking.graded and not spiking.split("1").graded
    windows = converted(mlp(), x, steps=6, method="few-spikes")
    assert (windows.latency(), windows.split("1").latency()) == (18, 12)


def test_the_report_counts_spikes_of_spiking_places_only() -> None:
    model, x = mlp(), data(70, 6)
    spiking = converted(model, x, steps=8)
    whole, half = (sl.conversion.measure(net, model, x) for net in (spiking, spiking.split("1")))
    assert [site.name for site in half.sites] == ["_1"] and half.sites[0].spikes == whole.sites[0].spikes
    assert half.agreement[-1] >= whole.agreement[-1] - 0.05
    # The layer behind takes means, no spikes, and multiplies once.
    assert half.synaptic == 0 and half.dense == 6 * 16 + 16 * 12 + 12 * 3


def test_places_that_are_none() -> None:
    spiking = converted(mlp(), data(40, 6))
    with pytest.raises(UnknownNameError, match="1, 3, got '2'"):
        spiking.split("2")
    with pytest.raises(ParameterError, match="one or more of 1, 3, got none"):
        spiking.split()
    with pytest.raises(ParameterError, match="depends on another, got 3"):
        spiking.split("1", "3")
