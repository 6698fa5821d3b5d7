"""Structural plasticity: connections are counted one by one, and rewiring does what it is for."""

from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits, load_iris
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import ParameterError, ShapeError

P = sl.plasticity


def test_strongest_keeps_exactly_the_share() -> None:
    w = torch.randn(13, 7, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    for share in (0.0, 0.1, 0.5, 1.0):
        mask = P.strongest(w, share=share)
        assert int(mask.sum()) == round(share * 91)
        if mask.any() and not mask.all():
            assert float(w[mask].abs().min()) >= float(w[~mask].abs().max())


def test_pruning_counts_consecutive_weak_updates_and_never_revives() -> None:
    """Against a loop over single connections."""
    generator = torch.Generator().manual_seed(1)
    pruning = P.Pruning(threshold=0.3, patience=3)
    kept = pruning.start(torch.ones(50))
    counts, alive = [0] * 50, [True] * 50
    for _ in range(30):
        w = torch.rand(50, generator=generator)
        kept = pruning.update(kept, w)
        for i, value in enumerate(w.tolist()):
            counts[i] = counts[i] + 1 if value < 0.3 else 0
            alive[i] = alive[i] and counts[i] < 3
        assert kept.mask.tolist() == alive
        torch.testing.assert_close(kept.w, w * torch.tensor(alive))
    assert 0 < kept.connections == sum(alive) < 50


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pruning_during_stdp_removes_what_does_not_contribute(seed: int) -> None:
    """Of 100 inputs 20 fire 3 ms before the neuron, others at random: these are kept, most others cut for good."""
    generator = torch.Generator().manual_seed(seed)
    rule, pruning = P.STDP(a_plus=0.02, a_minus=0.04), P.Pruning(threshold=0.1, patience=5)
    kept, events, full = pruning.start(torch.full((1, 100), 0.5)), 0, 0
    for _ in range(60):
        pre = (torch.rand(100, 1, 100, generator=generator) < 0.02).float()
        post = torch.zeros(100, 1, 1)
        post[23::25] = 1.0
        pre[:, :, :20] = 0.0
        pre[20::25, :, :20] = 1.0
        before = kept.mask
        kept = pruning.update(kept, P.learn(rule, kept.w, pre, post).w[0])
        assert not bool((kept.mask & ~before).any())
        events, full = events + int((pre * before).sum()), full + int(pre.sum())
    assert bool(kept.mask[0, :20].all())
    assert int(kept.mask[0, 20:].sum()) <= 12
    assert events < 0.8 * full


def test_rewiring_keeps_fan_in_and_redraws_only_the_weak() -> None:
    generator = torch.Generator().manual_seed(2)
    rewiring = P.Rewiring(threshold=0.3, w_new=0.5)
    wiring = rewiring.start(outputs=40, fan_in=6, n_sources=24, seed=3)
    drawn = torch.zeros(24)
    for step in range(1, 51):
        w = torch.rand(40, 6, generator=generator)
        new = rewiring.update(P.Wiring(w, wiring.sources, wiring.new), n_sources=24, seed=3, step=step)
        weak = w < 0.3
        assert torch.equal(new.new, weak)
        assert torch.equal(new.sources[~weak], wiring.sources[~weak]) and torch.equal(new.w[~weak], w[~weak])
        assert bool((new.w[weak] == 0.5).all())
        for row, old, cut in zip(new.sources.tolist(), wiring.sources.tolist(), weak.tolist(), strict=True):
            assert len(set(row)) == 6
            assert not {s for s, c in zip(row, cut, strict=True) if c} & set(old)
        drawn += torch.bincount(new.sources[weak], minlength=24)
        assert bool(((new.dense(24) != 0).sum(1) == 6).all())
        wiring = new
    # About 3 600 draws: every source within five standard deviations of its share.
    share = float(drawn.mean())
    assert float((drawn - share).abs().max()) < 5 * share**0.5
    again = rewiring.update(wiring, n_sources=24, seed=3, step=51)
    torch.testing.assert_close(again.sources, rewiring.update(wiring, n_sources=24, seed=3, step=51).sources)


def test_rewiring_to_the_last_source() -> None:
    """Where all sources are taken, what is cut comes back."""
    wiring = P.Rewiring().start(outputs=2, fan_in=4, n_sources=5, seed=0)
    wiring.w = torch.zeros(2, 4)
    new = P.Rewiring().update(wiring, n_sources=5, step=1)
    assert all(len(set(row)) == 4 for row in new.sources.tolist())
    for old, row in zip(wiring.sources.tolist(), new.sources.tolist(), strict=True):
        assert set(range(5)) - set(old) <= set(row)


def test_rewiring_refuses() -> None:
    rewiring = P.Rewiring()
    with pytest.raises(ParameterError):
        rewiring.start(outputs=1, fan_in=5, n_sources=4)
    same = torch.zeros(1, 2, dtype=torch.int64)
    with pytest.raises(ParameterError):
        rewiring.update(P.Wiring(torch.ones(1, 2), same, same.bool()), n_sources=4, step=1)
    with pytest.raises(ShapeError):
        rewiring.update(P.Wiring(torch.ones(1, 3), same, same.bool()), n_sources=4, step=1)


def test_deep_r_keeps_the_number_of_connections_and_signs() -> None:
    """To the synapse, whatever the optimiser and the noise do."""
    generator = torch.Generator().manual_seed(0)
    deep_r = P.DeepR(lr=0.05, l1=0.01, temperature=1e-3)
    connections = deep_r.start(torch.randn(20, 30, generator=generator), count=61, seed=5)
    sign, ever = connections.sign, connections.mask.clone()
    for step in range(1, 201):
        moved = connections.w + 0.1 * torch.randn(20, 30, generator=generator)
        new = deep_r.update(connections, moved, seed=5, step=step)
        assert int(new.mask.sum()) == int(new.w.count_nonzero()) == 61
        assert torch.equal(new.sign, sign) and bool((new.w * sign >= 0).all())
        ever |= new.mask
        connections = new
    assert int(ever.sum()) > 300
    again = deep_r.update(connections, connections.w, seed=5, step=201)
    assert torch.equal(again.w, deep_r.update(connections, connections.w, seed=5, step=201).w)


def test_deep_r_is_its_equation_for_one_step() -> None:
    """theta - lr l1 of what stays; what falls to 0 or below is cut, and another begins small."""
    deep_r = P.DeepR(lr=0.5, l1=0.2, theta_new=1e-3)
    w = torch.tensor([[0.5, -0.4, 0.05, 0.0, 0.0]])
    connections = P.Connections(w, w != 0, torch.tensor([[1.0, -1.0, 1.0, -1.0, 1.0]]))
    new = deep_r.update(connections, w + torch.tensor([[0.1, 0.1, 0.0, 9.0, -9.0]]), seed=1, step=1)
    torch.testing.assert_close(new.w[0, :2], torch.tensor([0.5, -0.2]))
    made = new.mask[0, 2:].nonzero().flatten()
    assert len(made) == 1 and float(new.w[0, 2 + made]) == pytest.approx(1e-3 * float(connections.sign[0, 2 + made]))


def test_deep_r_beats_fixed_random_connections_on_digits() -> None:
    """A layer of 64 LIF neurons with 1 % of its connections, 41 of 4096, three seeds; the read-out is dense."""
    data = load_digits()
    x, y = torch.tensor(data.data, dtype=torch.float32) / 16, torch.tensor(data.target)
    scores = {moving: [trained(x, y, moving=moving, seed=seed) for seed in range(3)] for moving in (True, False)}
    assert sum(scores[True]) / 3 > sum(scores[False]) / 3 + 0.03


def trained(x: Tensor, y: Tensor, *, moving: bool, seed: int) -> float:
    torch.manual_seed(seed)
    hidden, out = torch.nn.Linear(64, 64), torch.nn.Linear(64, 10)
    neuron = sl.LIF(tau_mem=2.0, decay_input=False)
    deep_r = P.DeepR(lr=0.01, l1=1e-3, temperature=1e-5)
    connections = deep_r.start(hidden.weight, count=41, seed=seed)
    hidden.weight.data = connections.w
    optimiser = torch.optim.SGD([*hidden.parameters(), *out.parameters()], lr=0.3, momentum=0.9)
    for step in range(1, 301):
        rows = torch.randint(1200, (64,))
        spikes = neuron(hidden(x[rows]).expand(8, -1, -1))
        loss = torch.nn.functional.cross_entropy(out(spikes.mean(0)) * 3, y[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if moving:
            connections = deep_r.update(connections, hidden.weight, seed=seed, step=step)
            hidden.weight.data = connections.w
        else:
            hidden.weight.data = torch.where(connections.mask, hidden.weight.data, 0.0)
        assert int(hidden.weight.count_nonzero()) <= 41
    spikes = neuron(hidden(x[1200:]).expand(8, -1, -1))
    return float((out(spikes.mean(0)).argmax(1) == y[1200:]).float().mean())


def fields(x: Tensor, seed: int) -> Tensor:
    """Spike counts of 24 inputs: six Gaussian receptive fields for each of four values, at most ten spikes."""
    low, high = x.min(0).values, x.max(0).values
    centres = torch.linspace(0, 1, 6)
    rates = torch.exp(-((((x - low) / (high - low))[:, :, None] - centres) ** 2) / (2 * 0.12**2)).flatten(1)
    return torch.poisson(10.0 * rates, generator=torch.Generator().manual_seed(seed)) / 10.0


@pytest.mark.parametrize("fan_in", [3, 6])
def test_rewiring_finds_receptive_fields_for_iris(fan_in: int) -> None:
    """A read-out neuron for each class with few of 24 inputs, weights by the instar rule with a teacher, ten seeds.

    What is compared are the drives of the neurons, w m / |w|. Chance is 1/3.
    """
    data = load_iris()
    x, y = torch.tensor(data.data, dtype=torch.float32), torch.tensor(data.target)
    scores = {
        rewired: [iris(fields(x, s), y, fan_in, rewired=rewired, seed=s) for s in range(10)] for rewired in (1, 0)
    }
    means = [sum(values) / 10 for values in scores.values()]
    assert means[0] > {3: 0.85, 6: 0.9}[fan_in]
    assert means[0] > means[1] + 0.15


def iris(m: Tensor, y: Tensor, fan_in: int, *, rewired: int, seed: int) -> float:
    order = torch.randperm(150, generator=torch.Generator().manual_seed(seed))
    train, test = order[:100], order[100:]
    rule, rewiring = P.Instar(eta=0.05), P.Rewiring(threshold=0.5, w_new=0.55)
    wiring = rewiring.start(outputs=3, fan_in=fan_in, n_sources=24, seed=seed)
    teacher = torch.nn.functional.one_hot(y, 3).float()
    for epoch in range(1, 61):
        for rows in train.split(10):
            dense = P.end_trial(rule, wiring.dense(24), {"m": m[rows], "n": teacher[rows]}).w - wiring.dense(24)
            wiring.w = wiring.w + dense.sum(0).gather(1, wiring.sources)
        if rewired and epoch % 3 == 0 and epoch < 60:
            wiring = rewiring.update(wiring, n_sources=24, seed=seed, step=epoch)
    w = wiring.dense(24)
    return float(((m[test] @ (w / w.norm(dim=1, keepdim=True)).T).argmax(1) == y[test]).float().mean())
