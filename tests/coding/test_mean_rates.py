"""The three averages that are called a rate: what each sees, and that they converge to each other."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from spikeloom.coding import InhomogeneousPoisson, count_rate, density_rate, inhomogeneous_poisson, population_rate
from spikeloom.errors import ParameterError, ShapeError

WINDOW = 10  # ms


def step_rate(repetitions: int) -> Tensor:
    """10 spikes per second for half a second, then 50, [1000 ms, repetitions]."""
    rate = torch.full((1000, 1), 10.0)
    rate[500:] = 50.0
    return rate.expand(1000, repetitions)


TRUE = step_rate(1)[::WINDOW, 0].double()


def trains(repetitions: int, seed: int) -> Tensor:
    return inhomogeneous_poisson(step_rate(repetitions), generator=torch.Generator().manual_seed(seed)).double()


def density(number: int, seed: int) -> Tensor:
    return density_rate(trains(number, seed), window=WINDOW)


def population(number: int, seed: int) -> Tensor:
    return population_rate(trains(number, seed).unsqueeze(1), window=WINDOW)[:, 0]


def rms(x: Tensor) -> float:
    return x.square().mean().sqrt().item()


def test_a_count_knows_the_mean_only() -> None:
    rates = count_rate(trains(2000, 0))
    # 30 spikes in one second: the standard error of the mean of 2000 counts is sqrt(30 / 2000) = 0.12.
    assert rates.mean().item() == pytest.approx(30.0, abs=6 * 0.12)
    assert rates.ndim == 1  # nothing in it tells when


@pytest.mark.parametrize("estimate", [density, population])
def test_trials_and_neurons_recover_the_time_course(estimate) -> None:  # type: ignore[no-untyped-def]
    error = rms(estimate(200, 1) - TRUE)
    # Counts in a window are nearly Poisson: a variance of rate / (window K), 1000 / 10 / 200 = 0.5 per spike per
    # second; with the binomial's factor 1 - rate dt, over both halves: sqrt(0.5 (10 * 0.99 + 50 * 0.95) / 2) = 3.8.
    assert error == pytest.approx(3.8, rel=0.25)  # 100 windows: a standard error of 7 %
    assert error < 0.1 * TRUE.max().item()


def test_trials_and_neurons_agree() -> None:
    # Independent estimates of the same rate: their difference has twice the variance of each error.
    assert rms(density(200, 1) - population(200, 2)) == pytest.approx(math.sqrt(2) * 3.8, rel=0.25)


@pytest.mark.parametrize("estimate", [density, population])
def test_the_error_falls_with_the_root_of_the_number(estimate) -> None:  # type: ignore[no-untyped-def]
    numbers = torch.tensor([20, 40, 80, 160, 320, 640, 1280])
    errors = torch.tensor([rms(estimate(int(n), 100 + int(n)) - TRUE) for n in numbers], dtype=torch.float64)
    x, y = numbers.double().log(), errors.log()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    assert slope.item() == pytest.approx(-0.5, abs=0.05)


def test_over_one_window_and_one_trial_all_three_are_the_same() -> None:
    train = trains(1, 3)
    rate = count_rate(train).item()
    assert density_rate(train, window=1000).item() == pytest.approx(rate)
    assert population_rate(train.unsqueeze(1), window=1000).item() == pytest.approx(rate)


def test_units() -> None:
    one = torch.ones(20, 1, 1)
    for dt in (0.5, 2.0):
        assert count_rate(one, dt=dt).item() == density_rate(one, window=5, dt=dt)[0].item() == 1000.0 / dt


def test_a_constant_rate_is_the_poisson_code() -> None:
    spikes = inhomogeneous_poisson(torch.full((400, 500), 80.0), dt=0.5, generator=torch.Generator().manual_seed(4))
    expected = 400 * 500 * 0.04
    assert abs(spikes.sum().item() - expected) < 6 * math.sqrt(expected * 0.96)


def test_the_module_is_the_function() -> None:
    x = torch.rand(30, 4, 3)
    seeded = torch.Generator().manual_seed
    expected = inhomogeneous_poisson(x * 250.0, dt=2.0, generator=seeded(5))
    assert torch.equal(InhomogeneousPoisson(max_rate=250.0, dt=2.0)(x, seeded(5)), expected)


def test_windows_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="a multiple of the window of 3 steps, got 10 steps"):
        density_rate(torch.zeros(10, 2), window=3)
    with pytest.raises(ShapeError, match="neurons"):
        population_rate(torch.zeros(10, 2), window=5)
    with pytest.raises(ParameterError, match="rate of inhomogeneous_poisson"):
        inhomogeneous_poisson(torch.full((5, 1), 1001.0), generator=None)
