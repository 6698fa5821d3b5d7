"""Sources: populations whose spikes come from outside."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import DTypeError, ParameterError, ShapeError
from spikeloom.network import Poisson, Source, SpikeTimes
from spikeloom.network.devices import Correlated, Gamma, Piecewise, PulsePacket, Regular, Sinusoid

# Chance below which a right program fails a test of statistics, if seeds were drawn anew.
LEVEL = 1e-4


def spikes(source: Source, n: int, duration: float, *, dt: float = 0.1, cut: Any = (), **given: Any) -> NDArray[Any]:
    """0 or 1 per step and channel, [steps, n]; [batch, steps, n] for several runs."""
    net = nw.Network(dt=dt, seed=given.pop("seed", 8), **given)
    channels = net.population(n, source, name="channels")
    net.record(channels)
    found = np.zeros((net.batch, round(duration / dt), n), dtype=np.int64)
    for piece in cut or (duration,):
        trains = net.run(piece)["channels"].spikes
        found[trains.runs, np.rint(trains.times / dt).astype(int) - 1, trains.neurons] += 1
    assert found.max(initial=0) <= 1
    return found if net.batch > 1 else found[0]


def intervals(found: NDArray[Any]) -> NDArray[Any]:
    """Between the spikes of each channel, in steps."""
    return np.concatenate([np.diff(np.flatnonzero(train)) for train in found.T])


def test_spike_times_are_recorded_as_given() -> None:
    given = [[0.1, 5.0, 19.9], [], [7.3, 0.2, 20.0]]
    for source in (
        SpikeTimes(given),
        SpikeTimes([7.3, 0.1, 5.0, 20.0, 0.2, 19.9], channels=[2, 0, 0, 2, 2, 0]),
        SpikeTimes([torch.tensor(train, dtype=torch.float64) for train in given]),
    ):
        found = spikes(source, 3, 20.0, cut=(5.0, 2.3, 12.7))
        expected = np.zeros_like(found)
        for channel, train in enumerate(given):
            expected[np.rint(np.array(train) / 0.1).astype(int) - 1, channel] = 1
        np.testing.assert_array_equal(found, expected)


def test_arrival() -> None:
    """A spike at t with delay d: a current begins at t + d, a potential jumps then; so with no delay at all."""
    times = np.array([1.0, 4.0])
    for delay in (0.0, 0.1, 1.5):
        net = nw.Network(dt=0.1)
        source = net.population(1, SpikeTimes([times]))
        driven = net.population(1, sl.IF(v_th=1e9, c_mem=0.1), name="driven")
        jumped = net.population(1, sl.synapses.Receptors(sl.IF(v_th=1e9), e=sl.synapses.Delta()), name="jumped")
        net.connect(source, driven, nw.rules.OneToOne(), weight=1.0, delay=delay)
        if delay:
            net.connect(source, jumped, nw.rules.OneToOne(), weight=1.0, delay=delay)
        for cells in (driven, jumped):
            net.record(cells, "v")
        result = net.run(10.0)
        # A value is that at the end of a step; a current that begins at t + d has acted one step later.
        for name, late in (("driven", 0.1), ("jumped", 0.0))[: 2 if delay else 1]:
            signal = result[name]["v"]
            rises = signal.times[np.flatnonzero(np.diff(signal.values[:, 0], prepend=0.0) > 0.5)]
            np.testing.assert_allclose(rises, times + delay + late)


def test_regular() -> None:
    """Times first + k interval; those between two steps at the end of theirs, and no drift over long times."""
    found = spikes(Regular([1.0, 0.25, 0.1, 1e3 / 30], first=[0.5, 0.2, 0.1, 7.0]), 4, 500.0)
    for channel, (interval, first) in enumerate([(1.0, 0.5), (0.25, 0.2), (0.1, 0.1), (1e3 / 30, 7.0)]):
        times = first + interval * np.arange(10_000)
        steps = np.ceil(times[times <= 500.0 + 1e-9] / 0.1 - 1e-6).astype(int) - 1
        np.testing.assert_array_equal(np.flatnonzero(found[:, channel]), steps)
    assert np.flatnonzero(spikes(Regular(2.0, start=3.0, stop=8.0), 1, 20.0)[:, 0]).tolist() == [39, 59, 79]


@pytest.mark.parametrize("rate", [20.0, 3000.0])
def test_poisson(rate: float) -> None:
    """Bernoulli with p = rate dt in every step: counts, intervals, no correlations."""
    p, n, steps = rate * 1e-4, 256, 8000
    found = spikes(Poisson(rate), n, steps * 0.1)
    assert abs(found.sum() - p * found.size) < 4.5 * math.sqrt(p * (1 - p) * found.size)
    deviation = ((found.sum(0) - p * steps) ** 2).sum() / (p * (1 - p) * steps)
    assert LEVEL < stats.chi2(n).cdf(deviation) < 1 - LEVEL
    edges = stats.geom(p).ppf(np.linspace(0.05, 0.95, 10))
    edges = np.unique(edges[edges < steps / 20])
    # Intervals that begin early enough for the longest that is looked at.
    counts = np.zeros(len(edges) + 1)
    for train in found.T:
        at = np.flatnonzero(train)
        gaps = np.append(np.diff(at), steps)[at < steps - edges[-1]]
        counts += np.histogram(gaps, np.r_[0.5, edges + 0.5, np.inf])[0]
    chances = np.diff(np.r_[0, stats.geom(p).cdf(edges), 1])
    assert stats.chisquare(counts, chances * counts.sum()).pvalue > LEVEL
    r = np.corrcoef(found.T)[np.triu_indices(n, 1)]
    assert abs(r.mean()) < 4.5 / math.sqrt(steps * len(r))
    assert abs(r.std() * math.sqrt(steps) - 1) < 0.05


def test_rates_are_set_between_runs() -> None:
    """As a state, [n] or [batch, n]; bad ones are refused before the next step."""
    net = nw.Network(dt=0.1, seed=1, batch=2, threads=2)
    channels = net.population(200, Poisson(0.0), name="c")
    net.record(channels)
    assert not len(net.run(10.0)["c"].times)
    channels["rate"] = np.where(np.arange(200) < 100, 10_000.0, 0.0)
    trains = net.run(10.0)["c"].spikes
    assert len(trains) == 2 * 100 * 100 and trains.neurons.max() == 99
    channels["rate"][1] = 0.0
    assert net.run(1.0)["c"].spikes.runs.tolist() == [0] * 1000
    for bad in (-1.0, 10_001.0, math.inf):
        channels["rate"][0, 3] = bad
        with pytest.raises(ParameterError, match="rate of c"):
            net.run(1.0)


def test_poisson_of_one_spike_per_step() -> None:
    assert spikes(Poisson([0.0, 10_000.0]), 2, 10.0).sum(0).tolist() == [0, 100]


def test_varying_rates() -> None:
    wave = Piecewise([10.0, 20.0], [[500.0, 0.0] * 1000, [0.0, 2000.0] * 1000])
    counts = spikes(Poisson(wave, stop=30.0), 2000, 40.0).reshape(4, 100, 1000, 2).sum((1, 2))
    expected = np.array([[0, 0], [5000, 0], [0, 20000], [0, 0]])
    assert (np.abs(counts - expected) <= 4.5 * np.sqrt(expected)).all()
    found = spikes(Poisson(Sinusoid(1000.0, 1000.0, 25.0)), 4000, 40.0).sum(1)
    expected = 400 * (1 + np.sin(2 * np.pi * 0.025 * 0.1 * np.arange(400)))
    assert (np.abs(found - expected) <= 5 * np.sqrt(expected) + 5).all()


@pytest.mark.parametrize("shape", [0.5, 1.0, 4.0, 60.0])
def test_gamma(shape: float) -> None:
    """Intervals are gamma distributed, the rate is right from the first step on."""
    rate, dt = 25.0, 0.01
    net = nw.Network(dt=dt, seed=3)
    channels = net.population(400, Gamma(rate, shape))
    net.record(channels)
    trains = net.run(400.0)["population 0"].spikes
    early = (trains.times <= 4.0).sum()
    variance = 40 * max(1.0, 1.3 / shape)
    assert abs(early - 40) < 4.5 * math.sqrt(variance)
    assert abs(len(trains) - 4000) < 4.5 * math.sqrt(4000 * max(1.0, 1.3 / shape))
    long = nw.Network(dt=0.1, seed=3)
    channels = long.population(1, Gamma(1000.0 / 7.0, shape))
    long.record(channels)
    gaps = np.diff(long.run(20_000.0)["population 0"].times)
    law = stats.gamma(shape, scale=7.0 / shape)
    assert abs(gaps.mean() - 7.0) < 4.5 * law.std() / math.sqrt(len(gaps))
    # Times are rounded up to steps, so that an interval is off by less than one.
    edges = law.ppf(np.linspace(0.1, 0.9, 9))
    chances = np.array([stats.uniform.expect(lambda u, e=e: law.cdf(e + 0.1 * (2 * u - 1))) for e in edges])
    below = (gaps[:, None] <= edges).mean(0)
    slack = law.cdf(edges + 0.1) - law.cdf(edges - 0.1)
    assert (np.abs(below - chances) < 4.5 * np.sqrt(chances * (1 - chances) / len(gaps)) + slack).all()


def test_gamma_is_stationary_and_own() -> None:
    found = spikes(Gamma([10.0, 200.0], [9.0, 1.0]), 2, 30_000.0)
    rates = found.mean(0) * 1e4
    np.testing.assert_allclose(rates, [10.0, 200.0], rtol=0.08)
    spread = [np.diff(np.flatnonzero(t)).std() / np.diff(np.flatnonzero(t)).mean() for t in found.T]
    np.testing.assert_allclose(spread, [1 / 3, 1.0], rtol=0.12)


def test_gamma_goes_on_from_its_states() -> None:
    """What it carries is in the population's states: put back, the same spikes follow."""
    net = nw.Network(dt=0.1, seed=4, batch=2)
    channels = net.population(70, Gamma(300.0, 2.0), name="g")
    net.record(channels)
    net.run(20.0)
    kept = {name: array.copy() for name, array in channels.states.items()}
    assert set(kept) == {"left", "drawn"}
    first = net.run(20.0)["g"].spikes
    for name, array in kept.items():
        channels[name] = array
    again = net.run(20.0)["g"].spikes
    np.testing.assert_allclose(again.times - 20.0, first.times)
    np.testing.assert_array_equal(again.neurons, first.neurons)


