"""Plastic synapses on fewer neurons than there are parts."""

import numpy as np

import spikeloom as sl

nw = sl.network


def learnt(threads: int, neurons: int) -> np.ndarray:
    net = nw.Network(dt=0.5, seed=1, threads=threads)
    inputs = net.population(200, nw.Poisson(40.0), name="inputs")
    cells = net.population(neurons, sl.LIF(tau_mem=20.0, decay_input=False), name="cells")
    rule = sl.plasticity.STDP(a_plus=0.02, a_minus=0.021)
    synapses = net.connect(inputs, cells, nw.rules.AllToAll(), weight=nw.Uniform(0.0, 0.1), plasticity=rule)
    net.run(1000.0)
    return synapses.synapses().weight


def test_a_part_without_neurons_leaves_those_of_others_alone() -> None:
    for neurons in (1, 2, 65):
        alone = learnt(1, neurons)
        assert np.ptp(alone) > 0.1
        for threads in (2, 3):
            np.testing.assert_array_equal(alone, learnt(threads, neurons))
