"""Synapses with a time constant before converted neurons."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import Maximum, RateCode
from spikeloom.conversion._operations import Kind, Operation
from spikeloom.errors import ParameterError


def site(tau_syn: float, theta: float = 1.0) -> nn.Module:
    return RateCode(start=0.0, tau_syn=tau_syn).site(Operation(Kind.RECTIFIER), torch.tensor(theta), 1)


def by_hand(x: list[float], tau_syn: float, bias: float = 0.0) -> list[float]:
    i = v = 0.0
    spikes = []
    d = math.exp(-1 / tau_syn)
    for now in x:
        i = d * i + (1 - d) * (now + bias)
        v += i
        spikes.append(float(v >= 1.0))
        v -= spikes[-1]
    return spikes


def test_current_is_low_pass_filtered_before_it_adds_up() -> None:
    x = torch.rand(200, generator=torch.Generator().manual_seed(0))
    assert site(4.0).spikes(x.view(-1, 1, 1)).flatten().tolist() == by_hand(x.tolist(), 4.0)
    biased = site(4.0).spikes(x.view(-1, 1, 1), bias=torch.tensor([0.25]), residual=x.view(-1, 1, 1))
    assert biased.flatten().tolist() == by_hand((2 * x).tolist(), 4.0, 0.25)


def test_rates_are_the_same_but_for_the_beginning() -> None:
    z, steps, tau = 0.4, 1000, 10.0
    rate = float(site(tau).spikes(torch.full((steps, 1, 1), z)).mean())
    # The current lacks z d / (1 - d) in all, about tau z.
    d = math.exp(-1 / tau)
    assert rate == pytest.approx(z - z * d / (1 - d) / steps, abs=1.01 / steps)


def network() -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 3))
    return model.requires_grad_(False), torch.rand(40, 6)


def test_a_network_with_synapses_comes_to_the_same() -> None:
    model, x = network()
    net = sl.convert(model, x, RateCode(Maximum(), start=0.0, tau_syn=5.0), steps=400)
    assert float((net(x) - model(x)).abs().mean() / model(x).std()) < 0.1
    sent: dict[str, Tensor] = {}
    net.sequence(x, watch=lambda node, site, i: sent.update({node.name: site.spikes(i)}))
    assert all(set(s.unique().tolist()) == {0.0, 1.0} for s in sent.values())


def test_watched_or_not_the_network_is_the_same() -> None:
    model, x = network()
    net = sl.convert(model, x, RateCode(Maximum(), start=0.0, tau_syn=3.0), steps=30)
    assert torch.allclose(net.sequence(x), net.sequence(x, watch=lambda node, site, i: None), atol=1e-5)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_bad_time_constants(bad: float) -> None:
    with pytest.raises(ParameterError, match="tau_syn"):
        RateCode(tau_syn=bad)
