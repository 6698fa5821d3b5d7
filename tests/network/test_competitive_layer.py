"""The competitive layer: shapes, what it refuses, what `respond` leaves alone, threads, batches, fields and groups."""

from __future__ import annotations

import math

import numpy as np
import pytest

import spikeloom as sl
from spikeloom.errors import DTypeError, ParameterError, ShapeError

# Two bars; either of them alone drives its own neurons.
BARS = np.zeros((2, 16))
BARS[0, :8] = BARS[1, 8:] = 1.0


def layer(**given):
    chosen = {"inputs": 16, "neurons": 4, "total": 4.0, "shown": 60.0, "pause": 30.0, "rate": 400.0, **given}
    return sl.network.models.CompetitiveLayer(**chosen)


def test_shapes_and_totals():
    made = layer()
    counts = made.learn(np.tile(BARS, (3, 1)))
    assert counts.shape == (6, 4)
    assert counts.sum() > 0
    assert made.weights.shape == (16, 4)
    # The last image has changed weights since they were scaled.
    assert made.weights.sum(0) == pytest.approx([4.0] * 4, abs=0.5)
    assert made.respond(BARS[:0]).shape == (0, 4)


def test_weights_can_be_set():
    made = layer()
    wanted = np.random.default_rng(0).random((16, 4))
    made.weights = wanted
    assert made.weights == pytest.approx(wanted, abs=1e-6)


def test_learning_strengthens_what_was_active():
    made = layer(interneurons=False, plasticity=sl.plasticity.DiehlCookSTDP(nu_post=0.1))
    before = made.weights[:8].sum()
    made.learn(np.tile(BARS[:1], (10, 1)))
    assert made.weights[:8].sum() > 1.5 * before


def test_respond_changes_nothing():
    made = layer()
    made.learn(np.tile(BARS, (2, 1)))
    weights, thresholds = made.weights, made.cells["theta"].copy()
    assert made.respond(np.tile(BARS, (5, 1))).sum() > 0
    assert np.array_equal(made.weights, weights)
    assert np.array_equal(made.cells["theta"], thresholds)
    # Learning goes on afterwards.
    made.learn(BARS)
    assert not np.array_equal(made.weights, weights)
    assert (made.cells["theta"] > thresholds).any()


def test_respond_leaves_learning_switched_off():
    made = layer()
    made.learning.on = False
    made.respond(BARS)
    assert not made.learning.on


def test_thresholds_rise_and_fall():
    # Never shown again; spikes in the pause after an image raise thresholds, too.
    made = layer(repeats=0, pause=math.inf)
    counts = made.learn(BARS)
    assert made.cells["theta"] == pytest.approx(20.0 + 0.05 * counts.sum(0), abs=0.051)
    quiet = layer(repeats=0)
    quiet.learn(np.zeros((50, 16)))
    assert quiet.cells["theta"] == pytest.approx([20.0 * math.exp(-50 * 90.0 / 1e7)] * 4, rel=1e-5)
    still = layer(adaptive=False)
    still.learn(BARS)
    assert len(set(still.cells["theta"].tolist())) == 1


@pytest.mark.parametrize("interneurons", [True, False])
def test_threads_do_not_matter(interneurons):
    found = [layer(threads=n, interneurons=interneurons) for n in (1, 2)]
    counts = [made.learn(np.tile(BARS, (2, 1))) for made in found]
    assert np.array_equal(*counts)
    assert np.array_equal(*(made.weights for made in found))


def test_a_batch_shares_weights_and_thresholds():
    made = layer(batch=3)
    counts = made.learn(np.tile(BARS, (3, 1)))
    assert counts.shape == (6, 4)
    assert made.weights.shape == (16, 4)
    thresholds = made.cells["theta"]
    assert thresholds.shape == (3, 4)
    assert (thresholds == thresholds[0]).all()
    assert (thresholds > 20.0).any()


