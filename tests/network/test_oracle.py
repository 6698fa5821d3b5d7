"""Small random networks against the brute-force oracle, spike for spike."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import Phase, given, settings

from tests.network.oracle import Oracle, trains
from tests.network.random_networks import Form, forms

STEPS = 100
# A network that fails is small already, and making it smaller takes minutes.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=12, phases=PHASES)
@given(form=forms())
def test_float64(form: Form) -> None:
    """Spikes are the same, states differ by the rounding of library functions and of constants computed once."""
    net = form.build(torch.float64)
    oracle = Oracle(net)
    expected = oracle.run(STEPS)
    result = net.run(STEPS * net.dt)
    for population in net.populations:
        np.testing.assert_array_equal(trains(result, population), expected[population.name])
        for name, array in population.states.items():
            np.testing.assert_allclose(array, oracle.state(population, name), rtol=1e-10, atol=1e-11)


@settings(max_examples=12, phases=PHASES)
@given(form=forms(exact=True))
def test_float32(form: Form) -> None:
    """Neurons that only multiply and add, and weights that round once: the same bits."""
    net = form.build(torch.float32)
    oracle = Oracle(net)
    expected = oracle.run(STEPS)
    result = net.run(STEPS * net.dt)
    for population in net.populations:
        np.testing.assert_array_equal(trains(result, population), expected[population.name])
        for name, array in population.states.items():
            np.testing.assert_array_equal(array, oracle.state(population, name))
