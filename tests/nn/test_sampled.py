"""Probabilities of connections against samples of them, and trinary weights."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import spikeloom as sl
from spikeloom.errors import DTypeError, ParameterError, ShapeError
from spikeloom.nn import SampledConnections, SampledLinear, sample_connections


class TestSampledLinear:
    def test_moments_are_those_of_samples(self) -> None:
        torch.manual_seed(0)
        layer, x = SampledLinear(40, 3), torch.rand(40)
        mean, variance = layer.moments(x)
        sums = torch.stack([layer.sample().weight @ x.bernoulli() + layer.bias for _ in range(8000)]).detach()
        # Five standard errors.
        assert ((sums.mean(0) - mean).abs() < 5 * (variance / 8000).sqrt()).all()
        assert ((sums.var(0) / variance - 1).abs() < 5 * (2 / 8000) ** 0.5).all()

    def test_probability_is_that_of_samples(self) -> None:
        torch.manual_seed(0)
        layer, x = SampledLinear(200, 6), torch.rand(200)
        frequency = torch.stack([layer.sample()(x.bernoulli()) for _ in range(8000)]).mean(0)
        assert ((frequency - layer(x)).abs() < 0.025).all() and ((frequency > 0.05) & (frequency < 0.95)).any()

    def test_closed_form(self) -> None:
        layer = SampledLinear(2, 1)
        layer.signs = torch.tensor([[1.0, -1.0]])
        layer.hidden.data = torch.tensor([[0.5, 0.25]])
        layer.hidden_bias.data = torch.tensor([1.2])
        mean, variance = 0.8 * 0.5 - 0.4 * 0.25 + 1.5, 0.4 * 0.6 + 0.1 * 0.9
        wanted = 0.5 * (1 + math.erf(mean / math.sqrt(2 * variance)))
        assert float(layer(torch.tensor([0.8, 0.4])).detach()) == pytest.approx(wanted, abs=1e-6)

    def test_certain_connections_are_no_sample(self) -> None:
        layer = SampledLinear(30, 8)
        layer.hidden.data = layer.hidden.data.round() * 3 - 1
        x = torch.rand(5, 30).round()
        assert torch.equal(layer.sample()(x), layer.sample()(x))
        torch.testing.assert_close(layer(x), layer.sample()(x))
        assert set(layer.probability.unique().tolist()) == {0.0, 1.0}

    def test_gradient_leads_back_alone_beyond_0_and_1(self) -> None:
        layer = SampledLinear(4, 1)
        layer.hidden.data = torch.tensor([[-0.5, 1.5, -0.5, 1.5]])
        (layer.probability * torch.tensor([1.0, 1.0, -1.0, -1.0])).sum().backward()
        assert layer.hidden.grad is not None and layer.hidden.grad.tolist() == [[0.0, 1.0, -1.0, 0.0]]

    def test_networks_are_sampled_as_copies(self) -> None:
        model = nn.Sequential(SampledLinear(20, 16), nn.Sequential(SampledLinear(16, 4, seed=1)))
        sample = sample_connections(model, torch.Generator().manual_seed(3))
        again = sample_connections(model, torch.Generator().manual_seed(3))
        x = torch.rand(9, 20).bernoulli()
        assert torch.equal(sample(x), again(x)) and set(sample(x).unique().tolist()) <= {0.0, 1.0}
        assert isinstance(sample[0], SampledConnections) and isinstance(model[0], SampledLinear)
        assert sample[0].connections == int((sample[0].weight != 0).sum())

    def test_refusals(self) -> None:
        with pytest.raises(ParameterError, match="in_features"):
            SampledLinear(0, 4)
        with pytest.raises(ShapeError, match="SampledLinear"):
            SampledLinear(4, 3)(torch.rand(2, 5))


class TestTrinary:
    def test_hysteresis(self) -> None:
        layer = sl.nn.Trinary(torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0, -1.0]), hysteresis=0.1)
        hidden = torch.tensor([0.59, 0.61, 0.41, 0.39, -0.7, -0.45])
        assert layer(hidden).tolist() == [0.0, 1.0, 1.0, 0.0, -1.0, -1.0]

    def test_without_it_weights_are_rounded(self) -> None:
        hidden = torch.linspace(-0.99, 0.99, 50)
        assert torch.equal(sl.nn.Trinary(torch.zeros(50), hysteresis=0.0)(hidden), hidden.round())

    def test_evaluation_keeps_what_was_last(self) -> None:
        layer = sl.nn.Trinary(torch.zeros(2)).eval()
        assert layer(torch.tensor([0.9, -0.9])).tolist() == [0.0, 0.0]

    def test_gradient_goes_straight_on_and_clipping_keeps_it_useful(self) -> None:
        layer = sl.nn.trinary(nn.Linear(3, 2, bias=False))
        layer(torch.ones(1, 3)).sum().backward()
        hidden = layer.parametrizations.weight.original
        assert torch.equal(hidden.grad, torch.ones(2, 3))
        hidden.data += 5.0
        sl.nn.clip_hidden(nn.Sequential(layer))
        assert float(hidden.detach().max()) == 1.0 and set(layer.weight.unique().tolist()) == {1.0}

    def test_refusals(self) -> None:
        with pytest.raises(ParameterError, match="hysteresis"):
            sl.nn.trinary(nn.Linear(3, 2), hysteresis=0.5)
        with pytest.raises(DTypeError, match="trinary"):
            sl.nn.trinary(nn.ReLU())