def test_receptive_fields():
    connected = np.zeros((16, 4), dtype=bool)
    connected[:8, :2] = connected[8:, 2:] = True
    made = layer(connected=connected, inhibition=0.0)
    counts = made.learn(BARS)
    assert counts[0, :2].all()
    assert not counts[0, 2:].any()
    assert counts[1, 2:].all()
    assert not counts[1, :2].any()
    assert not made.weights[~connected].any()
    assert made.weights[connected].all()


@pytest.mark.parametrize("interneurons", [True, False])
def test_only_neurons_of_a_group_inhibit_each_other(interneurons):
    def responses(groups):
        made = layer(groups=groups, inhibition=100.0, interneurons=interneurons, shown=400.0, adaptive=False)
        # The first neuron is much stronger than the others and, as it need not wait, wins wherever it competes.
        made.cells["t_wait"] = 5.0
        made.weights = np.tile([1.0, 0.4, 0.4, 0.4], (16, 1))
        return made.respond(np.ones((1, 16)))[0]

    apart, together = responses(np.array([0, 0, 1, 1])), responses(None)
    assert apart[1] <= 1
    assert together[1:].sum() <= 1
    assert apart[2:].sum() >= 10


def test_images_that_begin_at_rest():
    made = layer(pause=math.inf)
    made.learn(BARS)
    for name, rest in (("excitatory", -65.0), ("inhibitory", -60.0)):
        (cells,) = [each for each in made.network.populations if each.name == name]
        assert np.array_equal(cells["v"], np.full(4, rest, dtype=np.float32))
        assert not cells["g_exc"].any()
        assert not cells["g_inh"].any()


def test_much_inhibition_keeps_potentials_bounded():
    made = layer(inhibition=1e4, adaptive=False, neurons=30)
    made.learn(np.ones((2, 16)))
    assert made.cells["v"].min() >= -105.0


def test_images_that_cause_few_spikes_are_shown_again():
    for repeats in (0, 2):
        made = layer(repeats=repeats, rate=1.0)
        made.respond(BARS[:1])
        assert made.network.time == pytest.approx(90.0 * (1 + repeats))


def test_other_cells():
    made = layer(cell=sl.network.models.CompetitiveCell(theta_plus=1.0))
    counts = made.learn(BARS)
    assert made.cells["theta"].max() >= 20.0
    assert (made.cells["theta"] - 20.0 >= 0.99 * counts.sum(0)).all()


def test_rules_that_count_within_a_trial():
    rule = sl.plasticity.IntervalSTDP(every=10.0, a_plus=0.1)
    made = layer(plasticity=rule, total=None)
    before = made.weights
    made.learn(BARS)
    assert not np.array_equal(made.weights, before)
    assert not made.learning.arrays["n"].any()


@pytest.mark.parametrize(
    ("images", "error"),
    [
        (np.zeros(16), ShapeError),
        (np.zeros((2, 15)), ShapeError),
        (np.full((1, 16), 1.5), ParameterError),
        (np.full((1, 16), -0.1), ParameterError),
        (np.full((1, 16), np.nan), ParameterError),
    ],
)
def test_bad_images_are_refused(images, error):
    with pytest.raises(error):
        layer().respond(images)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"connected": np.ones((4, 16), dtype=bool)}, ShapeError),
        ({"connected": np.ones((16, 4))}, DTypeError),
        ({"groups": np.zeros(3, dtype=int)}, ShapeError),
        ({"groups": np.zeros(4)}, DTypeError),
        ({"total": -1.0}, ParameterError),
        ({"shown": 0.0}, ParameterError),
        ({"pause": -1.0}, ParameterError),
        ({"pause": math.nan}, ParameterError),
        ({"rate": 0.0}, ParameterError),
        ({"repeats": -1}, ParameterError),
    ],
)
def test_bad_settings_are_refused(given, error):
    with pytest.raises(error):
        layer(**given)