@pytest.mark.parametrize(("rate", "c"), [(50.0, 0.3), (400.0, 0.9), (100.0, 1.0)])
def test_correlated(rate: float, c: float) -> None:
    """Each train has the rate, each pair the correlation that is stated."""
    n, steps = 30, 30_000
    found = spikes(Correlated(rate, c), n, steps * 0.1)
    m = rate * 1e-4 / c
    events = m * steps
    assert abs(found.sum() - n * c * events) < 5 * n * c * math.sqrt(events)
    r = np.corrcoef(found.T)[np.triu_indices(n, 1)]
    stated = c * (1 - m) / (1 - c * m)
    assert abs(r.mean() - stated) < 5 * 0.7 / math.sqrt(events) + 1e-9


def test_pulse_packet() -> None:
    found = spikes(PulsePacket([50.0, 90.0], sd=2.0), 3000, 120.0)
    assert found[:700].sum(0).tolist() == [1] * 3000 and found[700:].sum(0).tolist() == [1] * 3000
    times = (np.argmax(found[:700], 0) + 1) * 0.1 - 0.05
    assert stats.kstest((times - 50.0) / 2.0, "norm").pvalue > LEVEL
    other = (np.argmax(found[700:], 0) + 701) * 0.1
    assert abs(np.corrcoef(times, other)[0, 1]) < 4.5 / math.sqrt(3000)
    exact = spikes(PulsePacket(5.0, sd=0.0), 3, 10.0)
    assert np.flatnonzero(exact.all(1)).tolist() == [49]


