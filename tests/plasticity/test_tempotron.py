"""The tempotron: its potential, its changes, and how many patterns it learns."""

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.plasticity import Tempotron

TAU_MEM, TAU_SYN = 15.0, 3.75


def latencies(n: int, patterns: int, seed: int, steps: int = 500) -> tuple[Tensor, Tensor, Tensor]:
    """One spike of each afferent at a random time; half of the patterns are to be answered."""
    generator = torch.Generator().manual_seed(seed)
    times = torch.randint(0, steps, (1, patterns, n), generator=generator)
    x = torch.zeros(steps + 30, patterns, n).scatter_(0, times, 1.0)
    return x, (torch.arange(patterns) % 2).float().unsqueeze(1), torch.randn(1, n, generator=generator) / math.sqrt(n)


def kernel(s: float) -> float:
    """A response with a peak of 1, found by looking."""
    if s < 0:
        return 0.0
    height = max(math.exp(-u / 1e3 / TAU_MEM) - math.exp(-u / 1e3 / TAU_SYN) for u in range(0, 20_000))
    return (math.exp(-s / TAU_MEM) - math.exp(-s / TAU_SYN)) / height


def spikes_of(x: Tensor) -> list[tuple[int, int]]:
    return [(t, i) for t, i in x[:, 0].nonzero().tolist()]


def some_input(seed: int, steps: int = 60, n: int = 8, p: float = 0.05) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand(steps, 1, n, generator=generator) < p).double()
    return x, torch.randn(1, n, generator=generator).double()


