"""Thresholds instead of scaled weights: the same network, the same spikes."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.errors import ParameterError


def perceptron() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 4)).requires_grad_(
        False
    )


def scaled(model: nn.Sequential, thresholds: list[float]) -> nn.Sequential:
    """w <- w lambda[l-1] / lambda[l], b <- b / lambda[l]."""
    result, before = copy.deepcopy(model), 1.0
    for layer, own in zip(result[::2], [*thresholds, 1.0], strict=True):
        assert isinstance(layer, nn.Linear)
        layer.weight *= before / own
        layer.bias /= own
        before = own
    return result


def spikes_of(net: sl.conversion.Converted, x: Tensor) -> list[Tensor]:
    seen = []
    net.sequence(x, steps=32, watch=lambda node, site, i: seen.append(site.spikes(i)))  # type: ignore[operator]
    return seen


C = sl.conversion


@pytest.mark.parametrize("threshold", [C.Maximum(), C.Percentile(99.0), C.ModelBased()])
def test_scaled_weights_with_thresholds_of_1_give_the_same_spikes_and_answers(
    threshold: sl.conversion.Threshold,
) -> None:
    model, x = perceptron().double(), torch.rand(64, 6, dtype=torch.float64)
    # Not the largest activation itself, whose potential would be the threshold, rounded to either side.
    net = sl.convert(model, x, C.RateCode(threshold, factor=0.987, start=0.0), steps=32)
    other = scaled(model, [float(site.get_buffer("scale")) for site in net.sites.values()])
    assert torch.equal(model(x).argmax(1), other(x).argmax(1))
    torch.testing.assert_close(model(x), other(x))
    same = sl.convert(other, x, C.RateCode(C.Fixed(1.0), start=0.0), steps=32)
    for ours, theirs in zip(spikes_of(net, x), spikes_of(same, x), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("start", [0.0, 0.5])
def test_with_soft_resets_counts_are_clipped_floors(start: float) -> None:
    steps, theta = 25, 0.7
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU())
    nn.init.constant_(model[0].weight, 1.0)
    # No multiple of theta / steps.
    x = torch.linspace(-1.0, 2.0, 301, dtype=torch.float64)[:, None] + 1e-5
    method = C.RateCode(C.Fixed(theta), start=start)
    told = sl.convert(model.double(), x, method, steps=steps)(x)
    counts = (x * steps / theta + start).floor().clamp(0, steps)
    torch.testing.assert_close(told, theta * counts / steps)


def test_a_fixed_threshold_is_that_of_all_channels() -> None:
    model, x = perceptron(), torch.rand(64, 6)
    method = C.RateCode(C.Fixed(0.25), channelwise=True)
    for site in sl.convert(model, x, method).sites.values():
        assert set(site.get_buffer("scale").tolist()) == {0.25}


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_fixed_threshold_is_above_0(value: float) -> None:
    with pytest.raises(ParameterError, match="above 0"):
        C.Fixed(value)