SOURCES = {
    "Poisson": lambda: Poisson(np.linspace(0.0, 900.0, 300)),
    "varying": lambda: Poisson(Sinusoid(200.0, 200.0, 50.0), start=2.0),
    "SpikeTimes": lambda: SpikeTimes([[0.1 + 0.1 * (k % 200)] for k in range(300)]),
    "Regular": lambda: Regular(np.linspace(1.0, 3.0, 300)),
    "Gamma": lambda: Gamma(np.linspace(1.0, 900.0, 300), np.linspace(0.1, 5.0, 300)),
    "Correlated": lambda: Correlated(100.0, 0.4),
    "PulsePacket": lambda: PulsePacket(12.0, 1.0),
}


@pytest.mark.parametrize("name", SOURCES)
def test_same_for_parts_and_pieces(name: str) -> None:
    """Bits depend neither on the number of parts nor on how a run is cut up, but on seed and run where chance plays."""
    expected = spikes(SOURCES[name](), 300, 25.0, threads=1)
    assert expected.any()
    for threads in (2, 3):
        found = spikes(SOURCES[name](), 300, 25.0, threads=threads, cut=(10.0, 0.1, 14.9))
        np.testing.assert_array_equal(found, expected)
    one, other = spikes(SOURCES[name](), 300, 25.0, batch=2)
    alike = name in ("SpikeTimes", "Regular")
    assert np.array_equal(one, other) == alike
    assert np.array_equal(one, expected)
    assert np.array_equal(spikes(SOURCES[name](), 300, 25.0, seed=9), expected) == alike


