"""States of synapses: read and set between runs, decaying or not, in the order of sources, targets and delays."""

from __future__ import annotations

import numpy as np
import pytest
from torch import Tensor

import spikeloom as sl
from spikeloom.plasticity.rule import SynapseState


class Keeps(sl.plasticity.Rule):
    """Counts arriving spikes; the count decays, and begins at 1."""

    c = SynapseState(1.0, "1", "decays", tau=10.0)
    fixed = SynapseState(0.0, "1", "does not")

    def on_pre(self) -> dict[str, Tensor]:
        return {"c": self.c + 1.0, "w": self.w + self.fixed}


def network(at: float = 2.0):
    """Two sources, one of which spikes at `at`, and two targets; dt 0.5 ms."""
    net = sl.network.Network(dt=0.5)
    sources = net.population(2, sl.network.SpikeTimes([[at], []]))
    targets = net.population(2, sl.LIF())
    made = net.connect(sources, targets, sl.network.rules.AllToAll(), weight=0.1, delay=0.5, plasticity=Keeps())
    return net, made.learning


def test_decay_begins_with_the_first_step():
    net, learning = network()
    assert learning.state("c") == pytest.approx([1.0] * 4)
    # A spike arrives at 2.5 ms; as in the last step, at 9.5 ms.
    net.run(10.0, progress=False)
    quiet = np.exp(-0.95)
    heard = quiet + np.exp(-0.7)
    assert learning.state("c") == pytest.approx([heard, heard, quiet, quiet], rel=1e-5)


def test_decay_is_the_same_where_the_projection_is_made_later():
    # 120 steps are those between two sweeps of traces of 10 ms.
    for steps in (0, 7, 120):
        net = sl.network.Network(dt=0.5)
        source, target = net.population(1, sl.network.SpikeTimes([[1.0]])), net.population(1, sl.LIF())
        if steps:
            net.run(0.5 * steps, progress=False)
        made = net.connect(source, target, sl.network.rules.AllToAll(), weight=0.1, plasticity=Keeps())
        net.run(0.5, progress=False)
        assert made.learning.state("c") == pytest.approx([1.0], rel=1e-5)


def test_what_is_set_is_read_and_decays_from_there():
    for before in (0.0, 3.5, 60.0, 101.0):
        net, learning = network(at=400.0)
        if before:
            net.run(before, progress=False)
        given = np.array([1.0, 2.0, 3.0, 4.0])
        learning.set_state("c", given)
        assert learning.state("c") == pytest.approx(given)
        net.run(5.0, progress=False)
        # At the very beginning, the first step is the one in which the value holds.
        assert learning.state("c") == pytest.approx(given * np.exp(-0.5 if before else -0.45), rel=1e-5)


def test_rules_use_what_is_set_in_that_order():
    net, learning = network()
    learning.set_state("fixed", [0.1, 0.2, 0.3, 0.4])
    net.run(5.0, progress=False)
    assert learning.state("w") == pytest.approx([0.2, 0.3, 0.1, 0.1])
    learning.set_state("fixed", 0.5)
    assert learning.state("fixed").tolist() == [0.5] * 4


@pytest.mark.parametrize(
    ("name", "values", "error"),
    [
        ("d", 1.0, sl.errors.UnknownNameError),
        ("w", 1.0, sl.errors.UnknownNameError),
        ("c", [1.0, 2.0], sl.errors.ShapeError),
        ("c", np.nan, sl.errors.ParameterError),
    ],
)
def test_bad_states_are_refused(name, values, error):
    _, learning = network()
    with pytest.raises(error):
        learning.set_state(name, values)
