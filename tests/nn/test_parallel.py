"""Parallel spiking neurons against their definition."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl


def drive(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("layer", [sl.nn.PSN(6), sl.nn.MaskedPSN(6, 2), sl.nn.MaskedPSN(6, 3, masked=0.4)], ids=repr)
def test_definition_and_gradients(layer: sl.nn.PSN) -> None:
    """v(t) = sum_u weight(t, u) x(u), one step after the other, and autograd through it."""
    layer = layer.double()
    x = drive(6, 2, 3, 4).requires_grad_()
    with torch.no_grad():
        layer.weight.mul_(3)
        layer.v_th.copy_(torch.linspace(0.2, 0.7, 6))
    y = layer(x)
    weight, v_th = (p.detach().clone().requires_grad_() for p in (layer.weight, layer.v_th))
    rows = []
    for t in range(6):
        factors = torch.ones(6, dtype=torch.float64)
        if isinstance(layer, sl.nn.MaskedPSN):
            factors = torch.tensor(
                [1.0 if t - layer.order < u <= t else 1 - layer.masked for u in range(6)], dtype=torch.float64
            )
        v = sum(weight[t, u] * factors[u] * x[u] for u in range(6))
        rows.append(sl.surrogate.ATan()(v - v_th[t]))
    wanted = torch.stack(rows)
    assert torch.equal(y, wanted)
    assert 0.1 < y.detach().mean() < 0.9
    scale = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
    found = torch.autograd.grad((y * scale).sum(), [x, layer.weight, layer.v_th])
    for given, gradient in zip(found, torch.autograd.grad((wanted * scale).sum(), [x, weight, v_th]), strict=True):
        torch.testing.assert_close(given, gradient, rtol=1e-9, atol=1e-12)


def test_a_fully_masked_one_is_causal_and_a_sliding_one_when_its_rows_are_alike() -> None:
    layer, taps = sl.nn.MaskedPSN(8, 3).double(), [0.9, -0.4, 0.6]
    with torch.no_grad():
        layer.weight.copy_(sum(taps[j] * torch.ones(8).diag().roll(-j, 1).tril() for j in range(3)))
    x = drive(8, 1, 20)
    sliding = sl.neurons.SlidingPSN(torch.tensor(taps, dtype=torch.float64))
    with torch.no_grad():
        y = layer(x)
        assert torch.equal(y, sliding(x))
        assert torch.equal(layer(torch.cat([x[:5], torch.zeros_like(x[5:])]))[:5], y[:5])


def test_it_is_a_layer_of_a_stack_that_trains() -> None:
    torch.manual_seed(0)
    net = sl.nn.Sequential(nn.Linear(4, 8), sl.nn.PSN(5), nn.Linear(8, 2))
    net(torch.rand(5, 3, 4)).sum().backward()
    assert all((parameter.grad != 0).any() for parameter in net.parameters())


def test_other_lengths_and_orders_are_refused() -> None:
    with pytest.raises(sl.errors.ShapeError, match=r"\[5, B, \*features\].*PSN\(4\)"):
        sl.nn.PSN(5)(torch.rand(4, 1, 2))
    for order, masked in ((0, 1.0), (6, 1.0), (2, 1.5)):
        with pytest.raises(sl.errors.ParameterError, match="MaskedPSN"):
            sl.nn.MaskedPSN(5, order, masked=masked)
