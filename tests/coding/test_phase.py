"""Phase codes: binary digits, and phases of an oscillation."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeloom.coding import (
    OscillationPhase,
    WeightedPhase,
    oscillation_phase,
    oscillation_phase_decode,
    spike_count,
    weighted_phase,
    weighted_phase_decode,
)
from spikeloom.errors import ParameterError, ShapeError

GRID = torch.linspace(0.0, 1.0, 4097, dtype=torch.float64).view(1, -1)


@pytest.mark.parametrize("periods", [1, 3])
def test_eight_steps_tell_eight_bits(periods: int) -> None:
    error = GRID - weighted_phase_decode(weighted_phase(GRID, 8 * periods))
    assert error.min().item() >= 0.0
    assert error.max().item() == 2.0**-8  # of x = 1 alone; all others are below it


@given(whole=st.integers(0, 255))
def test_the_weights_are_those_of_binary_digits(whole: int) -> None:
    spikes = weighted_phase(torch.tensor([[whole / 256]]), 16).flatten().tolist()
    digits = [float(digit) for digit in f"{whole:08b}"]
    assert spikes == digits * 2
    # t counted from 1, as in the paper.
    assert sum(s * 2.0 ** -(1 + (t - 1) % 8) for t, s in enumerate(spikes, start=1)) / 2 == whole / 256


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_many_digits(dtype: torch.dtype) -> None:
    x = GRID.to(dtype)
    assert (x - weighted_phase_decode(weighted_phase(x, 23, period=23), period=23)).abs().max().item() <= 2.0**-23


def test_half_a_period_is_refused() -> None:
    with pytest.raises(ParameterError, match="steps of WeightedPhase: expected a multiple of the period of 8, got 12"):
        WeightedPhase(12)
    with pytest.raises(ParameterError, match="at most 23"):
        WeightedPhase(24, period=24)
    with pytest.raises(ShapeError, match="a multiple of the period"):
        weighted_phase_decode(torch.zeros(12, 1))


@pytest.mark.parametrize(("frequency", "span"), [(40.0, math.pi), (10.0, math.pi), (7.3, 1.5), (8.0, 1.8 * math.pi)])
def test_the_phase_is_off_by_half_a_step_at_most(frequency: float, span: float) -> None:
    spikes = oscillation_phase(GRID, 1000, frequency=frequency, span=span)
    phase = oscillation_phase_decode(spikes, frequency=frequency, span=span) * span
    bound = math.pi * frequency / 1000.0
    assert (phase - GRID * span).abs().max().item() <= bound + 1e-9


def test_jittered_phases_are_recovered_by_the_complex_mean() -> None:
    cycles, jitter = 1000, 0.05
    x = torch.linspace(0.02, 0.98, 50, dtype=torch.float64).view(1, -1)
    generator = torch.Generator().manual_seed(0)
    # A period of 31.25 steps, so that rounding to steps averages out as well.
    spikes = oscillation_phase(x, int(cycles * 31.25), frequency=32.0, jitter=jitter, generator=generator)
    phase = oscillation_phase_decode(spikes, frequency=32.0) * math.pi
    error = phase - x * math.pi
    # 2 pi jitter / sqrt(cycles) = 0.0099 expected; sqrt(2 * 50) = 10 % is the standard error of that.
    assert error.square().mean().sqrt().item() == pytest.approx(2 * math.pi * jitter / math.sqrt(cycles), rel=0.35)
    assert error.abs().max().item() < 0.05


def test_one_spike_per_cycle_earlier_for_larger_values() -> None:
    spikes = oscillation_phase(torch.tensor([[0.0, 0.5, 1.0]]), 100, frequency=50.0)
    assert spike_count(spikes).tolist() == [[5.0, 5.0, 5.0]]
    assert [spikes[:, 0, i].nonzero()[0].item() for i in range(3)] == [0, 15, 10]
    # Maxima of A cos(2 pi f t + phi), whatever A.
    t = torch.arange(100) / 1000.0
    wave = torch.cos(2 * math.pi * 50.0 * t + 0.5 * math.pi)
    assert bool((wave[spikes[:, 0, 1].bool()] > 1.0 - 1e-6).all())


def test_the_step_does_not_matter_but_for_its_rounding() -> None:
    for dt in (0.1, 0.5, 2.0):
        spikes = oscillation_phase(GRID, int(200 / dt), frequency=20.0, dt=dt)
        decoded = oscillation_phase_decode(spikes, frequency=20.0, dt=dt)
        assert (decoded - GRID).abs().max().item() <= 20.0 * dt / 1000.0 + 1e-9


def test_without_spikes_the_value_is_zero() -> None:
    assert oscillation_phase_decode(torch.zeros(50, 2, 3), frequency=40.0).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"frequency": 501.0}, "frequency"),
        ({"frequency": 0.0}, "frequency"),
        ({"frequency": 40.0, "span": 7.0}, "span"),
        ({"frequency": 40.0, "jitter": -0.1}, "jitter"),
        ({"frequency": 40.0, "jitter": math.nan}, "jitter"),
    ],
)
def test_oscillations_that_are_none_are_refused(arguments: dict[str, float], what: str) -> None:
    with pytest.raises(ParameterError, match=f"{what} of OscillationPhase"):
        OscillationPhase(100, **arguments)