def test_sources_drive_neurons() -> None:
    """They connect by rules as neurons do."""
    net = nw.Network(dt=0.1, seed=1)
    inputs = net.population(4, SpikeTimes([[1.0], [1.0, 2.0], [], [3.0]]))
    cells = net.population(2, sl.IF(v_th=1e9, c_mem=0.1))
    net.connect(inputs[1:], cells, nw.rules.AllToAll(), weight=2.0, delay=0.5)
    net.run(5.0)
    np.testing.assert_allclose(cells["v"], 6.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SpikeTimes([[0.0]]), ParameterError, "> 0"),
        (lambda: SpikeTimes([[-1.0]]), ParameterError, "> 0"),
        (lambda: SpikeTimes([[math.nan]]), ParameterError, "finite"),
        (lambda: SpikeTimes([1.0, 2.0]), ShapeError, "a list for each channel"),
        (lambda: SpikeTimes(3.0), DTypeError, "a list for each channel"),
        (lambda: SpikeTimes([1.0], channels=[0, 1]), ShapeError, "one channel for each time"),
        (lambda: SpikeTimes([1.0], channels=[0.5]), DTypeError, "whole"),
        (lambda: Regular(0.0), ParameterError, "interval"),
        (lambda: Regular(math.nan), ParameterError, "interval"),
        (lambda: Regular(1.0, first=-1.0), ParameterError, "first"),
        (lambda: Gamma(-1.0, 1.0), ParameterError, "rates >= 0"),
        (lambda: Gamma(1.0, 0.0), ParameterError, "shape"),
        (lambda: Gamma(1.0, math.nan), ParameterError, "shape"),
        (lambda: Correlated(1.0, 0.0), ParameterError, "correlation"),
        (lambda: Correlated(1.0, 1.1), ParameterError, "correlation"),
        (lambda: Correlated([1.0, 2.0], 0.5), ShapeError, "one rate"),
        (lambda: PulsePacket(math.nan, 1.0), ParameterError, "time"),
        (lambda: PulsePacket(50.0, -1.0), ParameterError, "sd"),
    ],
)
def test_bad_sources(make: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (Poisson(10_001.0), ParameterError, "one spike per step"),
        (Poisson(Sinusoid(9000.0, 2000.0, 1.0)), ParameterError, "one spike per step"),
        (Poisson([1.0, 2.0]), ShapeError, "each of 3"),
        (Gamma(20_000.0, 1.0), ParameterError, "one spike per step"),
        (Gamma(1.0, [1.0, 2.0]), ShapeError, "each of 3"),
        (Correlated(2000.0, 0.1), ParameterError, "correlation / dt"),
        (Regular(0.05), ParameterError, "at least dt"),
        (Regular([1.0, 2.0]), ShapeError, "each of 3"),
        (SpikeTimes([[1.0], [2.0]]), ShapeError, "each of 3 channels"),
        (SpikeTimes([[1.0], [2.04], []]), ParameterError, "2 is nearest"),
        (SpikeTimes([[1.0, 1.0], [], []]), ParameterError, "at most one spike"),
        (SpikeTimes([1.0], channels=[3]), ParameterError, "0 to 2"),
        (SpikeTimes([1.0], channels=[-1]), ParameterError, "0 to 2"),
        (PulsePacket(5.0, 1.0), ParameterError, r"6\.8 sd"),
        (PulsePacket([50.0, 51.0], 1.0), ParameterError, "apart"),
    ],
)
def test_sources_that_do_not_fit(source: Source, error: Any, message: str) -> None:
    net = nw.Network(dt=0.1)
    with pytest.raises(error, match=message):
        net.population(3, source)


def test_spikes_in_the_past() -> None:
    net = nw.Network(dt=0.1)
    net.population(1, sl.LIF())
    net.run(5.0)
    net.population(1, SpikeTimes([[5.1]]))
    with pytest.raises(ParameterError, match="times after 5 ms"):
        net.population(1, SpikeTimes([[5.0]]))
