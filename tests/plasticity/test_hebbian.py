"""Hebbian rules: against pairs of spikes, closed forms, and the systems that they were made for."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import spikeloom as sl

CHUNK = 20


def trains(seed: int, *shape: int, p: float = 0.2) -> Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < p).double()


def closed_loop(
    rule: sl.plasticity.Rule, w: Tensor, rates: Callable[[int], Tensor], *, gain: float, chunks: int, seed: int
) -> Tensor:
    """Weights of a Poisson neuron with the rate gain max(0, w x) / tau, x the input through the rule's kernel.

    `rates` gives probabilities of spikes [B, in] of a chunk of 20 steps; weights are averaged over B after each.
    """
    generator = torch.Generator().manual_seed(seed)
    decay = math.exp(-1.0 / float(rule.param_values()["tau"]))
    x, state = torch.zeros(1), None
    for chunk in range(chunks):
        p = rates(chunk)
        pre = (torch.rand(CHUNK, *p.shape, generator=generator) < p).float()
        drive = []
        for spikes in pre:
            x = x * decay + spikes
            drive.append(x @ w.T)
        chance = gain * torch.stack(drive).clamp(min=0) / float(rule.param_values()["tau"])
        post = (torch.rand(chance.shape, generator=generator) < chance).float()
        learned = sl.plasticity.learn(rule, w, pre, post, state=state)
        w, state = learned.w.mean(0), learned.state
    return w


def test_hebb_sums_over_all_pairs() -> None:
    pre, post = trains(0, 60, 1, 3), trains(1, 60, 1, 2)
    rule = sl.plasticity.Hebb(eta=1e-3, tau=7.0, w_max=100.0)
    got = sl.plasticity.learn(rule, torch.full((2, 3), 0.5).double(), pre, post, causal=False).w[0]
    want = np.full((2, 3), 0.5)
    for s, _, i in pre.nonzero().tolist():
        for t, _, j in post.nonzero().tolist():
            want[j, i] += 1e-3 * math.exp(-abs(s - t) / 7.0) * (s != t)
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_hebb_grows_with_the_product_of_the_rates() -> None:
    """2 eta tau p q T, to first order in dt / tau, for independent trains: within four standard errors."""
    pre, post = trains(2, 400, 200, 1, p=0.05), trains(3, 400, 200, 1, p=0.03)
    rule = sl.plasticity.Hebb(eta=1e-3, tau=10.0, w_max=100.0)
    growth = sl.plasticity.learn(rule, torch.zeros(1, 1).double(), pre, post).w.flatten()
    lags = np.arange(1, 400)
    want = 1e-3 * 0.05 * 0.03 * (400 + 2 * ((400 - lags) * np.exp(-lags / 10.0)).sum())
    assert float(growth.mean()) == pytest.approx(want, abs=4 * float(growth.std()) / math.sqrt(200))
    assert want == pytest.approx(2e-3 * 10.0 * 0.05 * 0.03 * 400, rel=0.03)


def test_oja_and_bcm_event_by_event() -> None:
    """Written again with explicit sums over earlier spikes."""
    pre, post = trains(4, 50, 1, 1), trains(5, 50, 1, 1)
    ins, outs = (train.flatten().nonzero().flatten().tolist() for train in (pre, post))

    def trace(times: list[int], t: int, *, now: bool = False) -> float:
        return sum(math.exp((s - t) / 9.0) for s in times if s < t or (now and s == t))

    oja, bcm, jumps = 0.3, 0.3, []
    for t in outs:
        x, y = trace(ins, t, now=True), trace(outs, t)
        theta = sum(jump * math.exp((s - t) / 40.0) for s, jump in jumps)
        oja += 0.01 * (x - y * oja)
        bcm += 0.01 * x * (y - theta)
        jumps.append((t, y * 9.0 / 40.0 / 0.7))
    w = torch.full((1, 1), 0.3, dtype=torch.float64)
    rule = sl.plasticity.Oja(eta=0.01, tau=9.0)
    assert float(sl.plasticity.learn(rule, w, pre, post).w) == pytest.approx(oja, rel=1e-12)
    rule = sl.plasticity.BCM(eta=0.01, tau=9.0, tau_theta=40.0, y_0=0.7)
    assert float(sl.plasticity.learn(rule, w, pre, post).w) == pytest.approx(bcm, rel=1e-12)


AXIS = torch.tensor([0.8, 0.6])


def correlated(seed: int) -> Callable[[int], Tensor]:
    """Rates of two inputs along one axis, a new amplitude every 1000 steps, with a little of their own."""
    generator = torch.Generator().manual_seed(seed)
    state = {}

    def rates(chunk: int) -> Tensor:
        if chunk % 50 == 0:
            amplitude = torch.rand(50, 1, generator=generator)
            state["p"] = 0.15 * amplitude * AXIS + 0.01 * torch.rand(50, 2, generator=generator)
        return state["p"]

    return rates


def test_oja_finds_the_first_principal_component_where_hebb_diverges() -> None:
    """Four neurons: |cos| > 0.98 with the axis of the rates; with Hebb's rule all weights end at the bound.

    <x x'> along the axis is that of slow rates, 9 <a^2> = 3, and shot noise, 10 * 0.15 <a> (0.8^3 + 0.6^3) = 0.55, of
    which half is left between y and the rate: a square norm of 1 / gain * 3.55 / 3.27.
    """
    begin, gain = torch.tensor([[0.05, 0.4], [0.4, 0.05], [0.1, 0.1], [0.6, 0.6]]), 4.0
    w = closed_loop(sl.plasticity.Oja(eta=0.01), begin, correlated(0), gain=gain, chunks=250, seed=0)
    cosines = (w @ AXIS / w.norm(dim=1)).abs()
    assert float(cosines.min()) > 0.98
    torch.testing.assert_close(w.norm(dim=1), torch.full((4,), math.sqrt(3.55 / 3.27 / gain)), rtol=0.05, atol=0.0)
    w = closed_loop(sl.plasticity.Hebb(eta=0.01), begin, correlated(0), gain=gain, chunks=50, seed=0)
    assert bool((w == 1.0).all())


def test_bcm_becomes_selective() -> None:
    """Of two overlapping patterns each of six neurons answers one with nearly 2 y_0, the other hardly; see the rule.

    Without the threshold, which a time constant beyond all bounds keeps at 0, all weights grow to the bound.
    """
    patterns = torch.tensor([[0.12, 0.12, 0.045, 0.0], [0.0, 0.045, 0.12, 0.12]])
    generator = torch.Generator().manual_seed(0)
    shown: dict[str, Tensor] = {}

    def rates(chunk: int) -> Tensor:
        if chunk % 5 == 0:
            shown["p"] = patterns[torch.randint(2, (40,), generator=generator)]
        return shown["p"]

    rule = sl.plasticity.BCM(eta=0.002, tau_theta=500.0, y_0=1.0)
    begin = 0.2 + 0.02 * torch.rand(6, 4, generator=generator)
    w = closed_loop(rule, begin, rates, gain=1.0, chunks=800, seed=0)
    low, high = (20.0 * w @ patterns.T).sort(dim=1).values.T
    # Somewhat below 2 y_0, as the threshold is higher while the neuron answers.
    assert 1.6 < float(high.min()) <= float(high.max()) < 2.1
    assert float(low.max()) < 0.3
    w = closed_loop(sl.plasticity.BCM(eta=0.002, tau_theta=1e12), begin, rates, gain=1.0, chunks=200, seed=0)
    assert float((20.0 * w @ patterns.T).min()) > 5.0


def test_predictive_rules_event_by_event() -> None:
    """At each spike towards alpha x, and towards -beta (v + mu r), from the potential of the step before."""
    pre, post = trains(6, 40, 1, 1), trains(7, 40, 1, 1)
    v = torch.randn(40, 1, 1, generator=torch.Generator().manual_seed(8)).double()
    rule = sl.plasticity.PredictiveFeedforward(eta=0.1, alpha=0.5, tau=9.0)
    lateral = sl.plasticity.PredictiveLateral(eta=0.1, beta=0.8, mu=0.3, tau=9.0)
    begin = torch.full((1, 1), 0.1, dtype=torch.float64)
    x = r = 0.0
    forward, across = 0.1, -0.1
    for t in range(40):
        x, r = x * math.exp(-1 / 9.0) + float(pre[t]), r * math.exp(-1 / 9.0)
        forward += float(post[t]) * 0.1 * (0.5 * x - forward)
        across -= float(pre[t]) * 0.1 * (0.8 * (float(v[max(0, t - 1)]) + 0.3 * r) + across)
        across = min(max(across, -1.0), 1.0)
        r += float(post[t])
    assert float(sl.plasticity.learn(rule, begin, pre, post).w) == pytest.approx(forward, rel=1e-12)
    got = sl.plasticity.learn(lateral, -begin, pre, post, variables={"v": v}).w
    assert float(got) == pytest.approx(across, rel=1e-12)


def test_predictive_network_learns_to_balance() -> None:
    """Twenty neurons on two smooth inputs, as in the paper's figure 2, much shorter: the error of the best linear
    read-out falls to below a third of what it was, and to below that of the network without lateral learning.
    """
    generator = np.random.default_rng(0)
    begin = generator.normal(size=(20, 2))
    begin /= np.linalg.norm(begin, axis=1, keepdims=True)
    lateral = -0.2 * generator.random((20, 20)) - 0.5 * np.eye(20)
    before = predictive_error(begin, lateral)
    forward, learned = predictive_run(begin, lateral, steps=15_000, both=True)
    after = predictive_error(forward, learned)
    control = predictive_error(*predictive_run(begin, lateral, steps=15_000, both=False))
    assert after < before / 3 and after < control / 2


def smooth_inputs(steps: int, seed: int) -> np.ndarray:
    """White noise under a Gaussian window of 30 ms, as in the authors' program."""
    window = np.exp(-((np.arange(-150, 151) / 30.0) ** 2) / 2)
    noise = np.random.default_rng(seed).normal(size=(steps, 2))
    return 2000.0 * np.stack([np.convolve(column, window / window.sum(), "same") for column in noise.T], axis=1)


