"""Statistics of spike trains against closed forms, and against Elephant where it is installed."""

from __future__ import annotations

import importlib.util
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from spikeloom.errors import ParameterError
from spikeloom.network import Signal, SpikeTrains, analysis

RATE, DURATION, NEURONS = 20.0, 50_000.0, 100


@pytest.fixture(scope="module")
def poisson() -> SpikeTrains:
    """100 Poisson trains of 20 spikes/s over 50 s: 100 000 spikes."""
    random = np.random.default_rng(5)
    number = random.poisson(RATE * DURATION * 1e-3, NEURONS)
    return SpikeTrains.of([random.uniform(0.0, DURATION, n) for n in number], stop=DURATION)


@pytest.fixture(scope="module")
def gamma() -> SpikeTrains:
    """Trains of gamma-distributed intervals of order 4, 20 spikes/s."""
    random = np.random.default_rng(6)
    trains = [np.cumsum(random.gamma(4.0, 1e3 / RATE / 4, 1100)) for _ in range(NEURONS)]
    return SpikeTrains.of([train[train < DURATION] for train in trains], stop=DURATION)


@pytest.fixture(scope="module")
def regular() -> SpikeTrains:
    """Ten trains with one spike each 10 ms, one after the other."""
    return SpikeTrains.of([1.0 + k + 10.0 * np.arange(100) for k in range(10)], stop=1000.0)


def test_poisson_trains(poisson: SpikeTrains) -> None:
    """Each mean within four standard errors of its value, which are those of 100 000 spikes or 100 neurons."""
    assert np.mean(analysis.neuron_rates(poisson)) == pytest.approx(RATE, abs=4 * np.sqrt(RATE / (NEURONS * 50)))
    # The standard error of a CV of n exponential intervals is about 1 / sqrt(n).
    assert np.mean(analysis.cv(poisson)) == pytest.approx(1.0, abs=4 / np.sqrt(1e5))
    # 2 |u - v| / (u + v) of two exponentials is uniform in [0, 2]: mean 1, variance 1/3.
    assert np.mean(analysis.cv2(poisson)) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 3 / 1e5))
    # 3/4 of its square: mean 1, variance 4/5.
    assert np.mean(analysis.local_variation(poisson)) == pytest.approx(1.0, abs=4 * np.sqrt(8 / 5 / 1e5))
    # 500 windows: the mean of squared deviations is 1 - 1/500 of the variance, with a relative error of sqrt(2 / 500).
    expected, error = 1 - 1 / 500, np.sqrt(2 / 500 / NEURONS)
    assert np.mean(analysis.fano_factor(poisson, 100.0)) == pytest.approx(expected, abs=4 * error)
    assert analysis.synchrony(poisson, 3.0) == pytest.approx(1.0, abs=4 * np.sqrt(2 * 3 / DURATION))


def test_gamma_trains(gamma: SpikeTrains) -> None:
    """Order k: CV = 1 / sqrt(k), LV = 3 / (2 k + 1); counts over long windows have the Fano factor 1 / k."""
    assert np.mean(analysis.cv(gamma)) == pytest.approx(0.5, abs=0.006)
    assert np.mean(analysis.local_variation(gamma)) == pytest.approx(3 / 9, abs=0.006)
    assert np.mean(analysis.fano_factor(gamma, 1000.0)) == pytest.approx(0.25, abs=0.03)


def test_regular_trains(regular: SpikeTrains) -> None:
    for statistic in (analysis.cv, analysis.cv2, analysis.local_variation):
        np.testing.assert_allclose(statistic(regular), 0.0, atol=1e-12)
    np.testing.assert_allclose(analysis.fano_factor(regular, 10.0), 0.0, atol=1e-12)
    assert np.unique(np.concatenate(analysis.intervals(regular)).round(9)).tolist() == [10.0]
    assert analysis.synchrony(regular, 5.0) == 0.0


def test_too_few_spikes_have_no_statistics() -> None:
    trains = SpikeTrains.of([[], [1.0], [1.0, 2.0], [1.0, 2.0, 4.0]], stop=10.0)
    assert np.isnan(analysis.cv(trains)).tolist() == [True, True, True, False]
    assert np.isnan(analysis.cv2(trains)).tolist() == [True, True, True, False]
    assert np.isnan(analysis.fano_factor(trains, 2.0)).tolist() == [True, False, False, False]