def test_potential_is_the_sum_over_all_spikes() -> None:
    x, w = some_input(0)
    v = Tempotron(shunt=False).potential(w, x)[:, 0, 0]
    for t in range(0, 60, 7):
        expected = sum(float(w[0, i]) * kernel(t - s) for s, i in spikes_of(x))
        assert float(v[t]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_input_after_the_spike_is_shunted(seed: int) -> None:
    x, w = some_input(seed, p=0.1)
    rule, w = Tempotron(v_th=0.5), w.abs() + 0.3
    spikes, v = rule.respond(w, x)[:, 0, 0], rule.potential(w, x)[:, 0, 0]
    assert spikes.sum() == 1
    first = int(spikes.argmax())
    before = x.clone()
    before[first + 1 :] = 0.0
    free = Tempotron(v_th=0.5, shunt=False).potential(w, before)[:, 0, 0]
    torch.testing.assert_close(v, free)


def test_change_is_the_kernel_at_the_highest_potential() -> None:
    x, w = some_input(5)
    rule = Tempotron(lr=0.1, v_th=100.0)
    v = rule.potential(w, x)[:, 0, 0]
    t_max = int(v.argmax())
    changed = rule.update(w, x, torch.ones(1, 1).double())
    assert changed.error.item() == 1
    for i in range(8):
        expected = 0.1 * sum(kernel(t_max - s) for s, j in spikes_of(x) if j == i)
        assert float(changed.w[0, i] - w[0, i]) == pytest.approx(expected, abs=1e-6)


def test_change_after_a_wrong_spike_is_at_the_peak_that_follows_it() -> None:
    x, w = torch.zeros(80, 1, 3).double(), torch.tensor([[0.8, 0.6, 5.0]]).double()
    x[5, 0, 0] = x[9, 0, 1] = x[60, 0, 2] = 1.0
    rule = Tempotron(lr=0.1)
    assert rule.respond(w, x)[:, 0, 0].argmax() < 20
    times = [t / 1000 for t in range(9_000, 40_000)]
    peak = max(times, key=lambda t: 0.8 * kernel_fast(t - 5) + 0.6 * kernel_fast(t - 9))
    dw = (rule.update(w, x, torch.zeros(1, 1).double()).w - w)[0]
    assert dw.tolist() == pytest.approx([-0.1 * kernel(peak - 5), -0.1 * kernel(peak - 9), 0.0], abs=1e-6)


def kernel_fast(s: float) -> float:
    return math.exp(-s / TAU_MEM) - math.exp(-s / TAU_SYN)


def test_right_answers_change_nothing() -> None:
    x, target, w = latencies(20, 6, 0)
    rule = Tempotron()
    silent = torch.zeros_like(w)
    assert torch.equal(rule.update(silent, x, torch.zeros_like(target)).w, silent)
    assert torch.equal(rule.train(silent, x, torch.zeros_like(target), epochs=3).w, silent)


def test_a_batch_changes_by_the_mean_of_its_trials() -> None:
    x, target, w = latencies(20, 6, 1)
    rule = Tempotron(lr=0.1)
    each = [rule.update(w, x[:, b : b + 1], target[b : b + 1]).w - w for b in range(6)]
    torch.testing.assert_close(rule.update(w, x, target).w - w, torch.stack(each).mean(0))


def test_neurons_learn_side_by_side() -> None:
    x, target, w = latencies(20, 6, 2)
    rule, both = Tempotron(lr=0.1), torch.cat((w, -w))
    changed = rule.update(both, x, torch.cat((target, 1 - target), 1)).w
    torch.testing.assert_close(changed[:1], rule.update(w, x, target).w)
    torch.testing.assert_close(changed[1:], rule.update(-w, x, 1 - target).w)


def test_weights_of_zero_learn() -> None:
    x, target, w = latencies(20, 4, 3)
    assert Tempotron(lr=0.05).train(0 * w, x, target, epochs=100).solved


@pytest.mark.parametrize("seed", range(3))
def test_half_a_pattern_per_synapse_is_learned(seed: int) -> None:
    """Published capacity is near 3; here 25 patterns for 50 synapses, 3 seeds in 33 to 47 epochs."""
    x, target, w = latencies(50, 25, seed)
    rule = Tempotron(lr=0.003)
    trained = rule.train(w, x, target, epochs=150, momentum=0.9, seed=seed)
    assert trained.solved
    assert torch.equal(rule.respond(trained.w, x).sum(0), target)
    untrained = (rule.respond(w, x).sum(0) != target).sum()
    assert untrained >= 5


def test_batches_learn_too() -> None:
    x, target, w = latencies(50, 25, 0)
    assert Tempotron(lr=0.003).train(w, x, target, epochs=300, momentum=0.9, online=False).solved


def test_the_seed_decides_the_order_alone() -> None:
    x, target, w = latencies(20, 10, 4)
    one, same, other = (Tempotron(lr=0.1).train(w, x, target, epochs=3, seed=s).w for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"x": torch.full((5, 1, 2), 0.5)}, sl.errors.ParameterError, "AugmentedSpikes"),
        ({"x": torch.zeros(5, 2)}, sl.errors.ShapeError, "T, B, in"),
        ({"w": torch.zeros(1, 3)}, sl.errors.ShapeError, "w of Tempotron"),
        ({"w": torch.full((1, 2), torch.nan)}, sl.errors.ParameterError, "finite"),
        ({"w": torch.zeros(1, 2, dtype=torch.long)}, sl.errors.DTypeError, "floating"),
        ({"target": torch.zeros(1, 3)}, sl.errors.ShapeError, "target"),
        ({"target": torch.full((1, 1), 2.0)}, sl.errors.ParameterError, "0 or 1"),
    ],
)
def test_refusals(change: dict[str, Tensor], error: type[Exception], words: str) -> None:
    given = {"w": torch.zeros(1, 2), "x": torch.zeros(5, 1, 2), "target": torch.zeros(1, 1)} | change
    with pytest.raises(error, match=words):
        Tempotron().update(**given)


def test_refused_parameters() -> None:
    with pytest.raises(sl.errors.ParameterError, match="tau_syn < tau_mem"):
        Tempotron(tau_syn=20.0)
    with pytest.raises(sl.errors.ParameterError, match="momentum"):
        Tempotron().train(torch.zeros(1, 2), torch.zeros(5, 1, 2), torch.zeros(1, 1), epochs=1, momentum=1.0)
