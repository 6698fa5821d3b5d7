"""STDP of devices that differ: equal to simplified STDP where they do not, and to the paper's formula where they do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import spikeloom as sl


def trains(seed: int):
    generator = torch.Generator().manual_seed(seed)
    return tuple((torch.rand(200, 1, n, generator=generator) < 0.1).float() for n in (5, 3))


def test_rule():
    sl.check_rule(sl.plasticity.MemristiveSTDP())


def test_devices_that_are_alike_follow_simplified_stdp():
    pre, post = trains(0)
    w = torch.rand(3, 5, generator=torch.Generator().manual_seed(1))
    simple = sl.plasticity.SimplifiedSTDP.preset("Querlioz 2013")
    one = sl.plasticity.learn(simple, w, pre, post).w
    two = sl.plasticity.learn(sl.plasticity.MemristiveSTDP(), w, pre, post).w
    assert torch.allclose(one, two, atol=1e-6)


def test_devices_that_differ_follow_the_formula():
    pre, post = trains(2)
    random = np.random.default_rng(3)
    w = random.uniform(0.1, 0.5, (3, 5))
    plus, minus, top = random.uniform(0.5, 1.5, (3, 3, 5))
    rule = sl.plasticity.MemristiveSTDP(w_max=2.0, a_plus=0.05, a_minus=0.03)
    state = {
        name: torch.tensor(value[None], dtype=torch.float32)
        for name, value in (("gain_plus", plus), ("gain_minus", minus), ("top", top))
    }
    found = sl.plasticity.learn(rule, torch.tensor(w, dtype=torch.float32), pre, post, state=state).w[0]
    heard, fired = pre[:, 0].numpy(), post[:, 0].numpy()
    # A presynaptic spike at the same time can have caused the postsynaptic one, and counts.
    for t in range(200):
        for j in np.flatnonzero(fired[t]):
            for i in range(5):
                before = np.flatnonzero(heard[: t + 1, i])
                recent = len(before) and t - before[-1] <= 20
                share = w[j, i] / top[j, i]
                up = 0.05 * plus[j, i] * np.exp(-3 * share)
                down = 0.03 * minus[j, i] * np.exp(-3 * (1 - share))
                w[j, i] = np.clip(w[j, i] + top[j, i] * (up if recent else -down), 0.0, top[j, i])
    assert found.numpy() == pytest.approx(w, abs=1e-5)
    assert (found.numpy() <= top + 1e-6).all()