def test_bins_hold_their_ends_whatever_the_rounding() -> None:
    """Spikes at all multiples of 0.1 ms, whose floats are off by a bit here and there: each bin of 0.3 ms has three."""
    trains = SpikeTrains.of([np.arange(1, 3001) * 0.1], stop=300.0)
    assert np.unique(analysis.counts(trains, 0.3)).tolist() == [3]
    assert analysis.counts(trains, 0.7).shape == (1, 428)


@given(st.lists(st.lists(st.integers(1, 300), unique=True, max_size=30), min_size=1, max_size=5), st.integers(1, 50))
def test_counts_are_those_of_a_plain_loop(trains: list[list[int]], width: int) -> None:
    spikes = SpikeTrains.of([np.array(sorted(train)) * 0.1 for train in trains], stop=30.0)
    expected = np.zeros((len(trains), 300 // width), dtype=int)
    for neuron, train in enumerate(trains):
        for step in train:
            if (step - 1) // width < 300 // width:
                expected[neuron, (step - 1) // width] += 1
    assert np.array_equal(analysis.counts(spikes, width * 0.1), expected)
    rates = analysis.rate_over_time(spikes, width * 0.1).rates
    np.testing.assert_allclose(rates[0], expected.sum(0) / len(trains) / (width * 1e-4))


def test_independent_runs_are_apart() -> None:
    both = SpikeTrains(
        np.array([1.0, 2.0, 6.0, 7.0]), np.array([0, 1, 0, 1], np.int32), np.array([0, 1, 1, 1], np.int32),
        np.arange(2), 0.0, 10.0, batch=2,
    )  # fmt: skip
    assert analysis.counts(both, 5.0).tolist() == [[1, 0], [0, 0], [0, 1], [1, 1]]
    assert analysis.rate_over_time(both, 5.0).rates.tolist() == [[100.0, 0.0], [100.0, 200.0]]
    assert [i.tolist() for i in analysis.intervals(both)] == [[], [], [], [5.0]]


def test_a_smoothed_rate_keeps_its_area() -> None:
    """A spike in the middle is a Gaussian of area 1/N, with the height 1 / sqrt(2 pi) sigma."""
    trains = SpikeTrains.of([[100.0], []], stop=200.0)
    curve = analysis.smoothed_rate(trains, 5.0)
    assert curve.rates.sum() * 0.5e-3 == pytest.approx(0.5, rel=1e-6)
    assert curve.rates.max() == pytest.approx(0.5 * 1e3 / np.sqrt(2 * np.pi) / 5.0, rel=0.01)
    constant = SpikeTrains.of([np.arange(0.25, 100.0, 0.5)], stop=100.0)
    np.testing.assert_allclose(analysis.smoothed_rate(constant, 5.0).rates, 2000.0, rtol=1e-9)


def test_correlation_of_shared_spikes() -> None:
    """Trains that share a part c of their Poisson spikes have correlated counts: c."""
    random = np.random.default_rng(7)
    shared = random.uniform(0.0, 2e5, 1200)
    trains = [np.concatenate([shared, random.uniform(0.0, 2e5, 2800)]) for _ in range(2)]
    trains.append(random.uniform(0.0, 2e5, 4000))
    found = analysis.count_correlations(SpikeTrains.of(trains, stop=2e5), 20.0)
    # The error of a correlation of 10 000 counts is 1 / sqrt(10 000).
    assert found[0, 1] == pytest.approx(0.3, abs=0.04) and found[0, 2] == pytest.approx(0.0, abs=0.04)
    np.testing.assert_allclose(np.diag(found), 1.0)
    np.testing.assert_array_equal(found, found.T)


def test_correlogram(poisson: SpikeTrains) -> None:
    a, b = poisson.trains()[:2]
    found = analysis.cross_correlogram(a, b, longest=100.0, bin=2.0)
    expected = len(a) * len(b) * 2.0 / DURATION
    assert found.counts.mean() == pytest.approx(expected, rel=4 / np.sqrt(expected * len(found.counts)))
    shifted = analysis.cross_correlogram(a, a + 6.0, longest=20.0, bin=2.0)
    assert shifted.lags[shifted.counts.argmax()] == 6.0 and shifted.counts.max() >= len(a)
    again = analysis.cross_correlogram(b, a, longest=100.0, bin=1.9).counts[::-1]
    assert np.array_equal(analysis.cross_correlogram(a, b, longest=100.0, bin=1.9).counts, again)


@given(st.lists(st.integers(0, 60), max_size=12), st.lists(st.integers(0, 60), max_size=12), st.integers(1, 5))
def test_a_correlogram_counts_all_pairs(a: list[int], b: list[int], width: int) -> None:
    found = analysis.cross_correlogram(a, b, longest=20.0, bin=float(width))
    half = 20 // width
    expected = np.zeros(2 * half + 1, dtype=int)
    for s in a:
        for t in b:
            place = int(np.floor((t - s) / width + 0.5)) + half
            if 0 <= place <= 2 * half:
                expected[place] += 1
    assert np.array_equal(found.counts, expected)


def test_spectrum_of_poisson_is_flat(poisson: SpikeTrains) -> None:
    found = analysis.rate_spectrum(poisson, bin=1.0, window=500.0)
    inside = found.power[2:-1]
    assert inside.mean() == pytest.approx(2 * RATE / NEURONS, rel=0.03)
    assert inside.max() < 1.6 * inside.mean()


def test_spectrum_finds_a_rhythm() -> None:
    random = np.random.default_rng(8)
    times = random.uniform(0.0, 2e4, 200_000)
    kept = times[random.uniform(size=len(times)) < 0.5 * (1 + np.sin(2 * np.pi * 40.0 * times * 1e-3))]
    found = analysis.rate_spectrum(SpikeTrains.of([kept], stop=2e4), bin=1.0, window=1000.0)
    assert found.frequencies[found.power.argmax()] == 40.0


def test_synchrony_of_signals() -> None:
    random = np.random.default_rng(9)
    noise = random.standard_normal((20_000, 25))
    assert analysis.golomb_chi(noise) == pytest.approx(1 / 5, rel=0.05)
    common = noise[:, :1] * np.ones(25)
    signal = Signal("v", common, np.arange(20_000.0), np.arange(25), "mV", 1.0)
    assert analysis.golomb_chi(signal) == pytest.approx(1.0)
    with pytest.raises(ParameterError, match="vary"):
        analysis.golomb_chi(np.ones((5, 3)))


def test_spike_synchronization() -> None:
    apart = SpikeTrains.of([[10.0, 20.0, 30.0], [15.0, 25.0, 35.0]], stop=40.0)
    half = SpikeTrains.of([[10.0, 20.0, 30.0, 40.0], [10.5, 25.0, 30.5, 45.0]], stop=50.0)
    assert analysis.spike_synchronization(apart) == 0.0
    assert analysis.spike_synchronization(half) == 0.5
    assert np.isnan(analysis.spike_synchronization(SpikeTrains.of([[], []], stop=1.0)))


TRAINS = st.lists(st.integers(0, 40), max_size=7, unique=True).map(lambda steps: sorted(float(t) for t in steps))


def plain_victor_purpura(s: list[float], t: list[float], cost: float) -> float:
    if not s or not t:
        return float(len(s) + len(t))
    last = cost * abs(s[-1] - t[-1])
    return min(
        plain_victor_purpura(s[:-1], t, cost) + 1,
        plain_victor_purpura(s, t[:-1], cost) + 1,
        plain_victor_purpura(s[:-1], t[:-1], cost) + last,
    )


@given(TRAINS.filter(lambda t: len(t) < 5), TRAINS.filter(lambda t: len(t) < 5), st.sampled_from([0.0, 0.05, 0.3, 3.0]))
def test_victor_purpura_is_its_definition(s: list[float], t: list[float], cost: float) -> None:
    assert analysis.victor_purpura(s, t, cost=cost) == pytest.approx(plain_victor_purpura(s, t, cost))


@given(TRAINS, TRAINS, TRAINS)
def test_distances_are_metrics(a: list[float], b: list[float], c: list[float]) -> None:
    for distance in (
        lambda x, y: analysis.victor_purpura(x, y, cost=0.2),
        lambda x, y: analysis.van_rossum(x, y, tau=5.0),
    ):
        assert distance(a, a) == pytest.approx(0.0, abs=1e-6)
        assert distance(a, b) == pytest.approx(distance(b, a))
        assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-6
        assert a == b or distance(a, b) > 0


def test_known_distances() -> None:
    # One moved by 3 ms, one moved by 30 ms, which costs more than taking it away and adding another, one added.
    assert analysis.victor_purpura([10.0, 100.0], [13.0, 130.0, 200.0], cost=0.1) == pytest.approx(0.3 + 2 + 1)
    assert analysis.victor_purpura([1.0, 2.0], [2.0, 5.0], cost=np.inf) == 2.0
    # Two single spikes: D^2 = 1 - exp(-|dt| / tau).
    assert analysis.van_rossum([10.0], [13.0], tau=5.0) == pytest.approx(np.sqrt(1 - np.exp(-0.6)))
    assert analysis.van_rossum([10.0, 500.0], [1000.0], tau=5.0) == pytest.approx(np.sqrt(1.5))


@given(TRAINS, TRAINS)
def test_van_rossum_is_its_integral(s: list[float], t: list[float]) -> None:
    """With a spike per bin the filtered trains are piecewise exponentials; the integral of each piece is known."""
    tau, total, level = 4.0, 0.0, 0.0
    events = sorted([(time, 1.0) for time in s] + [(time, -1.0) for time in t])
    for (time, sign), (following, _) in itertools.pairwise([*events, (np.inf, 0.0)]):
        level += sign
        decay = np.exp(-(following - time) / tau)
        total += level**2 * (1 - decay**2) / 2
        level *= decay
    assert analysis.van_rossum(s, t, tau=tau) ** 2 == pytest.approx(total, abs=1e-9)


def test_long_trains_have_a_van_rossum_distance() -> None:
    random = np.random.default_rng(4)
    s, t = (np.sort(random.uniform(0.0, 1e5, 3000)) for _ in range(2))
    near = np.exp(-np.abs(np.subtract.outer(s, t)) / 10.0).sum()
    own = sum(np.exp(-np.abs(np.subtract.outer(x, x)) / 10.0).sum() for x in (s, t))
    assert analysis.van_rossum(s, t, tau=10.0) == pytest.approx(np.sqrt(own / 2 - near), rel=1e-9)


def test_distance_of_distributions() -> None:
    assert analysis.ks_distance([1.0, 2.0, np.nan], [3.0, 4.0]) == 1.0
    assert analysis.ks_distance(np.arange(100), np.arange(100) + 25) == pytest.approx(0.25)
    with pytest.raises(ParameterError, match="numbers"):
        analysis.ks_distance([np.nan], [1.0])


def test_what_makes_no_sense_is_refused(regular: SpikeTrains) -> None:
    for bin_ in (0.0, -1.0, float("nan"), 2000.0):
        with pytest.raises(ParameterError, match="time > 0"):
            analysis.counts(regular, bin_)
    with pytest.raises(ParameterError, match="window"):
        analysis.rate_spectrum(regular, window=5000.0)
    with pytest.raises(ParameterError, match="sigma"):
        analysis.smoothed_rate(regular, float("inf"))
    with pytest.raises(ParameterError, match=r"1/ms"):
        analysis.victor_purpura([1.0], [2.0], cost=float("nan"))
    with pytest.raises(ParameterError, match="finite"):
        analysis.van_rossum([float("nan")], [2.0], tau=1.0)


def as_neo(trains: SpikeTrains) -> list[Any]:
    import neo

    return [neo.SpikeTrain(times, t_stop=trains.stop, units="ms") for times in trains.trains()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(importlib.util.find_spec("elephant") is None, reason="needs Elephant: pip install elephant")
def test_agreement_with_elephant(poisson: SpikeTrains, gamma: SpikeTrains) -> None:
    import quantities as pq
    from elephant import conversion, spike_train_correlation, spike_train_dissimilarity, statistics

    for full in (poisson, gamma):
        trains = full[:4].between(0.0, 5000.0)
        neo_trains = as_neo(trains)
        intervals: list[NDArray[np.float64]] = analysis.intervals(trains)
        np.testing.assert_allclose(analysis.cv(trains), [statistics.cv(i) for i in intervals])
        np.testing.assert_allclose(analysis.cv2(trains), [statistics.cv2(i) for i in intervals])
        np.testing.assert_allclose(analysis.local_variation(trains), [statistics.lv(i) for i in intervals])
        binned = conversion.BinnedSpikeTrain(neo_trains, bin_size=50.0 * pq.ms)
        # Bins hold their beginning there, which no random time is at.
        assert np.array_equal(analysis.counts(trains, 50.0), binned.to_array())
        np.testing.assert_allclose(
            analysis.count_correlations(trains, 50.0), spike_train_correlation.correlation_coefficient(binned)
        )
        vp = spike_train_dissimilarity.victor_purpura_distance(neo_trains[:2], cost_factor=100.0 * pq.Hz)
        assert analysis.victor_purpura(*trains.trains()[:2], cost=0.1) == pytest.approx(float(vp[0, 1]))
        # Without the factor 1/2 of van Rossum's integral.
        vr = spike_train_dissimilarity.van_rossum_distance(neo_trains[:2], time_constant=10.0 * pq.ms)
        assert analysis.van_rossum(*trains.trains()[:2], tau=10.0) * np.sqrt(2) == pytest.approx(float(vr[0, 1]))
