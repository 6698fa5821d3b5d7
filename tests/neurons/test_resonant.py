"""Resonant neurons: frequency, doublets, the divergence boundary and published recursions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom import neurons
from spikeloom.errors import ParameterError
from spikeloom.neurons import AdLIF, BalancedResonateAndFire, Neuron, ResonateAndFire

DOUBLE = torch.float64


def rung(steps: int, at: int = 0, size: float = 1.0) -> Tensor:
    """One pulse into silence."""
    x = torch.zeros(steps, 1, 1, dtype=DOUBLE)
    x[at] = size
    return x


def traced(neuron: Neuron, x: Tensor, *names: str) -> dict[str, Tensor]:
    with torch.no_grad(), sl.record(neuron, *names) as trace:
        neuron(x)
    return {name: trace[name][:, 0] for name in names}


def angular_frequency(v: np.ndarray, dt: float) -> float:
    """From the interpolated zero crossings of a ringing variable."""
    before = np.flatnonzero(v[:-1] * v[1:] < 0)
    crossings = before + v[before] / (v[before] - v[before + 1])
    return float(math.pi / (np.diff(crossings).mean() * dt))


def test_resonate_and_fire_rings_with_the_imaginary_part_of_its_eigenvalue() -> None:
    """Linear interpolation of a zero crossing errs by (b / omega) (omega dt)^2 / 8 of a half-wave at most: 2e-4."""
    neuron = ResonateAndFire(dt=0.05, b=-0.05, omega=0.7, v_th=math.inf)
    trace = traced(neuron, rung(2000), "z_real", "z_imag")
    v = trace["z_imag"].flatten().numpy()
    assert angular_frequency(v, 0.05) == pytest.approx(0.7, rel=2e-4)
    envelope = np.hypot(trace["z_real"].flatten().numpy(), v)
    np.testing.assert_allclose(envelope[1:] / envelope[:-1], math.exp(-0.05 * 0.05), rtol=1e-9)


@pytest.mark.parametrize(("tau_mem", "tau_w", "a"), [(5.0, 20.0, 6.0), (10.0, 10.0, 4.0), (20.0, 100.0, 30.0)])
def test_adlif_rings_with_the_frequency_of_its_closed_form(tau_mem: float, tau_w: float, a: float) -> None:
    """And does not below the threshold of a that the docstring gives."""
    wanted = math.sqrt((1 + a) / (tau_mem * tau_w) - (1 / tau_mem + 1 / tau_w) ** 2 / 4)
    neuron = AdLIF(dt=0.02, tau_mem=tau_mem, tau_w=tau_w, a=a, v_th=math.inf)
    v = traced(neuron, rung(5000), "v")["v"].flatten().numpy()[1:]
    assert angular_frequency(v, 0.02) == pytest.approx(wanted, rel=1e-4)
    limit = (1 - tau_mem / tau_w) ** 2 * tau_w / tau_mem / 4
    # At the limit v turns negative once, t exp(-t / tau), and does not come back.
    overdamped = AdLIF(dt=0.02, tau_mem=tau_mem, tau_w=tau_w, a=0.9 * limit, v_th=math.inf)
    if limit > 0:
        v = traced(overdamped, rung(5000), "v")["v"].flatten().numpy()[1:]
        assert np.count_nonzero(v[:-1] * v[1:] < 0) <= 1


def test_doublets_fire_at_the_resonant_interval_only() -> None:
    """Two pulses, each too weak, fire where their responses add up to the threshold, by the closed form of a response.

    That is around one and two periods apart, and not around half a period and one and a half.
    """
    period = 2 * math.pi
    intervals = torch.arange(1, 141)  # in steps of 0.1 ms
    x = torch.zeros(400, 1, len(intervals), dtype=DOUBLE)
    x[0] = 7.5
    for k, n in enumerate(intervals.tolist()):
        x[n, :, k] = 7.5
    neuron = ResonateAndFire(b=-0.02)
    with torch.no_grad():
        fires = neuron(x).sum(0).flatten() > 0
        one = neuron(rung(400, size=7.5)).sum()
    assert float(one) == 0
    z = 7.5 * (math.e ** ((-0.02 + 1j) * 0.1) - 1) / (-0.02 + 1j)  # what a pulse leaves
    t = 0.1 * torch.arange(0, 400, dtype=DOUBLE)
    response = (z * torch.exp(torch.complex(torch.tensor(-0.02), torch.tensor(1.0)).to(torch.complex128) * t)).imag
    for k, n in enumerate(intervals.tolist()):
        total = response.clone()
        total[n:] += response[: len(t) - n]
        assert bool(fires[k]) == bool(total.max() >= 1), f"interval {n}"
    near = (intervals * 0.1 / period).tolist()
    firing = {round(p, 2): bool(f) for p, f in zip(near, fires, strict=True)}
    assert all(f for p, f in firing.items() if abs(p - 1) < 0.05 or abs(p - 2) < 0.05)
    assert not any(f for p, f in firing.items() if abs(p - 0.5) < 0.1 or abs(p - 1.5) < 0.1)


def test_resonate_and_fire_resets_to_i() -> None:
    trace = traced(ResonateAndFire(), torch.full((100, 1, 1), 3.0, dtype=DOUBLE), "z_real", "z_imag", "s")
    at = trace["s"].flatten() > 0
    assert at.any()
    assert (trace["z_real"][at] == 0).all()
    assert (trace["z_imag"][at] == 1).all()


def test_adaptive_resonate_and_fire_is_a_wrapper() -> None:
    x = torch.full((2000, 1, 1), 3.0, dtype=DOUBLE)
    adaptive = sl.AdaptiveThreshold(ResonateAndFire(), beta=0.2, tau_adapt=50.0)
    with torch.no_grad():
        plain, adapted = (float(n(x).sum()) for n in (ResonateAndFire(), adaptive))
    assert 0 < adapted < 0.8 * plain


def brf(x: np.ndarray, omega: float, b_offset: float, delta: float = 0.01) -> np.ndarray:
    """The paper's recursion in its own time: real and imaginary part, q and spikes of each step."""
    p = (-1 + math.sqrt(1 - (delta * omega) ** 2)) / delta
    u, q, rows = 0j, 0.0, []
    for value in x:
        b = p - b_offset - q
        u = u + delta * ((b + 1j * omega) * u + value)
        s = float(u.real - 1 - q >= 0)
        q = 0.9 * q + s
        rows.append((u.real, u.imag, q, s))
    return np.array(rows)


