"""Populations, phases, bursts and ranks against closed forms."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikeloom.coding import (
    bernoulli,
    first_burst,
    highest_rate,
    latency_mean,
    linear_latency,
    nearest_template,
    pool_populations,
    population_direction,
    population_mean,
    population_vector,
    rank_weights,
    spike_count,
    spike_phase,
    spike_ranks,
)
from spikeloom.errors import DTypeError, ParameterError, ShapeError

angles = st.floats(-3.1, 3.1)
trains = st.lists(st.booleans(), min_size=1, max_size=20)


def column(values: list[Any]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(-1, 1)


def spread(n: int) -> Tensor:
    return 2.0 * math.pi / n * torch.arange(n, dtype=torch.float64)


@given(angle=angles, n=st.integers(3, 24), base=st.floats(1.0, 50.0), gain=st.floats(0.1, 1.0))
def test_population_vector_of_cosine_tuning(angle: float, n: int, base: float, gain: float) -> None:
    preferred = spread(n)
    rates = (base * (1.0 + gain * torch.cos(angle - preferred))).unsqueeze(0)
    vector = population_vector(rates, torch.stack((preferred.cos(), preferred.sin()), 1))[0].tolist()
    size = n * base * gain / 2.0
    assert vector == pytest.approx([size * math.cos(angle), size * math.sin(angle)], abs=1e-9 * n * base)
    direction = population_direction(rates, preferred)
    # sum r exp(j theta) / sum r = (N k / 2) / (N b) = gain / 2
    assert direction.angle.item() == pytest.approx(angle, abs=1e-9)
    assert direction.strength.item() == pytest.approx(gain / 2.0)


@given(angle=angles, kappa=st.floats(0.1, 3.0))
def test_population_direction_of_circular_tuning(angle: float, kappa: float) -> None:
    # Sums over 32 even angles are integrals to far below 1e-9: the strength is I1(kappa) / I0(kappa).
    rates = torch.exp(kappa * (torch.cos(angle - spread(32)) - 1.0)).unsqueeze(0)
    found = population_direction(rates, spread(32))
    bessel = torch.special.i1(torch.tensor(kappa)) / torch.special.i0(torch.tensor(kappa))
    assert found.angle.item() == pytest.approx(angle, abs=1e-9)
    assert found.strength.item() == pytest.approx(bessel.item(), rel=1e-5)


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100.0), shift=angles)
def test_what_populations_are_invariant_to(seed: int, scale: float, shift: float) -> None:
    rates = torch.rand(3, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    preferred = torch.linspace(-1.0, 2.0, 7, dtype=torch.float64)
    mean = population_mean(rates, preferred)
    assert torch.allclose(population_mean(scale * rates, preferred), mean)
    assert torch.allclose(population_mean(rates, preferred + shift), mean + shift)
    direction, turned = population_direction(rates, preferred), population_direction(scale * rates, preferred + shift)
    off = turned.angle - direction.angle - shift
    assert torch.allclose(torch.sin(off / 2.0), torch.zeros(3).double(), atol=1e-9)
    assert torch.allclose(turned.strength, direction.strength)
    vectors = torch.stack((preferred, preferred.square()), 1)
    assert torch.allclose(population_vector(scale * rates, vectors), scale * population_vector(rates, vectors))


@given(x=st.floats(-2.0, 2.0))
def test_population_mean_of_gaussian_tuning(x: float) -> None:
    preferred = torch.arange(-10.0, 10.5, 0.5, dtype=torch.float64)
    rates = torch.exp(-0.5 * (x - preferred).square()).unsqueeze(0)
    # Poisson summation: the grid of 0.5 sigma is wrong by about exp(-2 pi^2 / 0.25) = 5e-35, the ends by exp(-8^2 / 2).
    assert population_mean(rates, preferred).item() == pytest.approx(x, abs=1e-11)


def test_silent_populations_say_so() -> None:
    silent = torch.zeros(1, 3)
    assert population_mean(silent, torch.zeros(3)).isnan().all()
    assert latency_mean(torch.zeros(4, 1, 3), torch.zeros(3), tau=1.0).isnan().all()
    assert [part.tolist() for part in population_direction(silent, torch.zeros(3))] == [[0.0], [0.0]]
    assert spike_phase(torch.zeros(4, 1), frequency=10.0).strength.tolist() == [0.0]


@given(seed=st.integers(0, 1000), wait=st.integers(0, 500), tau=st.floats(0.2, 20.0))
def test_latency_mean_by_definition(seed: int, wait: int, tau: float) -> None:
    times = torch.randint(0, 12, (1, 5), generator=torch.Generator().manual_seed(seed))
    clock = torch.arange(10 + wait).view(-1, 1, 1)
    spikes = ((clock == times + wait) & (times < 10)).double()  # the last two are silent
    preferred = torch.arange(5.0, dtype=torch.float64).square()
    weights = [math.exp(-t / tau) if t < 10 else 0.0 for t in times[0].tolist()]
    if not sum(weights):
        return
    expected = math.fsum(w * p for w, p in zip(weights, preferred.tolist(), strict=True)) / math.fsum(weights)
    assert latency_mean(spikes, preferred, tau=tau).item() == pytest.approx(expected, rel=1e-12)


@given(phase=st.floats(0.0, 0.99), cycle=st.integers(4, 40))
def test_phase_of_regular_spikes(phase: float, cycle: int) -> None:
    at = int(phase * cycle)
    spikes = column([float(t % cycle == at) for t in range(20 * cycle)])
    found = spike_phase(spikes, frequency=1000.0 / (0.5 * cycle), dt=0.5)
    expected = math.atan2(math.sin(2 * math.pi * at / cycle), math.cos(2 * math.pi * at / cycle))
    assert abs(math.remainder(found.angle.item() - expected, 2 * math.pi)) < 1e-9
    assert found.strength.item() == pytest.approx(1.0)


def test_phase_with_jitter() -> None:
    draw = torch.Generator().manual_seed(0)
    cycle, cycles, phase = 200, 400, 0.3
    jitter = 0.05 * cycle * torch.randn(cycles, generator=draw)
    times = (torch.arange(cycles) * cycle + phase * cycle + jitter).round().long().clamp(min=0)
    spikes = torch.zeros(cycle * (cycles + 1), 1).index_fill_(0, times, 1.0)
    found = spike_phase(spikes, frequency=5.0)
    assert found.angle.item() == pytest.approx(2 * math.pi * phase, abs=0.05)
    # The mean of exp(j x) for normal x.
    assert found.strength.item() == pytest.approx(math.exp(-0.5 * (2 * math.pi * 0.05) ** 2), abs=0.01)


@given(train=trains, longest=st.integers(1, 6))
def test_first_burst_by_hand(train: list[bool], longest: int) -> None:
    times = [t for t, s in enumerate(train) if s]
    burst = times[:1]
    for t in times[1:]:
        if t - burst[-1] > longest:
            break
        burst.append(t)
    interval = (burst[-1] - burst[0]) / (len(burst) - 1) if len(burst) > 1 else math.inf
    found = first_burst(column(train), max_interval=longest)
    assert (found.size.item(), found.interval.item()) == (len(burst), interval)


@given(train=trains, longest=st.integers(1, 6), wait=st.integers(0, 5))
def test_bursts_do_not_depend_on_when_they_come(train: list[bool], longest: int, wait: int) -> None:
    one, other = (first_burst(column(t), max_interval=longest) for t in (train, [False] * wait + train + [False]))
    assert [p.item() for p in one] == [p.item() for p in other]


@given(times=st.lists(st.integers(0, 12), min_size=1, max_size=8))
def test_ranks_by_hand(times: list[int]) -> None:
    clock = torch.arange(10).view(-1, 1, 1)
    spikes = (clock >= torch.tensor(times).view(1, 1, -1)).double()  # later spikes count for nothing
    expected = [sum(u < t for u in times) if t < 10 else len(times) for t in times]
    assert spike_ranks(spikes)[0].tolist() == expected
    weights = [0.8**rank if t < 10 else 0.0 for rank, t in zip(expected, times, strict=True)]
    assert rank_weights(spikes, modulation=0.8)[0].tolist() == pytest.approx(weights)


@given(seed=st.integers(0, 1000), power=st.floats(0.5, 2.0))
def test_ranks_see_the_order_alone(seed: int, power: float) -> None:
    levels = torch.randint(0, 5, (2, 9), generator=torch.Generator().manual_seed(seed)).double() / 4.0
    one, other = (spike_ranks(linear_latency(x, 100)) for x in (levels, levels**power))
    assert torch.equal(one, other)


def test_pooling_sums_neighbours() -> None:
    spikes = torch.arange(24.0).view(2, 2, 6)
    assert pool_populations(spikes, classes=2)[0, 0].tolist() == [0.0 + 1 + 2, 3.0 + 4 + 5]
    assert torch.equal(pool_populations(spikes, classes=6), spikes)
    assert pool_populations(torch.ones(1, 1, 1000, dtype=torch.bfloat16), classes=1).item() == 1000.0


def test_variance_of_the_mean_count_falls_with_the_population() -> None:
    steps, p, trials = 20, 0.3, 4000
    draw = torch.Generator().manual_seed(0)
    for k in (1, 4, 16):
        spikes = bernoulli(torch.full((trials, k), p), steps, generator=draw)
        variance = (spike_count(pool_populations(spikes, classes=1)) / k).var().item()
        # Binomial, T p (1 - p) / K; a variance of 4000 trials has a deviation of sqrt(2 / 4000) = 2.2 %.
        assert variance == pytest.approx(steps * p * (1 - p) / k, rel=0.09)


def test_a_population_decides_as_its_sum() -> None:
    spikes = torch.tensor([[[1.0, 0.0, 1.0, 1.0]]])
    assert highest_rate(pool_populations(spikes, classes=2)).label.tolist() == [1]


def test_read_outs_are_differentiable() -> None:
    draw = torch.Generator().manual_seed(0)
    x = (0.1 + torch.rand(3, 2, 4, generator=draw, dtype=torch.float64)).requires_grad_()
    preferred = torch.arange(4.0, dtype=torch.float64)
    for read_out in (
        lambda x: pool_populations(x, classes=2),
        lambda x: population_vector(x, preferred.unsqueeze(1)),
        lambda x: population_mean(x, preferred),
        lambda x: tuple(population_direction(x, preferred)),
        lambda x: tuple(spike_phase(x, frequency=70.0)),
        lambda x: nearest_template(x[0], preferred.expand(3, 4)),
    ):
        assert torch.autograd.gradcheck(read_out, (x,))
    spikes = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]], requires_grad=True)
    latency_mean(spikes, torch.tensor([0.0, 1.0]), tau=2.0).sum().backward()
    assert spikes.grad is not None
    assert spikes.grad.isfinite().all()
    assert spikes.grad.any()


SPIKES, RATES, PREFERRED = torch.zeros(3, 2, 4), torch.zeros(2, 4), torch.zeros(4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pool_populations(SPIKES, classes=3), ShapeError, "as many neurons"),
        (lambda: pool_populations(SPIKES, classes=0), ParameterError, "at least 1"),
        (lambda: pool_populations(SPIKES[0], classes=2), ShapeError, "neurons"),
        (lambda: pool_populations(SPIKES[..., None], classes=1), ShapeError, "neurons"),
        (lambda: pool_populations(SPIKES * math.nan, classes=2), ParameterError, "finite"),
        (lambda: population_vector(RATES, PREFERRED), ShapeError, "dimensions"),
        (lambda: population_vector(RATES, torch.zeros(3, 2)), ShapeError, "one for each neuron"),
        (lambda: population_direction(-RATES - 1.0, PREFERRED), ParameterError, "at least 0"),
        (lambda: population_direction(RATES, PREFERRED * math.nan), ParameterError, "finite"),
        (lambda: population_mean(RATES, torch.zeros(3)), ShapeError, "one for each neuron"),
        (lambda: population_mean(RATES[:, :0], PREFERRED[:0]), ShapeError, "one for each neuron"),
        (lambda: population_mean(RATES.long(), PREFERRED), DTypeError, "floating"),
        (lambda: latency_mean(SPIKES, PREFERRED, tau=0.0), ParameterError, "tau"),
        (lambda: latency_mean(SPIKES + 0.5, PREFERRED, tau=1.0), ParameterError, "0 and 1"),
        (lambda: latency_mean(SPIKES[:0], PREFERRED, tau=1.0), ShapeError, "time >= 1"),
        (lambda: spike_phase(SPIKES, frequency=0.0), ParameterError, "frequency"),
        (lambda: spike_phase(SPIKES, frequency=1.0, dt=-1.0), ParameterError, "dt"),
        (lambda: spike_phase(SPIKES - 1.0, frequency=1.0), ParameterError, "at least 0"),
        (lambda: first_burst(SPIKES, max_interval=0), ParameterError, "max_interval"),
        (lambda: first_burst(SPIKES[:0], max_interval=1), ShapeError, "time >= 1"),
        (lambda: spike_ranks(SPIKES[0]), ShapeError, "neurons"),
        (lambda: spike_ranks(SPIKES[..., None]), ShapeError, "neurons"),
        (lambda: rank_weights(SPIKES, modulation=1.5), ParameterError, "modulation"),
        (lambda: rank_weights(SPIKES, modulation=0.0), ParameterError, "modulation"),
        (lambda: rank_weights(SPIKES * math.nan, modulation=0.5), ParameterError, "finite"),
        (lambda: nearest_template(RATES, torch.zeros(3, 5)), ShapeError, "features"),
        (lambda: nearest_template(RATES, PREFERRED), ShapeError, "axes"),
    ],
)
def test_wrong_input_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
