"""Rules with a reward, a modulator or a teacher against closed forms, and learning by reward against controls."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom import plasticity as rules
from spikeloom.errors import ParameterError, ShapeError


def train(length: int, *times: int, n: int = 1) -> Tensor:
    x = torch.zeros(length, 1, n, dtype=torch.float64)
    for t in times:
        x[t] = 1.0
    return x


def w0(value: float = 0.0, n: int = 1) -> Tensor:
    return torch.full((n, 1), value, dtype=torch.float64)


def pairs_by_hand(pre: list[int], post: list[int], at: int, rule: rules.ThreeFactor) -> float:
    """Eligibility from all pairs; a spike at the time of its partner counts as its cause."""
    tau_e, total = float(rule.tau_e), 0.0
    for s in pre:
        for t in post:
            if s <= t <= at:
                total += float(rule.a_plus) * math.exp(-(t - s) / float(rule.tau_plus) - (at - t) / tau_e)
            elif t < s <= at:
                total -= float(rule.a_minus) * math.exp(-(s - t) / float(rule.tau_minus) - (at - s) / tau_e)
    return total


def test_three_factor_is_the_sum_over_all_pairs_times_the_modulator() -> None:
    pre, post = [3, 20, 21, 40, 77], [5, 20, 33, 60]
    rule = rules.ThreeFactor(eta=0.1, tau_plus=12.0, tau_minus=30.0, tau_e=80.0, w_min=-9.0, w_max=9.0)
    modulator = train(100)
    modulator[50], modulator[99] = 0.7, -2.0
    w = rules.learn(rule, w0(), train(100, *pre), train(100, *post), signals={"modulator": modulator}).w
    expected = 0.1 * (0.7 * pairs_by_hand(pre, post, 50, rule) - 2.0 * pairs_by_hand(pre, post, 99, rule))
    assert float(w) == pytest.approx(expected, rel=1e-12)


def dopamine_by_hand(pairs: list[tuple[int, float]], rewards: list[tuple[int, float]], end: int) -> float:
    """Integral of e d up to `end`, of eligibility jumps and rewards at given times, each pair in closed form."""
    rate, total = 1 / 1000 + 1 / 200, 0.0
    for t, jump in pairs:
        for r, size in rewards:
            start = max(t, r)
            value = jump * math.exp(-(start - t) / 1000) * size * math.exp(-(start - r) / 200)
            total += value * (1 - math.exp(-rate * (end - start))) / rate
    return total


@pytest.mark.parametrize(("pre", "post", "sign"), [(5, 10, 1), (10, 5, -1)])
def test_dopamine_equals_the_closed_form_at_every_step(pre: int, post: int, sign: int) -> None:
    rule = rules.DopamineSTDP(eta=0.01, every=1.0, w_min=-9.0, w_max=9.0)
    reward = train(1500)
    reward[300], reward[700] = 0.5, -0.2
    w = rules.learn(rule, w0(), train(1500, pre), train(1500, post), signals={"reward": reward}).w
    jump = math.exp(-5 / 20) * (float(rule.a_plus) if sign > 0 else -float(rule.a_minus))
    assert float(w) == pytest.approx(0.01 * dopamine_by_hand([(10, jump)], [(300, 0.5), (700, -0.2)], 1500), rel=1e-9)


def test_dopamine_every_10_ms_is_close_to_every_step() -> None:
    g = torch.Generator().manual_seed(0)
    pre, post = ((torch.rand(2000, 1, 1, generator=g) < 0.02).double() for _ in range(2))
    reward = train(2000)
    reward[800] = 0.5
    changes = [
        float(rules.learn(rules.DopamineSTDP(every=every, w_min=-99.0, w_max=99.0), w0(), pre, post,
                          signals={"reward": reward}).w)
        for every in (1.0, 10.0)
    ]  # fmt: skip
    assert changes[1] == pytest.approx(changes[0], rel=0.05)
    assert changes[0] != changes[1]


def test_without_dopamine_or_without_pairs_nothing_changes() -> None:
    rule, silent = rules.DopamineSTDP(every=1.0), train(300)
    pre, post = train(300, 10, 30), train(300, 12, 35)
    assert float(rules.learn(rule, w0(0.5), pre, post).w) == 0.5
    assert float(rules.learn(rule, w0(0.5), pre, silent, signals={"reward": train(300, 50)}).w) == 0.5


def test_tonic_dopamine() -> None:
    rule = rules.DopamineSTDP(eta=0.001, d_tonic=0.1, every=1.0)
    w = rules.learn(rule, w0(), train(1000, 5), train(1000, 5)).w
    assert float(w) == pytest.approx(0.001 * 0.1 * 1000 * (1 - math.exp(-995 / 1000)), rel=1e-9)


def test_reward_stdp_subtracts_the_mean_of_earlier_rewards() -> None:
    """Trials of 50 ms with one pair each; the expected reward is the weighted mean of those before."""
    rewards, period, tau = [1.0, 0.0, 0.5, 2.0, 0.0], 50, 400.0
    n = period * len(rewards)
    pre = post = train(n, *(k * period for k in range(len(rewards))))
    outcome = train(n, *((k + 1) * period - 1 for k in range(len(rewards))))
    reward = outcome.clone()
    reward[outcome.flatten() == 1, 0, 0] = torch.tensor(rewards, dtype=torch.float64)
    rule = rules.RewardSTDP(eta=0.1, a_minus=0.0, tau_plus=1.0, tau_e=1.0, tau_reward=tau, w_min=-9.0, w_max=9.0)
    rule.tau_e = 20.0
    w = rules.learn(rule, w0(), pre, post, signals={"reward": reward, "outcome": outcome}).w
    expected, jumps = 0.0, [1.0]
    for k, r in enumerate(rewards):
        weights = [math.exp(-period * (k - j) / tau) for j in range(k)]
        mean = sum(a * b for a, b in zip(weights, rewards, strict=False)) / sum(weights) if k else 0.0
        e = sum(math.exp(-((k - j) * period + period - 1) / 20.0) for j in range(k + 1)) * jumps[0]
        expected += 0.1 * (r - mean) * e
    assert float(w) == pytest.approx(expected, rel=1e-9)


def bandit(seeds: int, trials: int, *, arms: int = 4, learn: bool = True) -> tuple[float, float]:
    """Share of best arms over the last 100 trials, with rewards as earned and as drawn from another trial.

    One input neuron, one neuron per arm, which spikes with a probability set by its weight; the arm with most spikes is
    pulled. Both conditions and all seeds are elements of one batch.
    """
    g = torch.Generator().manual_seed(0)
    batch, steps = 2 * seeds, 10
    rule = rules.RewardSTDP(eta=0.002 if learn else 0.0, a_plus=1.0, a_minus=0.0, tau_e=10.0, tau_reward=400.0)
    w, state = torch.full((batch, arms, 1), 0.3), None
    pre, best = torch.ones(steps, batch, 1), torch.arange(batch) % arms
    hits = []
    for _ in range(trials):
        post = (torch.rand(steps, batch, arms, generator=g) < w.squeeze(-1)).float()
        counts = post.sum(0) + 0.5 * torch.rand(batch, arms, generator=g)
        arm = counts.argmax(-1)
        # Only the arm that was pulled has acted: others are inhibited, and leave no eligibility.
        post = post * torch.nn.functional.one_hot(arm, arms)
        hit = (arm == best).float()
        given = hit.clone()
        given[seeds:] = (torch.rand(seeds, generator=g) < hit[:seeds].mean()).float()
        reward, outcome = torch.zeros(2, steps, batch, arms)
        reward[-1], outcome[-1] = given.unsqueeze(1), 1.0
        after = rules.learn(rule, w, pre, post, signals={"reward": reward, "outcome": outcome}, state=state)
        w, state = after.w, after.state
        hits.append(hit)
    last = torch.stack(hits[-100:]).mean(0)
    return float(last[:seeds].mean()), float(last[seeds:].mean())


def test_four_armed_bandit_is_learned_and_not_from_shuffled_rewards() -> None:
    learned, shuffled = bandit(64, 300)
    assert learned >= 0.8
    assert shuffled == pytest.approx(0.25, abs=0.15)
    assert bandit(64, 120, learn=False)[0] == pytest.approx(0.25, abs=0.1)


def first_spikes(reward: float) -> Tensor:
    """Weights of synapses that spiked before, at and after the neuron, and not at all."""
    pre = torch.zeros(20, 1, 4, dtype=torch.float64)
    pre[3, 0, 0] = pre[8, 0, 1] = pre[12, 0, 2] = 1.0
    signal = train(20)
    signal[19] = reward
    rule = rules.FirstSpikeRewardSTDP()
    start = torch.full((1, 4), 0.75, dtype=torch.float64)
    return rules.learn(rule, start, pre, train(20, 8, 14), signals={"reward": signal}).w.flatten()


def test_first_spike_reward_has_the_sign_of_reward_and_order() -> None:
    near = 0.75 * 0.25
    assert torch.allclose((first_spikes(1.0) - 0.75) / near, torch.tensor([0.004, 0.004, -0.003, -0.003]).double())
    assert torch.allclose((first_spikes(-1.0) - 0.75) / near, torch.tensor([-0.004, -0.004, 5e-4, 5e-4]).double())


def test_first_spike_reward_leaves_silent_neurons_alone() -> None:
    w = rules.learn(rules.FirstSpikeRewardSTDP(), w0(0.5), train(20, 3), train(20), signals={"reward": train(20, 19)}).w
    assert float(w) == 0.5


@pytest.mark.parametrize("peak", [50.0, 100.0])
def test_teaching_kernel_peaks_where_it_says(peak: float) -> None:
    """All presynaptic times at once, each at a synapse of its own; one teaching spike."""
    n = 400
    pre = torch.eye(n, dtype=torch.float64).unsqueeze(1)
    rule = rules.TeachingSTDP(a_plus=0.0, a_minus=0.1, peak=peak)
    w = torch.full((1, n), 0.5, dtype=torch.float64)
    lost = (0.5 - rules.learn(rule, w, pre, train(n), signals={"teacher": train(n, n - 1)}).w.flatten()) / 0.1
    age = torch.arange(n - 1, -1, -1, dtype=torch.float64)
    assert float(age[lost.argmax()]) == peak
    assert float(lost.max()) == pytest.approx(1.0, abs=1e-12)
    u = torch.exp(-math.log(2.5) * age / peak)
    assert torch.allclose(lost, u**2 * (1 - u) ** 3 / (0.4**2 * 0.6**3), atol=1e-12)
    assert torch.allclose(lost, rule.kernel(age), atol=1e-12)


def test_teaching_grows_with_each_presynaptic_spike_whatever_the_neuron_does() -> None:
    rule = rules.TeachingSTDP(a_plus=0.01)
    for post in (train(50), train(50, 3, 10, 20)):
        assert float(rules.learn(rule, w0(0.5), train(50, 3, 9, 30), post).w) == pytest.approx(0.53)


def test_td_eligibility_is_the_filtered_potential() -> None:
    rule = rules.TDLTP(eta=2.0)
    delta = train(200)
    delta[100] = 0.5
    w = rules.learn(rule, w0(), train(200, 5), train(200, 10, 40), signals={"delta": delta}).w
    eps = [(math.exp(-s / 20) - math.exp(-s / 5)) / (1 - 5 / 20) for s in (5, 35)]
    kappa = [(math.exp(-s / 200) - math.exp(-s / 50)) / 150 for s in (90, 60)]
    assert float(w) == pytest.approx(2.0 * 0.5 * sum(a * b for a, b in zip(eps, kappa, strict=True)), rel=1e-9)
    with pytest.raises(ParameterError, match="tau_s < tau_m"):
        rules.TDLTP(tau_s=30.0)


def test_critic_has_no_error_where_its_value_is_true() -> None:
    """A constant reward rate r is worth r tau_r; v above that is a negative error, below a positive one."""
    critic = rules.Critic(v_0=2.0, tau_r=1000.0)
    for reward, sign in ((0.002, 0.0), (0.001, -1.0), (0.003, 1.0)):
        given = torch.tensor([reward], dtype=torch.float64)
        _, delta = critic.step(None, torch.zeros(1, 10, dtype=torch.float64), given)
        assert float(delta) == pytest.approx(sign * 0.001, abs=1e-12)
    with pytest.raises(ShapeError):
        critic.step(None, torch.zeros(1, 10), torch.zeros(2))


def test_critic_reads_the_rate_of_its_neurons() -> None:
    """A rate of 10 spikes/s is a value of scale / 100, once kappa, whose integral is 1, is filled."""
    critic, state = rules.Critic(scale=1000.0), None
    for _ in range(3000):
        state, _ = critic.step(state, torch.full((1, 4), 0.01, dtype=torch.float64), torch.zeros(1).double())
    assert float(state[0, 2]) == pytest.approx(10.0, rel=0.01)


def test_td_learning_finds_the_value_of_a_state() -> None:
    """Poisson neurons of a critic learn the discounted value of a constant reward, 0.02/ms * 500 ms = 10."""
    g = torch.Generator().manual_seed(0)
    critic = rules.Critic(tau_r=500.0, scale=1000.0, tau_k=40.0, upsilon_k=10.0)
    rule = rules.TDLTP(eta=5.0, tau_k=40.0, upsilon_k=10.0, w_max=1.0)
    w, state, values, value, cells = torch.zeros(1, 20, 5), None, [], None, 20
    for _ in range(60):
        pre = (torch.rand(50, 1, 5, generator=g) < 0.05).float()
        rate = 0.002 + 0.02 * w.sum(-1) / 5
        post = (torch.rand(50, 1, cells, generator=g) < rate).float()
        deltas = []
        for t in range(50):
            value, delta = critic.step(value, post[t], torch.full((1,), 0.02))
            deltas.append(delta.expand(1, cells))
            values.append(float(value[0, 2]))
        after = rules.learn(rule, w, pre, post, signals={"delta": torch.stack(deltas)}, state=state)
        w, state = after.w, after.state
    assert sum(values[:200]) / 200 < 4
    assert sum(values[-500:]) / 500 == pytest.approx(10.0, abs=2.0)


def test_reward_rules_are_listed() -> None:
    assert {"DopamineSTDP", "RewardSTDP", "ThreeFactor", "TDLTP", "TeachingSTDP"} <= set(sl.plasticity.catalogue())