@pytest.mark.parametrize(("omega", "b_offset"), [(10.0, 1.0), (40.0, 0.1), (5.0, 0.0)])
def test_balanced_resonate_and_fire_is_the_published_recursion(omega: float, b_offset: float) -> None:
    x = 20 + 40 * torch.randn(1500, 1, 1, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    wanted = brf(x.flatten().numpy(), omega, b_offset)
    neuron = BalancedResonateAndFire(omega=0.01 * omega, b_offset=0.01 * b_offset)
    found = traced(neuron, x, "z_real", "z_imag", "q", "s")
    assert 10 < wanted[:, 3].sum() < 1000
    assert found["s"].flatten().tolist() == wanted[:, 3].tolist()
    np.testing.assert_allclose(torch.cat(list(found.values()), 1), wanted, atol=1e-9)


def test_balanced_resonate_and_fire_keeps_its_size_at_the_divergence_boundary() -> None:
    """|1 + dt (p + i omega)| = 1 for any omega; beyond it Euler's method would grow."""
    omega = torch.tensor([0.01, 0.1, 0.5, 0.95], dtype=DOUBLE)
    neuron = BalancedResonateAndFire(omega=omega, b_offset=0.0, v_th=math.inf)
    trace = traced(neuron, rung(20_000, size=50.0).expand(-1, 1, 4).contiguous(), "z_real", "z_imag")
    size = torch.hypot(trace["z_real"], trace["z_imag"])
    np.testing.assert_allclose(size, np.full(size.shape, 0.5), rtol=1e-10)
    with pytest.raises(ParameterError, match="unstable"):
        ResonateAndFire(dt=1.0, b=-0.001, omega=0.1, integrator=neurons.Euler())
    with pytest.raises(ParameterError, match="dt omega < 1"):
        BalancedResonateAndFire(omega=1.5)
    with pytest.raises(ParameterError, match="dt omega < 1"):
        neuron.dt = 2.0
