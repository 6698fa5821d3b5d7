"""SPA's update is the gradient of the probability at the peaks; a layer of neurons that race is what it says."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.plasticity import FirstToFire, SegmentedProbability


def trials(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.poisson(torch.full((50, 3, 8), 0.1), generator=generator).double()
    target = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]).double()
    return x, target, torch.randn(4, 8, generator=generator).double()


@pytest.mark.parametrize("peaks", [True, False])
@pytest.mark.parametrize("t_r", [20.0, 50.0, 300.0])
def test_update_is_the_gradient_of_the_probability(t_r: float, peaks: bool) -> None:
    x, target, w = trials()
    rule = SegmentedProbability(lr=0.2, t_r=t_r, peaks=peaks)
    peak = 20 * 5 / 15 * math.log(4.0)
    v_0 = 1 / (math.exp(-peak / 20) - math.exp(-peak / 5))
    free = w.clone().requires_grad_()
    loss = torch.zeros(())
    for trial in range(3):
        # The potential, written as a sum over spikes.
        v = torch.stack([
            sum(
                (
                    n * v_0 * (math.exp(-(t - s) / 20) - math.exp(-(t - s) / 5)) * free[:, j]
                    for s in range(t + 1)
                    for j, n in enumerate(x[s, trial].tolist())
                    if n
                ),
                torch.zeros(4).double(),
            )
            for t in range(50)
        ])  # fmt: skip
        for first in range(0, 50, int(t_r)):
            part = v[first : first + int(t_r)]
            at = part[int(part.amax(1).argmax()) if peaks else -1].exp()
            loss = loss - torch.log((at * target[trial]).sum() / at.sum()) / 3
    loss.backward()
    assert free.grad is not None
    found = rule.update(w, x, target)
    torch.testing.assert_close(found.w, w - 0.2 * free.grad, atol=1e-9, rtol=1e-6)
    torch.testing.assert_close(found.output, rule.potential(w, x).exp())


def test_every_segment_counts() -> None:
    x, target, w = trials()
    x[20:] = 0.0
    # The first 20 ms are one segment more: what is learned from the rest is learned in both.
    whole, first = (SegmentedProbability(t_r=20.0).update(w, part, target).w for part in (x, x[:20]))
    assert not torch.allclose(whole, first)
    alone = SegmentedProbability(t_r=300.0)
    assert torch.equal(alone.update(w, x[:20], target).w, first)


def test_weights_of_zero_learn_where_input_is_strongest() -> None:
    x = torch.zeros(40, 1, 2)
    x[10, 0, :] = 1.0
    found = SegmentedProbability(lr=0.1, t_r=40.0).update(torch.zeros(2, 2), x, torch.tensor([[1.0, 0.0]]))
    # The peak of K is 1, met to the step.
    assert found.w[0].tolist() == pytest.approx([0.05, 0.05], rel=1e-2)
    assert found.error.tolist() == [[0.5, -0.5]]


@pytest.mark.parametrize("seed", range(3))
def test_patterns_are_told_apart(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand(100, 20, 60, generator=generator) < 0.02).float()
    labels = torch.arange(20) % 2
    target = torch.nn.functional.one_hot(labels, 2).float()
    rule = SegmentedProbability(lr=0.05, t_r=25.0)
    first = torch.zeros(2, 60)
    w = rule.train(first, x, target, epochs=20, seed=seed).w
    assert torch.equal(rule.respond(w, x).sum(0).argmax(1), labels)


def test_refusals() -> None:
    x, target, w = trials()
    with pytest.raises(sl.errors.ParameterError, match="some 1"):
        SegmentedProbability().update(w, x, 0 * target)
    with pytest.raises(sl.errors.ParameterError, match="numbers of spikes"):
        SegmentedProbability().update(w, -x, target)
    with pytest.raises(sl.errors.ParameterError, match="tau_syn < tau_mem"):
        SegmentedProbability(tau_syn=30.0)


def patterns(seed: int, share: float = 0.1) -> tuple[Tensor, Tensor]:
    """Four patterns of 20 of 80 inputs, each ten times, with some of the spikes missing."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(40) % 4
    member = torch.arange(80) // 20 == labels.unsqueeze(1)
    times = torch.randint(0, 5, (40, 80), generator=generator)
    kept = member & (torch.rand(40, 80, generator=generator) > share)
    return torch.zeros(10, 40, 80).scatter(0, times.unsqueeze(0), kept.float().unsqueeze(0)), labels


@pytest.mark.parametrize("seed", range(3))
def test_each_pattern_finds_neurons_of_its_own(seed: int) -> None:
    x, labels = patterns(seed)
    rule = sl.plasticity.SimplifiedSTDP(a_plus=0.1, a_minus=0.05)
    layer = FirstToFire(80, 8, rule=rule, v_th=2.0, rise=0.2, seed=seed)
    for _ in range(10):
        layer.learn(x)
    winners = layer.respond(x).neuron
    assert bool((winners >= 0).all())
    of_label = [set(winners[labels == label].tolist()) for label in range(4)]
    assert sum(len(each) for each in of_label) == len(set().union(*of_label))


def test_the_first_above_its_threshold_wins() -> None:
    layer = FirstToFire(4, 3, v_th=1.0, tau_mem=10.0)
    layer.w = torch.tensor([[1.0, 0, 0, 0], [0, 0.6, 0.8, 0], [0.6, 0, 0, 0.8]])
    layer.v_th = torch.tensor([1.01, 1.2, 0.5])
    x = torch.zeros(6, 3, 4)
    x[1, 0, 0] = x[2, 0, 3] = 1.0
    x[1, 1, 1] = x[1, 1, 2] = x[1, 1, 3] = 1.0
    x[3, 2, 0] = 1.0
    layer.v_th[2] = 0.7
    found = layer.respond(x)
    # 0.6 at step 1, and 0.6 exp(-0.1) + 0.8 at step 2; 1.4 - 1.2 is further above than 0.8 - 0.7; 0.6 is not enough,
    # and once thresholds are 15 % lower the first has 1 - 0.8585, the third 0.6 - 0.595.
    assert found.neuron.tolist() == [2, 1, 0]
    assert found.step.tolist() == [2, 1, 3]
    assert FirstToFire(4, 3).respond(torch.zeros(6, 1, 4)).neuron.tolist() == [-1]


def test_thresholds_rise_for_winners_and_fall_for_others() -> None:
    x, _ = patterns(0)
    layer = FirstToFire(80, 4, v_th=2.0, rise=0.1)
    winner = int(layer.learn(x[:, :1]).neuron[0])
    expected = torch.full((4,), 2.0 - 0.025)
    expected[winner] += 0.1
    torch.testing.assert_close(layer.v_th, expected)
    silent = FirstToFire(80, 4, v_th=50.0, rise=0.1)
    before = silent.w.clone()
    assert silent.learn(x[:, :1]).neuron.tolist() == [-1]
    assert torch.equal(silent.w, before)


def test_first_to_fire_refusals() -> None:
    with pytest.raises(sl.errors.ParameterError, match="v_th"):
        FirstToFire(4, 2, v_th=0.0)
    with pytest.raises(sl.errors.ParameterError, match="neurons"):
        FirstToFire(4, 0)
    with pytest.raises(sl.errors.ShapeError, match=r"T, B, 4"):
        FirstToFire(4, 2).respond(torch.zeros(3, 1, 5))
    with pytest.raises(sl.errors.ParameterError, match="0 and 1"):
        FirstToFire(4, 2).learn(torch.full((3, 1, 4), 2.0))
