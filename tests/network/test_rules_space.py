"""Rules by distance: probabilities, period, positions, delays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

import spikeloom as sl
from spikeloom.errors import DTypeError, ParameterError, ShapeError, SpikeloomError
from spikeloom.network import DistanceDelay, Network, Projection, rules

RARE = 1e-4
NAN = float("nan")
PROFILES = (rules.Gaussian(0.8, 0.06), rules.Decay(0.4, 0.1), rules.Disc(0.5, 0.12))


def placed(positions: Any, rule: rules.Rule, **given: Any) -> Projection:
    net = Network(seed=3)
    cells = net.population(len(positions), sl.LIF())
    cells.positions = positions
    made = net.connect(cells, cells, rule, **given)
    assert isinstance(made, Projection)
    return made


def distances(positions: np.ndarray[Any, Any], period: float | None) -> np.ndarray[Any, Any]:
    ways = positions[:, None] - positions[None]
    if period is not None:
        ways -= period * np.round(ways / period)
    return np.asarray(np.sqrt((ways**2).sum(axis=2)))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("period", [None, 2.0], ids=["open", "periodic"])
@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: type(profile).__name__)
def test_probability_follows_the_profile(profile: rules.Profile, period: float | None, dimensions: int) -> None:
    """Chi-square over rings of distance, each against the sum of the profile over its pairs."""
    positions = np.random.default_rng(dimensions).uniform(-1.0, 1.0, (700, dimensions))
    made = placed(positions, rules.DistanceDependent(profile, period, autapses=False))
    pre, post, _, _ = made.synapses()
    assert len(np.unique(pre.astype(np.int64) * 700 + post)) == len(pre)
    ways = distances(positions, period)
    chances = profile(ways)
    np.fill_diagonal(chances, 0.0)
    rings = np.digitize(ways, np.quantile(ways[chances > 1e-3], np.linspace(0, 1, 12)[1:-1]))
    expected = np.bincount(rings.ravel(), chances.ravel(), minlength=11)
    variance = np.bincount(rings.ravel(), (chances * (1 - chances)).ravel(), minlength=11)
    observed = np.bincount(rings[pre, post], minlength=11)
    score = ((observed - expected) ** 2 / np.maximum(variance, 1e-9))[expected > 5]
    assert stats.chi2.sf(score.sum(), len(score)) > RARE
    assert not observed[expected == 0].any()


def test_the_profiles() -> None:
    way = np.array([0.0, 1.0, 2.0, 2.0001])
    np.testing.assert_allclose(rules.Gaussian(0.5, 2.0)(way), 0.5 * np.exp(-(way**2) / 8), rtol=1e-14)
    np.testing.assert_allclose(rules.Decay(0.5, 2.0)(way), 0.5 * np.exp(-way / 2), rtol=1e-14)
    assert rules.Disc(0.5, 2.0)(way).tolist() == [0.5, 0.5, 0.5, 0.0]


def test_a_sure_disc_on_a_grid_has_exactly_its_neighbours() -> None:
    """A grid of the unit cube: spacing 1/10 and 1/8; around the corner where it is periodic."""
    net = Network()
    cells = net.population(neuron=sl.LIF(), shape=(10, 8))
    for period, count in ((None, 2 * (9 * 8 + 10 * 7)), (1.0, 4 * 80)):
        rule = rules.DistanceDependent(rules.Disc(1.0, 0.13), period, autapses=False)
        made = net.connect(cells, cells, rule)
        assert isinstance(made, Projection)
        assert len(made) == count


def test_views_keep_their_positions() -> None:
    positions = np.random.default_rng(1).uniform(size=(300, 2))
    net = Network()
    cells = net.population(300, sl.LIF())
    cells.positions = positions
    made = net.connect(cells[::-3], cells[7:200], rules.DistanceDependent(rules.Disc(1.0, 0.2)))
    assert isinstance(made, Projection)
    near = distances(positions, None)[np.ix_(made.pre.indices, made.post.indices)] <= 0.2
    np.testing.assert_array_equal(made.matrix().toarray() != 0, near)


@pytest.mark.parametrize("period", [None, 1.0], ids=["open", "periodic"])
def test_delay_grows_with_distance(period: float | None) -> None:
    positions = np.random.default_rng(2).uniform(size=(150, 3))
    made = placed(positions, rules.AllToAll(), delay=DistanceDelay(0.5, 0.2, period))
    pre, post, _, delay = made.synapses()
    exact = 0.5 + distances(positions, period)[pre, post] / 0.2
    # Rounded to the nearest step of 0.1 ms.
    assert np.abs(delay - exact).max() <= 0.05 + 1e-9
    np.testing.assert_allclose(delay, np.round(delay, 1))
    assert made.delay_steps.min() <= delay.min() / 0.1 + 1 and made.delay_steps.max() >= delay.max() / 0.1 + 1 - 1e-6


def _line(**given: Any) -> Projection:
    return placed(np.linspace(0, 1, 5), rules.DistanceDependent(rules.Disc(1.0, 0.3), **given))


def _set(positions: Any) -> Projection:
    return placed(positions, rules.DistanceDependent(rules.Disc(1.0, 0.3)))


BAD: dict[str, tuple[Callable[[], object], type[SpikeloomError], str]] = {
    "width 0": (lambda: rules.Disc(1.0, 0.0), ParameterError, "width"),
    "width NaN": (lambda: rules.Gaussian(1.0, NAN), ParameterError, "width"),
    "p > 1": (lambda: rules.Decay(1.1, 1.0), ParameterError, "p:"),
    "no profile": (lambda: rules.DistanceDependent(0.5), DTypeError, "profile"),  # type: ignore[arg-type]
    "period 0": (lambda: _line(period=0.0), ParameterError, "period"),
    "period NaN": (lambda: _line(period=NAN), ParameterError, "period"),
    "period of two": (lambda: _line(period=(1.0, 2.0)), ParameterError, "period"),
    "period too short": (lambda: _line(period=0.5), ParameterError, "within one period"),
    "positions of NaN": (lambda: _set([0.0, NAN]), ParameterError, "finite"),
    "positions of four dimensions": (lambda: _set(np.zeros((3, 4))), ShapeError, r"\[3, 1 to 3\]"),
    "delay < 0": (lambda: DistanceDelay(-1.0, 1.0), ParameterError, "base"),
    "velocity 0": (lambda: DistanceDelay(1.0, 0.0), ParameterError, "velocity"),
    "velocity NaN": (lambda: DistanceDelay(1.0, NAN), ParameterError, "velocity"),
    "too slow": (lambda: placed([0.0, 1.0], rules.AllToAll(), delay=DistanceDelay(1.0, 1e-9)), ParameterError, "most"),
    "as a weight": (lambda: placed([0.0, 1.0], rules.AllToAll(), weight=DistanceDelay(1.0, 1.0)), DTypeError, "weight"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name: str) -> None:
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()


def test_too_few_positions_are_refused() -> None:
    net = Network()
    cells, others = net.population(5, sl.LIF()), net.population(shape=(2, 2), neuron=sl.LIF())
    with pytest.raises(ShapeError, match="1 and 2"):
        net.connect(cells, others, rules.DistanceDependent(rules.Disc(1.0, 0.3)))
    cells.positions = np.zeros((4, 2))
    with pytest.raises(ShapeError, match=r"\[5, 1 to 3\]"):
        net.connect(cells, cells, rules.DistanceDependent(rules.Disc(1.0, 0.3)))
