"""Poisson input: its distribution, what it depends on, where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

import spikeloom as sl
from spikeloom import network as nw
from spikeloom import random
from spikeloom.errors import DTypeError, ParameterError, ShapeError
from spikeloom.network.devices import Piecewise, Poisson, Sinusoid

# Chance below which a right program fails a test of statistics, if seeds were drawn anew.
LEVEL = 1e-4


def counters(n: int, *, dt: float = 1.0, **given: Any) -> tuple[nw.Network, nw.Population]:
    """Neurons whose potential adds up what arrives: with dt = 1 ms a spike of weight 1 is exactly 1."""
    net = nw.Network(dt=dt, seed=given.pop("seed", 5), **given)
    return net, net.population(n, sl.IF(v_th=1e30), name="cells")


def counts(rate: Any, n: int, steps: int, *, run: Sequence[float] = (), **given: Any) -> NDArray[Any]:
    """Spikes per step and neuron, [steps, n]."""
    net, cells = counters(n, **given)
    net.connect(rate if isinstance(rate, Poisson) else Poisson(rate), cells, delay=0.0)
    net.record(cells, "v")
    v = np.concatenate([net.run(t)["cells"]["v"].values for t in run or (steps,)], axis=-2)
    return np.diff(v, axis=-2, prepend=np.zeros_like(v[..., :1, :]))


def fits_poisson(found: NDArray[Any], expected: float) -> bool:
    """Chi-square against the Poisson distribution, outcomes that are expected less than ten times lumped together."""
    law = stats.poisson(expected)
    low, high = (int(law.ppf(q)) for q in (10 / found.size, 1 - 10 / found.size))
    inner = np.arange(low, high + 1)
    seen = np.array([(found < low).sum(), *[(found == k).sum() for k in inner], (found > high).sum()])
    chances = np.array([law.cdf(low - 1), *law.pmf(inner), law.sf(high)])
    large = chances * found.size > 5
    seen = np.append(seen[large], seen[~large].sum())
    chances = np.append(chances[large], chances[~large].sum())
    keep = chances > 0
    return bool(stats.chisquare(seen[keep], chances[keep] * found.size).pvalue > LEVEL)


@pytest.mark.parametrize("expected", [0.002, 0.4, 2.0, 9.5, 70.0, 1500.0])
def test_distribution(expected: float) -> None:
    """One rate for all: counts are Poisson numbers at any rate, in the tails too."""
    found = counts(expected * 1e3, 1024, 250)
    assert fits_poisson(found[1:], expected)
    assert found[0].sum() == 0  # a spike of the first step arrives at its end


@pytest.mark.parametrize("expected", [0.3, 15.0, 16.5, 90.0])
def test_distribution_of_own_rates(expected: float) -> None:
    """A rate for each neuron goes another way in the kernel."""
    assert fits_poisson(counts(np.full(512, expected * 1e3), 512, 120)[1:], expected)


def test_definition() -> None:
    """The bits that a number is made of: 64 neurons share 16 draws, the first words first, lower halves first."""
    found = counts(0.7 * 1e3, 200, 40, seed=11)
    net, cells = counters(200, seed=11)
    seed = net.connect(Poisson(0.7e3), cells, delay=0.0).seed(0)  # type: ignore[union-attr]
    neurons, steps = torch.arange(200), torch.arange(39)[:, None]
    entity = (neurons >> 6) * 16 + ((neurons & 31) >> 1)
    first, second = random.bits(seed, 0, entity, steps)
    bits = (torch.where(neurons & 32 != 0, second, first) >> (16 * (neurons & 1))) & 0xFFFF
    share = stats.poisson(0.7).pmf(np.arange(40)) * 65536
    cells_of = np.floor(share).astype(int)
    x = bits.numpy()
    n = (x[..., None] >= np.cumsum(cells_of[:-1])).sum(-1)
    rest = x >= cells_of.sum()
    u = random.bits(seed, 1, neurons, steps)[0].numpy()
    bounds = np.cumsum(share - cells_of) / (share - cells_of).sum() * 2.0**32
    n[rest] = np.searchsorted(bounds, u[rest], side="right")
    np.testing.assert_array_equal(found[1:], n)
    assert rest.any()


def test_independence() -> None:
    """No correlation between neurons, above all those that share draws, nor between steps, devices, runs and seeds."""
    x = counts(1500.0, 128, 4000)[1:]
    r = np.corrcoef(x.T)[np.triu_indices(128, 1)]
    assert stats.kstest(r * np.sqrt(len(x)), "norm").pvalue > LEVEL
    later = (x[1:] - 1.5) * (x[:-1] - 1.5)
    assert abs(later.mean()) < 4 * 1.5 / np.sqrt(later.size)
    y = counts(1500.0, 128, 400, seed=6)[1:]
    z, w = counts(1500.0, 128, 400, batch=2)[:, 1:]
    for other in (y, w):
        assert abs(np.corrcoef(z.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(z.size)
    net, cells = counters(4000)
    net.connect(Poisson(1500.0), cells, delay=0.0)
    net.connect(Poisson(1500.0), cells, delay=0.0)
    net.run(20.0)
    assert abs(cells["v"].var() / (19 * 3.0) - 1) < 4 * np.sqrt(2 / 4000)  # twice the same train would give 2


def test_limits_are_exact() -> None:
    """The 65536 values of 16 bits and the rest give each outcome its probability to 1e-12."""
    from spikeloom.compile import Table, invoke, native
    from spikeloom.network.devices._poisson_kernels import NUMBERS, TABULATE, tabulate_poisson

    for expected in (1e-9, 0.01, 2.0, 11.25, 300.0):
        size = 2 * (int(12 * np.sqrt(expected)) + 24) + 10
        numbers, limits = np.zeros(len(NUMBERS), np.int64), np.full(size, 65535, np.uint16)
        bounds = np.zeros(size, np.int64)
        table = Table.of(
            TABULATE, expected=np.array([expected]), former=np.full(1, np.nan), numbers=numbers, limits=limits,
            bounds=bounds, chances=np.zeros(size),
        )  # fmt: skip
        invoke(native(tabulate_poisson, "float64"), table)
        x = np.arange(numbers[NUMBERS.rest])
        k = numbers[NUMBERS.base] + (x[:, None] > limits[None, : numbers[NUMBERS.limits]]).sum(1)
        chances = np.bincount(k, minlength=2000) / 65536
        outcomes = numbers[NUMBERS.first] + np.arange(numbers[NUMBERS.outcomes])
        share = np.diff(bounds[: len(outcomes)], prepend=0) / 2**32
        chances[outcomes] += share * (65536 - numbers[NUMBERS.rest]) / 65536
        assert np.abs(chances - stats.poisson(expected).pmf(np.arange(2000))).max() < 1e-12


@pytest.mark.parametrize("rate", [700.0, "each", "pieces", "sine"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_same_for_parts_and_pieces(rate: Any, threads: int) -> None:
    """Bits do not depend on the number of parts, nor on how a run is cut up."""
    rates = {
        "each": np.linspace(0.0, 20000.0, 333),
        "pieces": Piecewise([0.0, 7.0, 11.0], [500.0, 3000.0, 0.0]),
        "sine": Sinusoid(1000.0, 900.0, 50.0),
    }
    given = rates.get(rate, rate)
    expected = counts(given, 333, 30, threads=1)
    found = counts(given, 333, 30, threads=threads, run=(9.0, 1.0, 20.0))
    np.testing.assert_array_equal(found, expected)
    assert expected.sum() > 0


@pytest.mark.parametrize("chosen", [slice(None, 40), slice(37, 250), slice(3, None, 7), [5, 290, 2, 64, 63], [100, 7]])
@pytest.mark.parametrize("each", [False, True])
def test_views(chosen: Any, each: bool) -> None:
    """Only neurons of the view receive, each its own weight, and the train that it has when all receive."""
    everyone, all_cells = counters(300)
    everyone.connect(Poisson(np.full(300, 1500.0) if each else 1500.0), all_cells)
    everyone.run(20.0)
    net, cells = counters(300, threads=2)
    view = cells[chosen]
    weights = 2.0 ** np.arange(-3, len(view) - 3).clip(None, 8)
    net.connect(Poisson(np.full(len(view), 1500.0) if each else 1500.0), view, weight=weights)
    net.run(20.0)
    expected = np.zeros(300)
    expected[view.indices] = all_cells["v"][view.indices] * weights
    np.testing.assert_array_equal(cells["v"], expected)


def test_own_rates_follow_the_view() -> None:
    net, cells = counters(100)
    net.connect(Poisson([0.0, 4000.0, 0.0]), cells[[50, 3, 7]])
    net.run(50.0)
    assert np.flatnonzero(cells["v"]).tolist() == [3]


def test_weights_from_a_distribution() -> None:
    net, cells = counters(2000)
    net.connect(Poisson(20000.0), cells, weight=nw.Normal(1.0, 0.1))
    net.run(200.0)
    spread = cells["v"].std() / cells["v"].mean()
    assert abs(spread / np.hypot(0.1, 1 / np.sqrt(198 * 20)) - 1) < 0.1


@pytest.mark.parametrize("rate", [800.0, np.full(200, 800.0)], ids=["one", "each"])
def test_delay_and_span(rate: Any) -> None:
    """A delay moves the train as a whole; it is on in steps that begin from start to before stop."""
    plain = counts(rate, 200, 40)
    net, cells = counters(200)
    net.connect(Poisson(rate, start=5.0, stop=12.0), cells, delay=6.0)
    net.record(cells, "v")
    v = net.run(40.0)["cells"]["v"].values
    found = np.diff(v, axis=0, prepend=0)
    expected = np.zeros_like(found)
    # The spike of step n, at its end, arrives six steps later: it is input of step n + 7.
    expected[5 + 7 : 12 + 7] = plain[5 + 1 : 12 + 1]
    np.testing.assert_array_equal(found, expected)


def test_late_input() -> None:
    """What jumps the potential at the end of a step does so in the step of the spike itself."""
    net = nw.Network(dt=1.0, seed=5)
    cells = net.population(200, sl.Refractory(sl.synapses.Receptors(sl.IF(v_th=1e9), e=sl.synapses.Delta()), t_ref=1.0))
    net.connect(Poisson(800.0), cells, delay=0.0)
    net.run(10.0)
    np.testing.assert_array_equal(cells["v"], counts(800.0, 200, 11).sum(0))


def test_varying_rates() -> None:
    """Rates of a waveform, zero before its first time; one for each neuron too."""
    found = counts(Piecewise([3.0, 8.0], [[1000.0, 5000.0] * 500, [0.0, 20000.0] * 500]), 1000, 12)
    rates = np.zeros((12, 2))
    rates[4:9], rates[9:] = [1.0, 5.0], [0.0, 20.0]
    means = found.reshape(12, 500, 2).mean(1)
    assert (np.abs(means - rates) < 4.5 * np.sqrt(rates / 500) + 1e-9).all()
    found = counts(Sinusoid(1000.0, 800.0, 100.0, 90.0), 4000, 21)[1:]
    expected = 1.0 + 0.8 * np.cos(2 * np.pi * 0.1 * np.arange(20))
    assert (np.abs(found.mean(1) - expected) < 4.5 * np.sqrt(expected / 4000)).all()


@pytest.mark.parametrize("rate", [2000.0, np.linspace(0.0, 40_000.0, 100)], ids=["one", "each"])
def test_both_precisions(rate: Any) -> None:
    np.testing.assert_array_equal(counts(rate, 100, 20), counts(rate, 100, 20, dtype=torch.float64))


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf"), [1.0, float("nan")], [3.0, -2.0]])
def test_bad_rates(rate: Any) -> None:
    with pytest.raises(ParameterError, match=r"Poisson\.rate"):
        Poisson(rate)


@pytest.mark.parametrize("rate", ["12", None, True, [[True]], "a"])
def test_rates_that_are_no_numbers(rate: Any) -> None:
    with pytest.raises(DTypeError, match=r"Poisson\.rate"):
        Poisson(rate)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Piecewise([0.0, 0.0], [1.0, 2.0]), "increasing"),
        (lambda: Piecewise([-1.0], [1.0]), "increasing"),
        (lambda: Piecewise([1.0], [float("nan")]), "finite"),
        (lambda: Poisson(Sinusoid(1.0, 2.0, 3.0)), "rates >= 0"),
        (lambda: Poisson(1.0, start=3.0, stop=3.0), "start < stop"),
        (lambda: Poisson(1.0, start=-3.0), "time >= 0"),
        (lambda: Poisson(1.0, stop=float("nan")), "stop"),
    ],
)
def test_bad_waveforms(make: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make()


@pytest.mark.parametrize(
    ("device", "given", "error", "message"),
    [
        (Poisson([1.0, 2.0]), {}, ShapeError, "each of 10"),
        (Poisson(1.0), {"weight": [1.0, 2.0]}, ShapeError, "weight"),
        (Poisson(1.0), {"weight": float("nan")}, ParameterError, "weight"),
        (Poisson(1.0), {"delay": -1.0}, ParameterError, "delay"),
        (Poisson(1.0), {"delay": float("nan")}, ParameterError, "delay"),
        (Poisson(1.0), {"delay": 1.5}, ParameterError, "2 is nearest"),
        (Poisson(1.0), {"delay": [1.0, 2.0]}, DTypeError, "delay"),
        (Poisson(1.0), {"axonal_delay": 1.0}, ParameterError, "no axon"),
        (Poisson(1.0), {"rule": nw.FixedInDegree(1)}, ParameterError, "rule"),
        (Poisson(1e8), {}, ParameterError, "at most"),
        (Poisson(Piecewise([0.5], [1.0])), {}, ParameterError, "multiples of dt"),
        (Poisson(1.0, start=0.5), {}, ParameterError, "multiples of dt"),
    ],
)
def test_bad_connections(device: Poisson, given: Any, error: Any, message: str) -> None:
    net, cells = counters(10)
    with pytest.raises(error, match=message):
        net.connect(device, cells, **given)
    assert net.devices == []


def test_a_neuron_twice() -> None:
    net, cells = counters(10)
    with pytest.raises(ParameterError, match="each neuron once"):
        net.connect(Poisson(1.0), cells[[1, 1]])
