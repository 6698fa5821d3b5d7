"""Blocks that run several times, and the stochastic softmax."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import spikeloom as sl
from spikeloom.errors import ParameterError, ShapeError


class TestBackwardResidual:
    def test_is_the_deeper_network_with_shared_weights(self) -> None:
        torch.manual_seed(0)
        layer, x = nn.Linear(5, 5), 3 * torch.rand(7, 2, 5)
        short = sl.nn.BackwardResidual(layer, sl.LIF(tau_mem=2.0), passes=3)
        long = sl.nn.Sequential(*(part for _ in range(3) for part in (layer, sl.LIF(tau_mem=2.0))))
        assert torch.equal(short(x), long(x)) and sum(p.numel() for p in short.parameters()) == 30
        slopes = [torch.autograd.grad(net(x).sum(), layer.weight)[0] for net in (short, long)]
        torch.testing.assert_close(*slopes)

    def test_refusals(self) -> None:
        with pytest.raises(ParameterError, match="passes"):
            sl.nn.BackwardResidual(nn.Linear(5, 5), passes=0)
        with pytest.raises(ShapeError, match="BackwardResidual"):
            sl.nn.BackwardResidual(nn.Linear(5, 4))(torch.rand(7, 2, 5))


class TestStochmax:
    def test_equation_in_evaluation_mode(self) -> None:
        torch.manual_seed(0)
        layer, x = sl.nn.Stochmax(8, 3, epsilon=0.1).eval(), torch.rand(5, 8)
        weight = (layer.masks(x).sigmoid() + 0.1) * layer.outputs(x).exp()
        torch.testing.assert_close(layer(x).exp(), weight / weight.sum(1, keepdim=True))

    def test_training_draws_masks(self) -> None:
        torch.manual_seed(0)
        layer, x = sl.nn.Stochmax(8, 2, epsilon=0.01), torch.rand(1, 8).expand(4000, 8)
        o, rho = layer.outputs(x[0]).detach(), layer.masks(x[0]).sigmoid().detach()
        pairs = torch.tensor([[a, b] for a in (0.0, 1.0) for b in (0.0, 1.0)])
        chances = torch.where(pairs > 0, rho, 1 - rho).prod(1)
        wanted = (chances * ((pairs + 0.01) * o.exp()).div(((pairs + 0.01) * o.exp()).sum(1, keepdim=True))[:, 0]).sum()
        told = layer(x)[:, 0].detach().exp()
        # Five standard errors of a value between 0 and 1.
        assert float(told.mean()) == pytest.approx(float(wanted), abs=5 * 0.5 / 4000**0.5)
        assert len(told.unique()) > 2
        layer(x)[:, 0].sum().backward()
        assert float(layer.masks.bias.grad.abs().sum()) > 0

    def test_refusal(self) -> None:
        with pytest.raises(ParameterError, match="epsilon"):
            sl.nn.Stochmax(8, 3, epsilon=0.0)