def predictive_run(
    forward: np.ndarray, lateral: np.ndarray, *, steps: int, both: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weights after learning; at most one neuron spikes in a step, its spike acts in the next, dt 1 ms, tau 20 ms."""
    rules = sl.plasticity.PredictiveFeedforward(eta=0.002), sl.plasticity.PredictiveLateral(eta=0.02)
    post, pre = (sl.plasticity.Handler(rule, event) for rule, event in zip(rules, ("on_post", "on_pre"), strict=True))
    params = [{n: torch.as_tensor(p, dtype=torch.float64) for n, p in rule.param_values().items()} for rule in rules]
    forward, lateral, mu = forward.copy(), lateral.copy(), float(params[1]["mu"])
    x, v, r, push = np.zeros(2), np.zeros(20), np.zeros(20), np.zeros(20)
    jitter = np.random.default_rng(1).normal(size=(steps, 20))
    for c, noise in zip(smooth_inputs(steps, 2), jitter, strict=True):
        v, x = 0.95 * v + 0.001 * (forward @ c) + push + 0.001 * noise, 0.95 * x + 0.001 * c
        k = int((v + 0.01 * noise).argmax())
        push = np.zeros(20)
        if v[k] + 0.01 * noise[k] >= 0.5:
            push = lateral[:, k].copy()
            bound = {"w": torch.tensor(forward[k]), "x": torch.tensor(x)}
            forward[k] = post.step(params[0] | bound)["w"]
            bound = {"w": torch.tensor(lateral[:, k]), "v": torch.tensor(v), "r": torch.tensor(r)}
            if both:
                lateral[:, k] = pre.step(params[1] | bound)["w"]
                # The reset of the neuron itself, which is not the rule's: mu stands beside w there.
                lateral[k, k] -= 0.02 * mu
            r[k] += 1
        r = 0.95 * r
    return forward, lateral


def predictive_error(forward: np.ndarray, lateral: np.ndarray) -> float:
    """Variance of x that the best linear read-out of the filtered spikes leaves, as a share of it."""
    inputs = smooth_inputs(10_000, 3)
    x, v, r, push = np.zeros(2), np.zeros(20), np.zeros(20), np.zeros(20)
    xs, rs = np.zeros((10_000, 2)), np.zeros((10_000, 20))
    for t, c in enumerate(inputs):
        v, x, r = 0.95 * v + 0.001 * (forward @ c) + push, 0.95 * x + 0.001 * c, 0.95 * r
        k = int(v.argmax())
        push = lateral[:, k] * (v[k] >= 0.5)
        r[k] += v[k] >= 0.5
        xs[t], rs[t] = x, r
    rest = xs - rs @ np.linalg.lstsq(rs, xs, rcond=None)[0]
    return float(rest.var(0).sum() / xs.var(0).sum())
