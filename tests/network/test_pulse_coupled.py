"""Row A02: partial synchrony of pulse-coupled oscillators, and how perturbations switch between states."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spikeloom.errors import ParameterError, ShapeError
from spikeloom.network.models.pulse_coupled import PulseCoupled, Switch, clusters

SETTLED = 2000.0
MODEL = PulseCoupled()


def _settled(seed: int, model: PulseCoupled = MODEL):
    """A network after 200 periods from random phases, and its state."""
    net = model.event_driven()
    model.start(net, np.random.default_rng(seed).random(5))
    net.run(SETTLED)
    return net, model.observe(net)


@pytest.fixture(scope="module")
def settled():
    return [_settled(seed) for seed in range(60)]


def test_random_starts_lead_to_two_pairs_and_one_alone(settled) -> None:
    """A prototype found 52 of 60; the standard deviation of such a share is 2.6."""
    assert 44 <= sum(state is not None for _, state in settled) <= 59


def test_phases_at_the_reset_are_those_of_one_cycle(settled) -> None:
    for net, state in settled:
        if state is not None:
            now = MODEL.phases(net)
            np.testing.assert_allclose(now[list(state.stable)], 0.5414, atol=1e-3)
            np.testing.assert_allclose(now[list(state.unstable)], 0.1417, atol=1e-3)
            assert now[state.single] < 1e-5


def test_noise_leads_to_another_state_of_that_form(settled) -> None:
    """A prototype found 48 of 52."""
    noise = np.random.default_rng(1)
    outcomes = []
    for seed, (_, known) in enumerate(settled):
        if known is not None:
            net, state = _settled(seed)
            assert state == known
            MODEL.perturb(net, 1e-4 * noise.standard_normal(5))
            net.run(SETTLED)
            after = MODEL.observe(net)
            outcomes.append(after is not None and after != state)
    assert np.mean(outcomes) > 0.85


def test_rule_of_transitions_holds_in_all_thirty_states() -> None:
    """From one state all others are reached; a split stable pair heals, the other leads where it must."""
    net, state = next(found for found in (_settled(seed) for seed in range(60)) if found[1] is not None)
    seen, waiting = {state}, [(net, state)]
    tried = 0
    while waiting:
        net, state = waiting.pop()
        home = MODEL.phases(net).copy()
        for pair in (state.stable, state.unstable):
            for leader, follower in itertools.permutations(sorted(pair)):
                net = _at(home)
                assert MODEL.observe(net) == state
                MODEL.split(net, leader, follower)
                net.run(1000.0)
                after = MODEL.observe(net)
                assert after == state.after(leader)
                tried += 1
                if after not in seen:
                    seen.add(after)
                    waiting.append((net, after))
    assert (len(seen), tried) == (30, 120)


def _at(phases: np.ndarray):
    """A network that has settled from the phases of a state."""
    net = MODEL.event_driven()
    MODEL.start(net, phases)
    net.run(1000.0)
    return net


def test_a_quarter_of_the_coupling_does_not_switch() -> None:
    weak = PulseCoupled(pulse=0.025 / 4)
    followed = []
    for seed in range(20):
        net, state = _settled(seed, weak)
        if state is not None:
            leader, follower = sorted(state.unstable)
            weak.split(net, leader, follower)
            net.run(SETTLED)
            followed.append(weak.observe(net) == state.after(leader))
    assert len(followed) > 10
    assert np.mean(followed) < 0.25


def test_rule_is_closed_and_connects_all_states() -> None:
    states = {Switch(frozenset({0, 1}), frozenset({2, 3}), 4)}
    for _ in range(30):
        states |= {state.after(leader) for state in states for leader in state.unstable}
    assert len(states) == 30


def test_clusters_in_order_of_their_last_spikes() -> None:
    net = MODEL.event_driven()
    MODEL.start(net, [0.0, 0.2, 0.2, 0.6, 0.9])
    # Before the first pulse arrives, 4.9 ms after the first spike at 1 ms.
    assert clusters(net.run(5.5)["oscillators"].spikes, MODEL.period) == [[4], [3]]


def test_with_a_time_step_it_is_a_network_like_others() -> None:
    net = MODEL.build()
    MODEL.start(net, [0.0, 0.2, 0.4, 0.6, 0.8])
    assert 40 <= len(net.run(100.0)["oscillators"].times) <= 70


def test_refusals() -> None:
    with pytest.raises(ParameterError, match="leak < current"):
        PulseCoupled(current=0.9)
    with pytest.raises(ShapeError, match="phases"):
        MODEL.start(MODEL.event_driven(), [0.1])
    with pytest.raises(ParameterError, match="phase < 1"):
        MODEL.start(MODEL.event_driven(), [0.1, 0.2, 0.3, 0.4, 1.0])
    with pytest.raises(ParameterError, match="leader"):
        Switch(frozenset({0, 1}), frozenset({2, 3}), 4).after(leader=4)
