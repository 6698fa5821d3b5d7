"""Sigma and sigma-chi decoders: what rates and co-firing rates say of position and velocity.

`pytest -rP tests/coding/test_readouts_co_firing.py` prints the correlations.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from spikeloom.coding import circular_order, co_firing_rates, exponential_trace, sigma, sigma_chi
from spikeloom.errors import DTypeError, ParameterError, ShapeError

SECONDS = 120


def ride(seed: int, *, deviation: float, tau: float) -> tuple[Tensor, Tensor, torch.Generator]:
    """Angle in radians and angular velocity in radians per second, in steps of a millisecond: filtered noise."""
    draw = torch.Generator().manual_seed(seed)
    noise = torch.randn(1000 * SECONDS, 1, generator=draw, dtype=torch.float64)
    velocity = deviation * math.sqrt(-math.expm1(-2.0 / tau)) * exponential_trace(noise, tau=tau)[:, 0]
    return (velocity / 1000.0).cumsum(0), velocity, draw


def fire(rates: Tensor, draw: torch.Generator) -> Tensor:
    """Spikes of rates [time, neurons] in Hz, as [time, 1, neurons]."""
    return (torch.rand(rates.shape, generator=draw, dtype=torch.float64) < rates / 1000.0).double().unsqueeze(1)


def r(a: Tensor, b: Tensor) -> float:
    return float(torch.corrcoef(torch.stack((a, b)))[0, 1])


def shown(what: str, *numbers: float) -> None:
    print(what, *(f"{number:.3f}" for number in numbers))


def spread(n: int) -> Tensor:
    return 2.0 * math.pi / n * torch.arange(n, dtype=torch.float64)


@pytest.mark.parametrize("seed", [0, 1])
def test_head_direction_cells(seed: int) -> None:
    angle, velocity, draw = ride(seed, deviation=3.0, tau=4000.0)
    preferred = spread(12)
    spikes = fire(60.0 * torch.exp(4.0 * (torch.cos(angle.unsqueeze(1) - preferred) - 1.0)), draw)
    compass = torch.stack((preferred.cos(), preferred.sin()), 1)
    position = sigma(spikes, compass, tau=50.0)[:, 0].T
    turning = sigma_chi(spikes, circular_order(preferred), tau_gate=100.0, tau=200.0)[:, 0, 0]
    place = angle.cos(), angle.sin()
    by_rate = [r(p, q) for p, q in zip(position, place, strict=True)]
    shown("sigma: position", *by_rate, r(position[0], velocity), r(position[1], velocity))
    shown("sigma-chi: velocity, position", r(turning, velocity), *(r(turning, q) for q in place))
    # Published for another path: 0.94 and -0.02, 0.92 and -0.03. With 120 s of a path that forgets itself in 4 s a
    # correlation of what is not related has a deviation of about 1 / sqrt(30 to 60).
    assert all(c == pytest.approx(0.94, abs=0.03) for c in by_rate)
    assert all(abs(r(p, velocity)) < 0.15 for p in position)
    assert r(turning, velocity) == pytest.approx(0.92, abs=0.03)
    assert all(abs(r(turning, q)) < 0.15 for q in place)


def test_theta_modulated_speed_cells() -> None:
    """The converse: rates follow the velocity, the phases between oscillators the position."""
    angle, velocity, draw = ride(0, deviation=2.0, tau=3000.0)
    offsets = spread(6)
    time = torch.arange(len(angle), dtype=torch.float64).unsqueeze(1) / 1000.0
    # Six cells whose frequency changes with velocity, six whose does not.
    phase = torch.cat((angle.unsqueeze(1) + offsets, offsets.expand(len(angle), -1)), 1) + 2.0 * math.pi * 8.0 * time
    gain = 1.0 + 0.5 * (velocity / 4.0).clamp(-1.0, 1.0).unsqueeze(1)
    spikes = fire(60.0 * gain * torch.exp(2.0 * (torch.cos(phase) - 1.0)), draw)
    speed = sigma(spikes, torch.ones(12, 1).double(), tau=300.0)[:, 0, 0]
    apart = offsets.unsqueeze(1) - offsets
    weights = torch.zeros(12, 12, 2, dtype=torch.float64)
    weights[:6, 6:] = torch.stack((apart.cos(), -apart.sin()), 2)
    weights = weights + weights.transpose(0, 1)
    position = sigma_chi(spikes, weights, tau_gate=10.0, tau=300.0)[:, 0].T
    place = angle.cos(), angle.sin()
    by_phase = [r(p, q) for p, q in zip(position, place, strict=True)]
    shown("sigma: velocity, position", r(speed, velocity), *(r(speed, q) for q in place))
    shown("sigma-chi: position, velocity", *by_phase, *(r(p, velocity) for p in position))
    assert r(speed, velocity) > 0.85
    assert all(abs(r(speed, q)) < 0.15 for q in place)
    assert all(c > 0.75 for c in by_phase)
    assert all(abs(r(p, velocity)) < 0.15 for p in position)


def noise(seed: int, steps: int = 30, neurons: int = 4) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(steps, 2, neurons, generator=draw, dtype=torch.float64) < 0.3).double()


def test_sigma_chi_is_the_weighted_sum_of_co_firing_rates() -> None:
    spikes = noise(0)
    weights = torch.randn(4, 4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rates = co_firing_rates(spikes, tau_gate=4.0, tau=9.0, dt=0.5)
    expected = torch.einsum("tbij,ijk->tbk", rates, weights)
    assert torch.allclose(sigma_chi(spikes, weights, tau_gate=4.0, tau=9.0, dt=0.5), expected, atol=1e-12)


def test_co_firing_rates_by_definition() -> None:
    spikes = noise(2)
    rates = co_firing_rates(spikes, tau_gate=4.0, tau=9.0)[-1, 1]
    s = spikes[:, 1].tolist()
    for i in range(4):
        for j in range(4):
            expected = sum(
                s[t][j] * math.exp(-(29 - t) / 9) * sum(s[u][i] * math.exp(-(t - u) / 4) for u in range(t + 1))
                for t in range(30)
            )
            assert rates[i, j].item() == pytest.approx(expected, rel=1e-12)


def test_sigma_is_the_weighted_sum_of_traces() -> None:
    spikes = noise(3)
    weights = torch.randn(4, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = exponential_trace(spikes, tau=5.0) @ weights
    assert torch.allclose(sigma(spikes, weights, tau=5.0), expected, atol=1e-12)


def test_antisymmetric_weights_read_the_order_of_spikes() -> None:
    weights = circular_order(spread(4))
    assert torch.allclose(weights, -weights.transpose(0, 1), atol=1e-15)
    # One spike each, one after the other: forwards, and the same backwards in time.
    forwards = torch.eye(4, dtype=torch.float64).unsqueeze(1)
    one, other = (sigma_chi(s, weights, tau_gate=3.0, tau=1e6)[-1].item() for s in (forwards, forwards.flip(0)))
    assert one > 0.5
    # Apart from the little that tau forgets in four steps.
    assert other == pytest.approx(-one, rel=1e-5)
    # All at once say nothing.
    assert sigma_chi(torch.ones(9, 1, 4).double(), weights, tau_gate=3.0, tau=5.0).abs().max().item() < 1e-12


def test_decoders_are_differentiable() -> None:
    spikes, weights = noise(4, steps=5).requires_grad_(), circular_order(spread(4)).requires_grad_()
    assert torch.autograd.gradcheck(lambda s, w: sigma_chi(s, w, tau_gate=3.0, tau=5.0), (spikes, weights))
    assert torch.autograd.gradcheck(lambda s, w: sigma(s, w[0], tau=5.0), (spikes, weights))


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_wrong_parameters_are_refused(bad: Any) -> None:
    spikes, weights = noise(0), circular_order(spread(4))
    for gate, tau in ((bad, 1.0), (1.0, bad)):
        with pytest.raises(ParameterError, match="tau"):
            sigma_chi(spikes, weights, tau_gate=gate, tau=tau)
        with pytest.raises(ParameterError, match="tau"):
            co_firing_rates(spikes, tau_gate=gate, tau=tau)
    with pytest.raises(ParameterError, match="tau"):
        sigma(spikes, weights[0], tau=bad)


def test_wrong_input_is_refused() -> None:
    spikes, weights = noise(0), circular_order(spread(4))
    for bad in (weights[0], weights[:3], weights.squeeze(2)):
        with pytest.raises(ShapeError, match=r"\[4, 4, outputs\]"):
            sigma_chi(spikes, bad, tau_gate=1.0, tau=1.0)
    with pytest.raises(ShapeError, match=r"\[4, outputs\]"):
        sigma(spikes, weights, tau=1.0)
    with pytest.raises(ShapeError, match=r"\[time, batch, neurons\]"):
        sigma(spikes[0], weights[0], tau=1.0)
    with pytest.raises(ParameterError, match="finite"):
        sigma(spikes, weights[0] * math.nan, tau=1.0)
    with pytest.raises(ParameterError, match="finite"):
        co_firing_rates(spikes * math.nan, tau_gate=1.0, tau=1.0)
    with pytest.raises(DTypeError):
        sigma_chi(spikes.long(), weights, tau_gate=1.0, tau=1.0)
    with pytest.raises(ShapeError, match="angles"):
        circular_order(torch.zeros(2, 2))
