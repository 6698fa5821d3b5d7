"""Multi-spike rules: potentials, critical thresholds and their gradients, tasks of counting."""

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.plasticity import GNM, AugmentedSpikes, MembraneDriven, MultiSpikeTempotron, ThresholdDriven
from spikeloom.plasticity.multi_spike import critical
from spikeloom.plasticity.trial import TrialRule

RULES = [MembraneDriven(), MembraneDriven(tau_syn=5.0), ThresholdDriven(), GNM(), MultiSpikeTempotron()]


def counting(seed: int, patterns: int = 10) -> tuple[Tensor, Tensor, Tensor]:
    """200 afferents of 5 Hz for 300 ms; 0 to 4 spikes wanted in each pattern."""
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand(300, patterns, 200, generator=generator) < 0.005).float()
    target = torch.randint(0, 5, (patterns, 1), generator=generator).float()
    return x, target, 0.01 * torch.randn(1, 200, generator=generator)


def some_input(seed: int, n: int = 30, steps: int = 200) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = (torch.rand(steps, 1, n, generator=generator) < 0.01).double()
    return x, (0.15 + 0.25 * torch.randn(1, n, generator=generator)).double()


@pytest.mark.parametrize("seed", range(3))
def test_event_driven_potential_is_the_clock_driven_one(seed: int) -> None:
    """With one exponential, at input alone: v <- v exp(-(t - t') / tau) + sum w, minus 1 at a spike."""
    x, w = some_input(seed)
    w = 0.3 * w.abs() + 0.2  # potentials below 2, so that no spike is left for the step after
    rule = MembraneDriven(tau_mem=20.0)
    clock, spikes = rule.potential(w, x)[:, 0, 0], rule.respond(w, x)[:, 0, 0]
    v, before, fired = 0.0, 0, []
    for t in x[:, 0].any(-1).nonzero().flatten().tolist():
        v = v * math.exp(-(t - before) / 20.0) + float((x[t, 0] * w[0]).sum())
        before = t
        if v >= 1.0:
            v -= 1.0
            fired.append(t)
        assert float(clock[t]) == pytest.approx(v, abs=1e-9)
    assert spikes.nonzero().flatten().tolist() == fired
    assert fired


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.95])
def test_gnm_is_its_recursion(beta: float) -> None:
    x, w = some_input(0)
    rule, v = GNM(beta=beta), 0.0
    clock, spikes = rule.potential(w, x)[:, 0, 0], rule.respond(w, x)[:, 0, 0]
    for t in range(len(x)):
        v = beta * v + float((w[0] * x[t, 0]).sum())
        assert bool(spikes[t]) == (v >= 1.0)
        v -= float(v >= 1.0)
        assert float(clock[t]) == pytest.approx(v, abs=1e-9)
    assert spikes.any()


def count_at(v: Tensor, theta: float, decay: float) -> int:
    """Spikes of the recursion at some threshold, v without own spikes."""
    h, count = 0.0, 0
    for x in v.tolist():
        h *= decay
        if x - h >= theta:
            h, count = h + theta, count + 1
    return count


@pytest.mark.parametrize("decay", [0.0, 0.7, 0.95])
def test_critical_threshold_is_where_the_count_falls(decay: float) -> None:
    x, w = some_input(1)
    v = GNM(beta=decay, v_th=1.0).filtered(x)[0, :, 0] @ w[0]
    theta, t, slope = critical(v.unsqueeze(-1).expand(-1, 4), torch.arange(1.0, 5.0).double(), decay)
    for k in range(4):
        value = float(theta[k])
        assert count_at(v, value * (1 - 1e-7), decay) >= k + 1 > count_at(v, value * (1 + 1e-7), decay)
        assert value == pytest.approx(float(v[t[k]] * slope[k]), rel=1e-9)


@pytest.mark.parametrize("rule", [GNM(beta=0.8), ThresholdDriven(), ThresholdDriven(tau_syn=5.0)])
@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_the_critical_threshold_on_the_grid(rule: GNM, seed: int) -> None:
    x, w = some_input(seed)
    filtered, count = rule.filtered(x)[0, :, 0], torch.tensor([2.0]).double()

    def theta(w: Tensor) -> Tensor:
        return critical((filtered @ w.T), count, rule.decay)[0]

    _, t, slope = critical(filtered @ w.T, count, rule.decay)
    torch.testing.assert_close(slope * filtered[t[0]], differences(theta, w), atol=1e-5, rtol=1e-5)


def differences(theta: object, w: Tensor, size: float = 1e-6) -> Tensor:
    """Central finite differences."""
    assert callable(theta)
    steps = size * torch.eye(w.shape[1]).double()
    return torch.stack([(theta(w + step) - theta(w - step)).squeeze() / (2 * size) for step in steps])


@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_the_multi_spike_tempotron(seed: int) -> None:
    """Between points of the grid spikes move with the weights."""
    x, w = some_input(seed, n=12)
    w = 2 * w
    rule = MultiSpikeTempotron()
    filtered = rule.filtered(x)
    for k in (1.0, 3.0):
        count = torch.tensor([k]).double()
        value, slope = rule.critical(filtered, w, count)
        assert float(value) > 0
        expected = differences(lambda w, count=count: rule.critical(filtered, w, count)[0], w, 1e-5)
        torch.testing.assert_close(slope[0], expected, atol=1e-5, rtol=1e-5)


def test_moving_spikes_matter_to_the_gradient() -> None:
    """The formula of the grid, without the terms of spikes that move, is a few percent off."""
    x, w = some_input(0, n=12)
    rule, count, w = MultiSpikeTempotron(), torch.tensor([3.0]).double(), 2 * w
    filtered = rule.filtered(x)
    psp = filtered[0, :, 0] - filtered[1, :, 0]
    _, t, factor = critical(psp @ w.T, count, math.exp(-1 / 15.0))
    slope = rule.critical(filtered, w, count)[1][0]
    assert float((factor * psp[t[0]] - slope).abs().max() / slope.abs().max()) > 0.02


