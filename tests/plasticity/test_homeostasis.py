"""Homeostasis: normalisation, scaling and intrinsic plasticity reach what they are aimed at, and exactly so."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import spikeloom as sl
from spikeloom.errors import DTypeError, ParameterError, ShapeError

P = sl.plasticity


@pytest.mark.parametrize("axis", [0, 1])
def test_normalise_makes_every_sum_the_total_and_keeps_ratios(axis: int) -> None:
    w = torch.rand(30, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.3
    got = P.normalise(w, total=78.0, axis=axis)
    np.testing.assert_allclose(got.abs().sum(axis), 78.0, rtol=1e-14)
    np.testing.assert_allclose(got / w, (got / w).mean(axis, keepdim=True).expand_as(w), rtol=1e-13)
    again = P.normalise(got, total=78.0, axis=axis)
    torch.testing.assert_close(again, got, rtol=1e-14, atol=0.0)


def test_normalise_of_arrays_and_of_several_totals() -> None:
    w = np.arange(1, 7, dtype=np.float32).reshape(2, 3)[:, ::-1]
    w.flags.writeable = False
    got = P.normalise(w, total=np.array([1.0, 2.0]), axis=1)
    assert isinstance(got, np.ndarray) and got.dtype == np.float32
    np.testing.assert_allclose(got.sum(1), [1.0, 2.0], rtol=1e-6)
    assert w[0].tolist() == [3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("w", "total", "axis", "error"),
    [
        (torch.tensor([[1.0, math.nan]]), 1.0, 1, ParameterError),
        (torch.tensor([[1.0, math.inf]]), 1.0, 1, ParameterError),
        (torch.tensor([[1.0, 0.0], [1.0, 0.0]]), 1.0, 0, ParameterError),
        (torch.ones(2, 2), 0.0, 1, ParameterError),
        (torch.ones(2, 2), math.nan, 1, ParameterError),
        (torch.ones(2, 2), torch.ones(3), 1, ShapeError),
        (torch.ones(2, 2), 1.0, 2, ShapeError),
        (torch.ones(2, 2, dtype=torch.int64), 1.0, 1, DTypeError),
        ([[1.0]], 1.0, 1, DTypeError),
    ],
)
def test_normalise_refuses(w: object, total: object, axis: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        P.normalise(w, total=total, axis=axis)  # type: ignore[type-var]


def test_scaling_is_its_equation_and_keeps_ratios() -> None:
    """Spikes at regular intervals; the trace written as a geometric sum."""
    post = torch.zeros(4001, 1, 1, dtype=torch.float64)
    post[::100] = 1.0
    w = torch.tensor([[0.1, 0.2, 0.4]], dtype=torch.float64)
    rule = P.SynapticScaling(eta=0.01, target=4.0, tau=500.0, every=1000.0)
    got = P.learn(rule, w, torch.zeros(4001, 1, 3, dtype=torch.float64), post).w[0]
    factor = 1.0
    for step in (1000, 2000, 3000, 4000):
        y = sum(math.exp((s - step) / 500.0) for s in range(0, step + 1, 100))
        factor *= math.exp(0.01 * (4.0 - 1000.0 * y / 500.0))
    np.testing.assert_allclose(got, w * factor, rtol=1e-9)


def test_scaling_reaches_the_target_rate_whatever_the_drive() -> None:
    """Poisson neurons of rate w q, with drives q of 1 ... 100 Hz: 5 Hz within 10 %, control with eta = 0 far off."""
    drive = torch.tensor([1.0, 3.0, 10.0, 30.0, 100.0])
    generator = torch.Generator().manual_seed(0)
    for eta in (0.02, 0.0):
        rule = P.SynapticScaling(dt=10.0, eta=eta, target=5.0, tau=2000.0, w_max=100.0)
        w, state = torch.ones(5, 1), None
        for _ in range(100):
            p = (w[:, 0] * drive * 0.01).clamp(max=1.0)
            post = (torch.rand(100, 20, 5, generator=generator) < p).float()
            learned = P.learn(rule, w, torch.zeros(100, 20, 1), post, state=state)
            w, state = learned.w.mean(0), learned.state
        rates = w[:, 0] * drive
        if eta:
            torch.testing.assert_close(rates, torch.full((5,), 5.0), rtol=0.1, atol=0.0)
        else:
            assert rates.tolist() == drive.tolist()


def test_thresholds_reach_the_target_count() -> None:
    """LIF neurons of different drive in the end spike as often as each other: within 10 % of 4 spikes per 100 steps."""
    generator = torch.Generator().manual_seed(0)
    drive = torch.tensor([0.5, 1.0, 2.0, 4.0])
    layer = sl.LIF(tau_mem=10.0, v_th=torch.ones(4))
    plasticity = P.IntrinsicPlasticity(eta=0.01, target=4.0)
    before = layer(drive * torch.rand(100, 50, 4, generator=generator) * 2).sum(0).mean(0)
    assert float(before.max()) > 2 * 4.0 and float(before.min()) < 4.0 / 2
    counts = []
    for _ in range(300):
        spikes = layer(drive * torch.rand(100, 10, 4, generator=generator) * 2).sum(0)
        layer.v_th = plasticity.update(layer.v_th, spikes)
        counts.append(spikes.mean(0))
    torch.testing.assert_close(torch.stack(counts[-100:]).mean(0), torch.full((4,), 4.0), rtol=0.1, atol=0.0)


def test_thresholds_of_a_population_reach_the_target_between_runs() -> None:
    """The same in the simulator, at constant currents: 5 spikes in 100 ms, to within a spike."""
    net = sl.network.Network(dt=1.0, seed=0)
    cells = net.population(3, sl.LIF(tau_mem=10.0), name="cells")
    for index, current in enumerate((1.2, 2.0, 4.0)):
        net.connect(sl.network.DirectCurrent(current), cells[index : index + 1])
    net.record(cells, "s")
    cells["v_th"] = np.ones(3)
    plasticity, counts = P.IntrinsicPlasticity(eta=0.05, target=5.0), []
    for _ in range(60):
        trains = net.run(100.0)["cells"].spikes
        counts.append(np.bincount(trains.neurons, minlength=3))
        cells["v_th"] = plasticity.update(cells["v_th"], torch.tensor(counts[-1][None]).double())
    assert counts[0].max() > 20
    np.testing.assert_allclose(np.mean(counts[-20:], axis=0), 5.0, atol=1.0)


def test_sigmoid_plasticity_is_the_gradient_of_the_information() -> None:
    """Minus the derivative of the divergence from the exponential distribution, E[y / mu - log dy/dx]."""
    a, b = torch.tensor([0.7, 2.0]).double().requires_grad_(), torch.tensor([-0.4, 0.3]).double().requires_grad_()
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)).double()
    y = torch.sigmoid(a * x + b)
    (y / 0.2 - torch.log(a * y * (1 - y))).mean(0).sum().backward()
    assert a.grad is not None and b.grad is not None
    gain, bias = P.SigmoidPlasticity(eta=0.01, target=0.2).update(a.detach(), b.detach(), x)
    torch.testing.assert_close(gain, a.detach() - 0.01 * a.grad)
    torch.testing.assert_close(bias, b.detach() - 0.01 * b.grad)


def test_sigmoid_plasticity_makes_rates_exponential() -> None:
    """From Gaussian input: mean 0.1, and a standard deviation as large as the mean, both within 15 %."""
    generator = torch.Generator().manual_seed(0)
    rule, a, b = P.SigmoidPlasticity(eta=0.01, target=0.1), torch.ones(1), torch.zeros(1)
    for _ in range(3000):
        a, b = rule.update(a, b, torch.randn(20, 1, generator=generator))
    y = torch.sigmoid(a * torch.randn(20_000, 1, generator=generator) + b)
    assert float(y.mean()) == pytest.approx(0.1, rel=0.15)
    assert float(y.std()) == pytest.approx(0.1, rel=0.15)


@pytest.mark.parametrize(
    ("v_th", "spikes", "error"),
    [
        (torch.ones(3), torch.ones(2, 4), ShapeError),
        (torch.ones(3), torch.full((2, 3), math.nan), ParameterError),
        (torch.ones(3), torch.ones(2, 3, dtype=torch.int64), DTypeError),
        (1.0, torch.ones(2, 3), DTypeError),
    ],
)
def test_thresholds_refuse(v_th: torch.Tensor, spikes: torch.Tensor, error: type[Exception]) -> None:
    with pytest.raises(error):
        P.IntrinsicPlasticity().update(v_th, spikes)
