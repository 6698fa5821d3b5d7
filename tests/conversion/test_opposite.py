"""Two opposite populations: negative values by spikes of their own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion._opposite import Opposite

C = sl.conversion


def constant(*activations: nn.Module) -> tuple[nn.Sequential, Tensor]:
    """What an activation makes of numbers, none of which is a multiple of a spike."""
    x = torch.linspace(-2.0, 2.0, 401, dtype=torch.float64)[:, None] + 1e-4
    layer = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.ones_(layer.weight)
    return nn.Sequential(layer, *activations, nn.Linear(1, 1, dtype=torch.float64)).requires_grad_(False), x


def spikes_of(net: sl.conversion.Converted, x: Tensor) -> list[Tensor]:
    seen: list[Tensor] = []
    net.sequence(x, watch=lambda node, site, i: seen.append(site.spikes(i)))  # type: ignore[operator]
    return seen


@pytest.mark.parametrize("start", [0.0, 0.5])
@pytest.mark.parametrize("slope", [0.1, 0.5, 1.0])
def test_counts_are_clipped_floors_on_both_sides(slope: float, start: float) -> None:
    model, x = constant(nn.LeakyReLU(slope))
    steps, theta = 20, 0.8
    net = sl.convert(model, x, C.RateCode(C.Fixed(theta), spikes="opposite", start=start), steps=steps)
    (spikes,) = spikes_of(net, x)
    assert isinstance(next(iter(net.sites.values())), Opposite)
    assert set(spikes.unique().tolist()) == {-1.0, 0.0, 1.0}

    def counts(a: Tensor) -> Tensor:
        return (a * steps / theta + start).floor().clamp(0, steps)

    torch.testing.assert_close(spikes.sum(0), counts(x) - counts(-slope * x))


def test_tanh_has_negative_rates_and_no_neuron_sends_negative_spikes() -> None:
    model, x = constant(nn.Tanh())
    net = sl.convert(model, x, C.RateCode(C.Maximum(), spikes="opposite", start=0.0), steps=50)
    (spikes,) = spikes_of(net, x)
    theta = float(next(iter(net.sites.values())).get_buffer("scale"))
    assert float((theta * spikes.mean(0) - x.tanh()).abs().max()) <= theta / 50 + 1e-9


@pytest.mark.parametrize("adjusting", [0, 2])
def test_biases_are_the_same_with_and_without_fusion(adjusting: int) -> None:
    model = nn.Sequential(nn.Linear(5, 7), nn.LeakyReLU(0.3), nn.Linear(7, 6), nn.LeakyReLU(0.3), nn.Linear(6, 2))
    model, x = model.double().requires_grad_(False), torch.rand(40, 5, dtype=torch.float64)
    method = C.RateCode(C.Percentile(99.0), spikes="opposite", start=0.5, adjusting=adjusting)
    net = sl.convert(model, x, method, steps=64)
    torch.testing.assert_close(net.sequence(x), net.sequence(x, watch=lambda node, site, i: None))
    assert float((net(x) - model(x)).abs().max()) < 0.15 * float(model(x).abs().max())
