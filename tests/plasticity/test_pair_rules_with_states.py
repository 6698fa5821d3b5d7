"""Pair rules whose synapses have more than a weight: locks, fast weights, targets of repair."""

import math

import pytest
import torch

from spikeloom import plasticity as sp
from spikeloom.errors import ShapeError
from spikeloom.plasticity.handler import Handler

ONE = torch.ones(1, 1, dtype=torch.float64)


def spikes(times, steps=60, n=1):
    train = torch.zeros(steps, 1, n, dtype=torch.float64)
    train[times] = 1.0
    return train


def test_binary_probabilities():
    """100 x 100 synapses, one postsynaptic spike: shares that change have the stated probabilities, within 5 sigma."""
    rule = sp.BinarySTDP(p_up=0.3, p_down=0.1, window=5.0)
    pre, post = spikes([], 10, 100), spikes([6], 10, 100)
    pre[2, :, :50] = 1.0
    for start, potentiated, depressed in ((0.0, 0.3, 0.0), (1.0, 1.0, 0.9)):
        w = sp.learn(rule, torch.full((100, 100), start).double(), pre, post, seed=4).w
        assert set(w.unique().tolist()) <= {0.0, 1.0}
        assert w[..., :50].mean().item() == pytest.approx(potentiated, abs=5 * math.sqrt(0.21 / 5000))
        assert w[..., 50:].mean().item() == pytest.approx(depressed, abs=5 * math.sqrt(0.09 / 5000))


@pytest.mark.parametrize(("lag", "up"), [(5, True), (6, False), (-1, False), (0, True)])
def test_binary_window(lag, up):
    rule = sp.BinarySTDP(p_up=1.0, p_down=1.0, window=5.0)
    w = sp.learn(rule, 0.0 * ONE, spikes([20]), spikes([20 + lag])).w
    assert w.item() == float(up)


@pytest.mark.parametrize(("tau_lock", "later", "kept"), [(math.inf, 50, 1.0), (20.0, 20, 1.0), (20.0, 21, 0.0)])
def test_lock(tau_lock, later, kept):
    """Potentiated at 5 ms; another postsynaptic spike, without input, would depress with certainty."""
    rule = sp.BinarySTDP(p_up=1.0, p_down=1.0, window=2.0, tau_lock=tau_lock)
    assert sp.learn(rule, 0.0 * ONE, spikes([4]), spikes([5, 5 + later])).w.item() == kept
    unlocked = sp.learn(rule, ONE, spikes([]), spikes([5])).w
    assert unlocked.item() == 0.0


def test_fast_weight():
    """gamma exp(-lag/tau_plus) after a pair, decaying with tau_fast; the weight stays; the efficacy is their sum."""
    rule = sp.ShortTermSTDP(gamma=0.2, tau_fast=30.0, tau_plus=10.0)
    learned = sp.learn(rule, 0.5 * ONE, spikes([10]), spikes([14, 24]))
    fast = 0.2 * (math.exp(-4 / 10) * math.exp(-45 / 30) + math.exp(-14 / 10) * math.exp(-35 / 30))
    assert learned.w.item() == 0.5
    assert learned.state["fast"].item() == pytest.approx(fast, abs=1e-12)
    values = {name: torch.as_tensor(value) for name, value in rule.param_values().items()}
    values |= {"w": learned.w, "fast": learned.state["fast"], "x": learned.state["x"]}
    assert Handler(rule, "efficacy").step(values)["efficacy"].item() == pytest.approx(0.5 + fast, abs=1e-12)


def test_fast_weight_is_limited():
    rule = sp.ShortTermSTDP(gamma=0.9, limit=0.4)
    learned = sp.learn(rule, 0.5 * ONE, spikes(list(range(60))), spikes(list(range(60))))
    assert learned.state["fast"].item() == pytest.approx(0.4)


def test_repair():
    """Half of the synapses die; the sum of weights comes back, and dead synapses stay dead."""
    generator = torch.Generator().manual_seed(0)
    w = torch.rand(4, 40, generator=generator).double() * 0.4
    alive = torch.rand(4, 40, generator=generator) < 0.5
    target = sp.repair_target(w, alive)
    torch.testing.assert_close(target.sum(1), w.sum(1))
    pre = (torch.rand(1500, 1, 40, generator=generator) < 0.1).double()
    post = (torch.rand(1500, 1, 4, generator=generator) < 0.1).double()
    rule = sp.AstrocyteSTDP(nu_post=0.1, nu_pre=0.0)
    repaired = sp.learn(rule, w * alive, pre, post, state={"target": target.unsqueeze(0)}).w[0]
    torch.testing.assert_close(repaired, target, atol=0.02, rtol=0)
    assert not repaired[~alive].any()
    control = sp.learn(sp.STDP(a_plus=0.001, a_minus=0.0), w * alive, pre, post).w[0]
    assert control[~alive].any()


def test_repair_of_the_dead_and_errors():
    assert sp.repair_target(ONE, torch.zeros(1, 1, dtype=torch.bool)).item() == 0.0
    with pytest.raises(ShapeError, match="alive"):
        sp.repair_target(ONE, torch.ones(2, 1, dtype=torch.bool))
