"""Rate codes against the binomial distribution that they state."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeloom.coding import Bernoulli, Poisson, bernoulli, poisson, spike_count, spike_rate
from spikeloom.coding._checks import check_generator
from spikeloom.errors import DeviceError, DTypeError, ParameterError, ShapeError


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def binomial_bound(n: int, p: float) -> float:
    """Six standard deviations: a right encoder misses it with probability about 2e-9, and then for one seed only."""
    return 6.0 * math.sqrt(n * p * (1.0 - p)) + 1e-9


@pytest.mark.parametrize("p", [0.0, 0.003, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_count_is_binomial_in_the_mean(p: float, dtype: torch.dtype) -> None:
    values = torch.full((50, 40), p, dtype=dtype)
    exact = values[0, 0].item()  # what half precision made of p
    count = bernoulli(values, 100, generator=seeded(0)).double().sum().item()
    assert abs(count - 200_000 * exact) <= binomial_bound(200_000, exact)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_count_is_binomial_in_the_variance(p: float) -> None:
    steps, trials = 50, 20_000
    variance = spike_count(bernoulli(torch.full((trials, 1), p), steps, generator=seeded(1))).double().var().item()
    expected = steps * p * (1.0 - p)
    # Standard error of a variance from n nearly normal samples: sqrt(2 / n) of it; six of them.
    assert variance == pytest.approx(expected, rel=6.0 * math.sqrt(2.0 / trials))


def test_spikes_of_other_seeds_and_other_steps_are_independent() -> None:
    p = torch.full((1000, 20), 0.3)
    first, second = (bernoulli(p, 10, generator=seeded(seed)).double() for seed in (2, 3))
    pairs = {"seeds": (first, second), "steps": (first[1:], first[:-1]), "samples": (first[:, 1:], first[:, :-1])}
    for what, (a, b) in pairs.items():
        correlation = torch.corrcoef(torch.stack((a.flatten(), b.flatten())))[0, 1].item()
        assert abs(correlation) < 6.0 / math.sqrt(a.numel()), what  # standard error of no correlation: 1/sqrt(n)


@given(p=st.lists(st.floats(0.0, 1.0, width=32), min_size=1, max_size=20), steps=st.integers(1, 9))
def test_certain_and_impossible_spikes(p: list[float], steps: int) -> None:
    values = torch.tensor([p])
    spikes = bernoulli(values, steps, generator=seeded(4))
    assert spikes.shape == (steps, 1, len(p))
    assert spikes[:, values == 1.0].all()
    assert not spikes[:, values == 0.0].any()


def test_the_smallest_random_number_fires_nothing_impossible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.zeros(shape))
    assert bernoulli(torch.tensor([[0.0, 1e-30, 1.0]]), 1, generator=None).tolist() == [[[0.0, 1.0, 1.0]]]


@pytest.mark.parametrize(
    ("rate", "dt", "steps"), [(20.0, 1.0, 400), (20.0, 0.1, 4000), (900.0, 1.0, 400), (0.0, 1.0, 9)]
)
def test_poisson_rate_is_in_spikes_per_second_whatever_the_step(rate: float, dt: float, steps: int) -> None:
    spikes = poisson(torch.full((100, 1), rate), steps, dt=dt, generator=seeded(5))
    seconds = steps * dt / 1000.0
    p = rate * dt / 1000.0
    assert abs(spikes.sum().item() - 100 * rate * seconds) <= binomial_bound(100 * steps, p)


def test_rate_decoded_has_the_standard_deviation_of_the_binomial() -> None:
    rates = spike_rate(bernoulli(torch.full((20_000, 1), 0.25), 10, generator=seeded(6))).double()
    assert rates.std().item() == pytest.approx(math.sqrt(0.25 * 0.75 / 10), rel=6.0 / math.sqrt(2 * 20_000))


def test_modules_are_the_functions() -> None:
    x = torch.rand(4, 3, generator=seeded(7))
    assert torch.equal(Bernoulli(9)(x, seeded(8)), bernoulli(x, 9, generator=seeded(8)))
    module = Poisson(9, max_rate=250.0, dt=2.0)
    assert torch.equal(module(x, seeded(8)), poisson(x * 250.0, 9, dt=2.0, generator=seeded(8)))


def test_full_intensity_may_fire_in_every_step() -> None:
    assert Poisson(5, max_rate=1000.0 / 0.3, dt=0.3)(torch.ones(2, 3)).all()


@pytest.mark.parametrize("bad", [-0.01, 1.01, math.nan, math.inf])
def test_probabilities_that_are_none_are_refused(bad: float) -> None:
    with pytest.raises(ParameterError, match=r"p of bernoulli: expected values in \[0, 1\], got .* at index \(0, 1\)"):
        bernoulli(torch.tensor([[0.5, bad]]), 3, generator=None)


def test_more_than_one_spike_per_step_is_refused() -> None:
    with pytest.raises(ParameterError, match="rate of poisson"):
        poisson(torch.tensor([[501.0]]), 3, dt=2.0, generator=None)
    with pytest.raises(ParameterError, match="max_rate of Poisson"):
        Poisson(3, max_rate=501.0, dt=2.0)


@pytest.mark.parametrize("steps", [0, -1, 2.5, True, "4", None])
def test_steps_that_are_no_number_of_steps_are_refused(steps: int) -> None:
    with pytest.raises(ParameterError, match="whole number"):
        Bernoulli(steps)
    with pytest.raises(ParameterError, match="whole number"):
        bernoulli(torch.zeros(1, 1), steps, generator=None)


@pytest.mark.parametrize("dt", [0.0, -1.0, math.nan, math.inf])
def test_a_time_step_that_is_none_is_refused(dt: float) -> None:
    with pytest.raises(ParameterError, match="dt of poisson"):
        poisson(torch.zeros(1, 1), 3, dt=dt, generator=None)


def test_wrong_kinds_are_refused() -> None:
    with pytest.raises(DTypeError, match="255"):
        bernoulli(torch.zeros(1, 1, dtype=torch.uint8), 3, generator=None)
    with pytest.raises(DTypeError, match="Generator"):
        bernoulli(torch.zeros(1, 1), 3, generator=42)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="batch"):
        bernoulli(torch.tensor(0.5), 3, generator=None)


def test_a_generator_of_another_device_is_refused() -> None:
    with pytest.raises(DeviceError, match="expected a generator on meta, got one on cpu"):
        check_generator("generator", seeded(0), torch.empty(1, device="meta"))


def test_poisson_trains_have_exponential_intervals_and_no_memory() -> None:
    trains = poisson(torch.full((200, 1), 40.0), 20_000, dt=0.5, generator=seeded(9))[:, :, 0].double()
    p, n = 0.02, trains.numel()
    intervals = torch.cat([torch.diff(train.nonzero().flatten()) for train in trains.T]).double()
    # Geometric: standard deviation sqrt(1 - p) of the mean, which is 1 within 0.05; standard error about sqrt(2 / n).
    variation = (intervals.std() / intervals.mean()).item()
    assert variation == pytest.approx(math.sqrt(1 - p), rel=6 * math.sqrt(2 / len(intervals)))
    assert variation == pytest.approx(1.0, abs=0.05)
    # P(interval > k) = (1 - p)^k within the bound of Dvoretzky, Kiefer and Wolfowitz, missed with probability 2e-9.
    lengths = torch.arange(300)
    found = torch.stack([(intervals > k).double().mean() for k in lengths])
    assert (found - (1 - p) ** lengths).abs().max().item() < math.sqrt(10 / len(intervals))
    counts = trains.view(200, 100, 200).sum(1)
    assert (counts.var() / counts.mean()).item() == pytest.approx(1.0, abs=0.05)
    centred = trains - p
    for lag in (1, 2, 3, 5, 10, 50, 100):
        correlation = (centred[lag:] * centred[:-lag]).mean().item() / (p * (1 - p))
        assert abs(correlation) < 6 / math.sqrt(n), lag
