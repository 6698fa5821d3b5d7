"""Weights that follow their derivatives: against the program of the paper, and over an hour without spikes."""

import numpy as np
import torch

import spikeloom as sl


def test_equals_the_loops_of_the_program() -> None:
    """Times of spikes as numbers of milliseconds; a table of derivatives, updated once a second."""
    random = np.random.default_rng(3)
    pre, post = (random.random((2500, n)) < 0.02 for n in (4, 3))
    w, s = np.full((3, 4), 6.0), np.zeros((3, 4))
    x, y = np.zeros(4), np.zeros(3)
    for t in range(2500):
        s += np.outer(post[t], 0.1 * x)
        s -= np.outer(0.12 * y, pre[t])
        x[pre[t]], y[post[t]] = 1.0, 1.0
        x, y = 0.95 * x, 0.95 * y
        if t > 0 and t % 1000 == 0:
            w, s = np.clip(w + 0.01 + s, 0.0, 10.0), 0.9 * s
    rule = sl.plasticity.DerivativeSTDP()
    given = [torch.as_tensor(spikes[:, None], dtype=torch.float64) for spikes in (pre, post)]
    found = sl.plasticity.learn(rule, torch.full((3, 4), 6.0, dtype=torch.float64), *given, causal=False)
    np.testing.assert_allclose(found.w[0], w, atol=1e-9)
    np.testing.assert_allclose(found.state["s"][0], s, atol=1e-9)


def test_learning_makes_weights_of_the_network_strong_or_weak() -> None:
    net = sl.network.models.Polychronization(size=500, targets=50, learning=True).build(seed=1, threads=1)
    net.run(2000.0)
    weights = np.concatenate([p.learning.weights() for p in net.projections if p.learning is not None])
    assert len(weights) == 400 * 50
    assert 0.0 <= weights.min() < 6.0 < weights.max() <= 10.0
