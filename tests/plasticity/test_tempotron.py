"""The tempotron: its potential, its changes, and how many patterns it learns."""

import math
from typing import Any

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


def some_times(seed: int, trials: int = 12, n: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    """One or two spikes of each afferent, weights, targets."""
    generator = torch.Generator().manual_seed(seed)
    times = 40 * torch.rand(trials, n, 2, generator=generator, dtype=torch.float64)
    times[..., 1] = torch.where(torch.rand(trials, n, generator=generator) < 0.5, times[..., 1], math.inf)
    return (
        times,
        torch.randn(2, n, generator=generator).double(),
        (torch.arange(2 * trials) % 3 == 0).double().view(-1, 2),
    )


def dense_potential(w: Tensor, times: Tensor, grid: Tensor) -> Tensor:
    """Of one trial, by the sum over all spikes, [T, out]."""
    since = grid.view(-1, 1, 1) - times
    scale = max(math.exp(-u / 1e3 / TAU_MEM) - math.exp(-u / 1e3 / TAU_SYN) for u in range(20_000))
    parts = (torch.exp(-since / TAU_MEM) - torch.exp(-since / TAU_SYN)) / scale
    return torch.where(since > 0, parts, 0.0).nan_to_num().sum(-1) @ w.T


@pytest.mark.parametrize("seed", range(3))
def test_highest_potential_in_continuous_time(seed: int) -> None:
    """No lower than on a grid of 2 us, and higher by no more than the potential rises in that time."""
    times, w, _ = some_times(seed)
    found, grid = Tempotron(shunt=False).highest(w, times), torch.arange(0, 80, 0.002).double()
    for b in range(3):
        v, place = dense_potential(w, times[b], grid).max(0)
        assert bool((found.v[b] >= v - 1e-6).all())
        torch.testing.assert_close(found.v[b], v.clamp(min=0), atol=2e-3, rtol=0)
        there = found.v[b] > 0
        torch.testing.assert_close(found.time[b][there], grid[place][there], atol=0.03, rtol=0)
        assert bool((found.time[b][~there] == -math.inf).all())


def test_in_continuous_time_input_after_the_spike_is_shunted() -> None:
    times, w = torch.tensor([[[5.0], [9.0], [15.0]]]).double(), torch.tensor([[0.8, 0.6, 5.0]]).double()
    found, rule = Tempotron().highest(w, times), Tempotron(shunt=False)
    without = torch.where(times == 15.0, math.inf, times)
    torch.testing.assert_close(found.v, rule.highest(w, without).v)
    assert float(rule.highest(w, times).v) > 4
    assert 9 < float(found.time) == pytest.approx(float(rule.highest(w, without).time))


def before_the_spike(w: Tensor, times: Tensor) -> Tensor:
    """Times of one trial without those after the potential has reached 1, found by looking."""
    grid = torch.arange(0, 80, 0.01).double()
    above = (dense_potential(w, times, grid)[:, 0] >= 1).nonzero()
    return torch.where(times > grid[above[0, 0]], math.inf, times) if len(above) else times


def online(
    rule: Tempotron, w: Tensor, times: Tensor, target: Tensor, orders: list[list[int]], momentum: float
) -> Tensor:
    """Training by the definition, trial after trial, each output on its own."""
    w, before = w.clone(), torch.zeros_like(w)
    for epoch, order in enumerate(orders):
        for b in order:
            peak = rule.highest(w, times[b : b + 1])
            error = target[b] - (peak.v[0] >= 1).double()
            quiet = Tempotron(shunt=False).highest(torch.ones_like(w[:1]), times[b : b + 1]).time[0]
            for k in error.nonzero().flatten().tolist():
                now = float(peak.time[0, k]) if peak.v[0, k] > 0 else float(quiet)
                heard = before_the_spike(w[k : k + 1], times[b]) if rule.shunt else times[b]
                psp = dense_potential(torch.eye(w.shape[1]).double(), heard, torch.tensor([now]).double())[0]
                before[k] = 0.5 ** (epoch / 3) * 0.1 * error[k] * psp + momentum * before[k]
                w[k] += before[k]
    return w


@pytest.mark.parametrize("shunt", [False, True])
def test_the_kernel_trains_as_the_definition(shunt: bool) -> None:
    times, w, target = some_times(7)
    rule = Tempotron(lr=0.1, shunt=shunt)
    orders = [sl.random.uniform(3, 0, torch.arange(12), epoch).argsort().tolist() for epoch in range(3)]
    trained = rule.train_on_times(w, times, target, epochs=3, momentum=0.5, cooling=0.5, seed=3)
    assert int(trained.wrong.min()) > 0
    torch.testing.assert_close(trained.w, online(rule, w, times, target, orders, 0.5), atol=1e-6, rtol=0)


def test_cooling_lowers_the_learning_rate() -> None:
    """One spike, whose peak stays where it is: two epochs of cooling 1/4 add 1 and 1/2 of the change."""
    x, w, wanted = torch.zeros(30, 1, 1), torch.zeros(1, 1), torch.ones(1, 1)
    x[5] = 1.0
    rule = Tempotron(lr=0.1)
    once, twice = (rule.train(w, x, wanted, epochs=n, cooling=0.25).w for n in (1, 2))
    torch.testing.assert_close(twice, 1.5 * once)
    timed = rule.train_on_times(w, torch.full((1, 1, 1), 5.0), wanted, epochs=2, cooling=0.25).w
    torch.testing.assert_close(timed, torch.full((1, 1), 0.15))


@pytest.mark.parametrize("seed", range(3))
def test_two_and_a_half_patterns_per_synapse_are_learned(seed: int) -> None:
    """With momentum and a learning rate that falls, on spike times; published capacity is near 3."""
    generator = torch.Generator().manual_seed(seed)
    times = 500 * torch.rand(250, 100, 1, generator=generator)
    w, target = torch.randn(1, 100, generator=generator) / 10, (torch.arange(250) % 2).float().unsqueeze(1)
    rule = Tempotron(lr=0.001, shunt=False)
    trained = rule.train_on_times(w, times, target, epochs=5000, momentum=0.99, cooling=0.1, seed=seed)
    assert trained.solved
    assert torch.equal((rule.highest(trained.w, times).v >= 1).float(), target)


@pytest.mark.parametrize("empty", [torch.full((2, 3, 1), math.inf), torch.zeros(2, 3, 0)])
def test_trials_without_spikes(empty: Tensor) -> None:
    w, target = torch.ones(1, 3), torch.ones(2, 1)
    assert torch.equal(Tempotron().highest(w, empty).v, torch.zeros(2, 1).double())
    assert Tempotron().train_on_times(w, empty, target, epochs=2).wrong.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"times": torch.zeros(5, 2)}, sl.errors.ShapeError, "B, in, n"),
        ({"times": torch.full((1, 2, 1), -math.inf)}, sl.errors.ParameterError, "times"),
        ({"w": torch.zeros(1, 3)}, sl.errors.ShapeError, "w of Tempotron"),
        ({"target": torch.zeros(2, 1)}, sl.errors.ShapeError, "target"),
        ({"target": torch.full((1, 1), 2.0)}, sl.errors.ParameterError, "0 or 1"),
        ({"cooling": 0.0}, sl.errors.ParameterError, "cooling"),
    ],
)
def test_refusals_of_spike_times(change: dict[str, Any], error: type[Exception], words: str) -> None:
    given = {"w": torch.zeros(1, 2), "times": torch.zeros(1, 2, 1), "target": torch.zeros(1, 1)} | change
    with pytest.raises(error, match=words):
        Tempotron().train_on_times(**given, epochs=1)