def test_spikes_of_the_multi_spike_tempotron_do_not_depend_on_the_step() -> None:
    x, w = some_input(0)
    fine = torch.zeros(2000, 1, 30).double()
    fine[::10] = x
    coarse, exact = MultiSpikeTempotron(), MultiSpikeTempotron(dt=0.1)
    times = []
    for rule, given in ((coarse, x), (exact, fine)):
        ahead = rule.ahead(w, rule.filtered(given))[:, 0, 0]
        n = ahead.nonzero().flatten()
        times.append((n + 1) * rule.dt - ahead[n])
    assert len(times[0]) > 5
    torch.testing.assert_close(times[0], times[1], atol=1e-9, rtol=0.0)


def test_membrane_driven_changes() -> None:
    x = torch.zeros(60, 1, 3)
    x[5, 0, 0] = x[30, 0, 1] = x[55, 0, 2] = 1.0
    w = torch.tensor([[1.05, 1.5, 0.4]])
    rule = MembraneDriven(lr=0.1, tau_mem=5.0)
    more = rule.update(w, x, torch.tensor([[3.0]])).w - w
    # After its spike the potential of the second falls from 0.5 and a bit: a step later it is the highest.
    fewer = rule.update(w, x, torch.tensor([[1.0]])).w - w
    assert fewer[0].tolist() == pytest.approx([-0.1, 0.0, 0.0], abs=1e-6)
    assert more[0, 1] == pytest.approx(0.1 * math.exp(-1 / 5.0), abs=1e-6)


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("seed", range(3))
def test_ten_patterns_with_counts_up_to_four(rule: TrialRule, seed: int) -> None:
    x, target, w = counting(seed)
    lr = 0.003 if isinstance(rule, MultiSpikeTempotron) else 0.01
    rule = type(rule)(**{**rule.param_values(), "lr": lr})
    trained = rule.train(w, x, target, epochs=60, seed=seed)
    assert trained.solved
    assert torch.equal(rule.respond(trained.w, x).sum(0), target)
    assert (rule.respond(w, x).sum(0) != target).sum() >= 6


def test_without_memory_counting_is_not_learned() -> None:
    x, target, w = counting(0)
    assert GNM(beta=0.95, lr=0.01).train(w, x, target, epochs=30).solved
    forgetful = GNM(beta=0.0, lr=0.01).train(w, x, target, epochs=30)
    assert not forgetful.solved


def coefficients(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Two patterns with the same spike times and other coefficients, for 3 spikes and none."""
    generator = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(300, 1, 200, generator=generator) < 0.005).float()
    x = spikes * 2 * torch.rand(300, 2, 200, generator=generator)
    return x, torch.tensor([[3.0], [0.0]]), 0.01 * torch.randn(1, 200, generator=generator)


@pytest.mark.parametrize("rule", [MembraneDriven(), ThresholdDriven()], ids=repr)
@pytest.mark.parametrize("seed", range(3))
def test_coefficients_alone_tell_patterns_apart(rule: TrialRule, seed: int) -> None:
    x, target, w = coefficients(seed)
    assert AugmentedSpikes(rule=rule).train(w, x, target, epochs=200, seed=seed).solved
    assert not rule.train(w, (x != 0).float(), target, epochs=60, seed=seed).solved


@pytest.mark.parametrize("rule", [*RULES, sl.plasticity.Tempotron()], ids=repr)
def test_coefficients_of_one_change_nothing(rule: TrialRule) -> None:
    x, target, w = counting(3)
    target, augmented = target.clamp(max=1.0), AugmentedSpikes(rule=rule)
    assert torch.equal(
        augmented.train(w, x, target, epochs=2).w,
        rule.train(w, x, target, epochs=2).w,
    )
    assert torch.equal(augmented.potential(w, x), rule.potential(w, x))
    assert torch.equal(augmented.respond(w, x), rule.respond(w, x))


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_no_input_no_change(rule: TrialRule) -> None:
    x, w = torch.zeros(20, 2, 3), torch.rand(2, 3)
    for target in (0.0, 2.0):
        changed = rule.update(w, x, torch.full((2, 2), target))
        assert torch.equal(changed.w, w)
        assert not changed.output.any()


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_neurons_and_trials_are_apart(rule: TrialRule) -> None:
    x, target, w = counting(1, patterns=3)
    both = torch.cat((10 * w, w.abs() * 10))
    targets = torch.cat((target, target.flip(0)), 1)
    together = rule.update(both, x, targets).w
    for n in range(2):
        each = [
            rule.update(both[n : n + 1], x[:, b : b + 1], targets[b : b + 1, n : n + 1]).w - both[n] for b in range(3)
        ]
        torch.testing.assert_close(together[n] - both[n], torch.stack(each).mean(0)[0], atol=1e-5, rtol=1e-3)


def test_refusals() -> None:
    x, w = torch.zeros(5, 1, 2), torch.zeros(1, 2)
    with pytest.raises(sl.errors.ParameterError, match="numbers of spikes"):
        GNM().update(w, x, torch.full((1, 1), 1.5))
    with pytest.raises(sl.errors.ParameterError, match="AugmentedSpikes"):
        GNM().update(w, x + 0.5, torch.ones(1, 1))
    for kind in (MembraneDriven, ThresholdDriven, MultiSpikeTempotron):
        with pytest.raises(sl.errors.ParameterError, match="tau_syn < tau_mem"):
            kind(tau_mem=5.0, tau_syn=5.0)
