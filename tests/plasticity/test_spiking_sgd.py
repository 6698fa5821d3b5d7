"""Gradient descent by spikes: against loops over single neurons, and against the gradient of a ReLU network."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import DTypeError, ParameterError, ShapeError
from spikeloom.plasticity import SpikingSGD
from spikeloom.plasticity.spiking_sgd import rounded


def drawn(*sizes: int, batch: int = 3, seed: int = 0) -> tuple[list[Tensor], Tensor, Tensor]:
    """Weights of the layers, inputs and targets."""
    generator = torch.Generator().manual_seed(seed)
    weights = [
        torch.randn(out, wide, generator=generator, dtype=torch.float64) / wide**0.5
        for wide, out in itertools.pairwise(sizes)
    ]
    x = torch.rand(batch, sizes[0], generator=generator, dtype=torch.float64)
    return weights, x, torch.rand(batch, sizes[-1], generator=generator, dtype=torch.float64)


def by_hand(
    weights: Sequence[Tensor], x: Tensor, target: Tensor, *, eta: float, steps: int, fractional: bool
) -> tuple[list[np.ndarray], np.ndarray]:
    """One sample, neuron by neuron, with Python's own numbers; weights after it and rests of the hidden errors."""
    w = [each.tolist() for each in weights]
    first, hidden, outputs = len(w[0][0]), len(w[0]), len(w[1])
    v = [[0.0] * n for n in (first, hidden, outputs, outputs)]
    total, sent = [[0.0] * hidden, [0.0] * outputs], [[0] * first, [0] * hidden]
    rest, sums = [0.0] * hidden, [np.zeros((hidden, first)), np.zeros((outputs, hidden))]
    rate = eta / steps**2

    def send(potential: list[float], k: int, added: float, rectify: bool) -> int:
        potential[k] += added
        spikes = round(potential[k])
        spikes = max(spikes, 0) if rectify else spikes
        potential[k] -= spikes
        return spikes

    for _ in range(steps):
        s0 = [send(v[0], i, float(x[i]), False) for i in range(first)]
        a1 = [sum(w[0][h][i] * s0[i] for i in range(first)) for h in range(hidden)]
        s1 = [send(v[1], h, a1[h], True) for h in range(hidden)]
        a2 = [sum(w[1][o][h] * s1[h] for h in range(hidden)) for o in range(outputs)]
        s2 = [send(v[2], o, a2[o], True) for o in range(outputs)]
        wanted = [send(v[3], o, float(target[o]), False) for o in range(outputs)]
        for layer, (s, a) in enumerate(((s0, a1), (s1, a2))):
            sent[layer] = [c + spike for c, spike in zip(sent[layer], s, strict=True)]
            total[layer] = [c + more for c, more in zip(total[layer], a, strict=True)]
        e2 = [(s2[o] - wanted[o]) * (total[1][o] >= 0) for o in range(outputs)]
        back = [sum(e2[o] * w[1][o][h] for o in range(outputs)) for h in range(hidden)]
        e1 = [send(rest, h, back[h], False) * (total[0][h] >= 0) for h in range(hidden)]
        for layer, e in enumerate((e1, e2)):
            if fractional:
                w[layer] = (np.array(w[layer]) - rate * np.outer(e, sent[layer])).tolist()
            else:
                sums[layer] += np.array(e)[:, None]
    if not fractional:
        w = [np.array(w[k]) - rate * sums[k] * np.array(sent[k]) for k in range(2)]
    return [np.array(each) for each in w], np.array(rest)


@pytest.mark.parametrize("fractional", [False, True])
def test_a_sample_event_by_event(fractional: bool) -> None:
    weights, x, target = drawn(4, 6, 3, batch=1, seed=5)
    rule = SpikingSGD(eta=0.5, steps=20, fractional=fractional)
    after = rule.update(weights, x, 2 * target)
    expected, rest = by_hand(weights, x[0], 2 * target[0], eta=0.5, steps=20, fractional=fractional)
    for found, wanted, before in zip(after.weights, expected, weights, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-12)
        assert float((found - before).abs().max()) > 1e-3
    np.testing.assert_allclose(after.errors[0][0], rest, atol=1e-12)
    assert after.backward > 0


def test_weights_move_by_the_mean_of_the_batch() -> None:
    weights, x, target = drawn(4, 6, 3, batch=2)
    rule = SpikingSGD(eta=0.5)
    alone = [rule.update(weights, x[k : k + 1], target[k : k + 1]).weights for k in range(2)]
    together = rule.update(weights, x, target).weights
    for found, one, two in zip(together, *alone, strict=True):
        torch.testing.assert_close(found, (one + two) / 2)


def test_one_layer_is_as_far_from_the_sum_as_its_inputs_may_be_rounded() -> None:
    weights, x, _ = drawn(20, 5, batch=50)
    for steps in (3, 30, 300):
        told = SpikingSGD(steps=steps).respond(weights, x)
        allowed = 0.5 * weights[0].abs().sum(1) / steps + 1e-12
        assert bool(((told - x @ weights[0].T).abs() <= allowed).all())


def test_a_rectified_neuron_is_one_of_the_catalogue_that_begins_at_a_half() -> None:
    x = 2.0 * torch.randn(60, 1, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    half = torch.full((1, 1, 7), 0.5, dtype=torch.float64)
    neuron = sl.neurons.MultiSpike(sl.IF(soft_reset=True), levels=12)
    spikes, v = [], torch.zeros(1, 7, dtype=torch.float64)
    for now in x:
        v, sent = rounded(v + now, rectify=True)
        spikes.append(sent)
    torch.testing.assert_close(neuron(torch.cat([half, x]))[1:], torch.stack(spikes))


def test_two_layers_come_to_the_relu_network_as_one_over_steps() -> None:
    weights, x, _ = drawn(20, 30, 5, batch=20)
    exact = (x @ weights[0].T).relu() @ weights[1].T
    steps = (10, 40, 160, 640)
    away = [float((SpikingSGD(steps=t).respond(weights, x) - exact).square().mean().sqrt()) for t in steps]
    assert np.polyfit(np.log(steps), np.log(away), 1)[0] == pytest.approx(-1.0, abs=0.15)


def test_the_change_of_a_long_presentation_is_the_gradient() -> None:
    weights, x, target = drawn(8, 10, 4, batch=5, seed=2)
    free = [w.clone().requires_grad_() for w in weights]
    output = ((x @ free[0].T).relu() @ free[1].T).relu()
    (0.5 * (output - target).square().sum(1).mean()).backward()  # type: ignore[no-untyped-call]
    after = SpikingSGD(eta=1.0, steps=2000).update(weights, x, target).weights
    for found, before, exact in zip(after, weights, free, strict=True):
        assert exact.grad is not None
        torch.testing.assert_close(before - found, exact.grad, atol=5e-3, rtol=0)


def test_small_errors_are_sent_because_they_are_carried_over() -> None:
    weights = [torch.eye(2), torch.full((1, 2), 0.2)]
    x, target, rule = torch.ones(1, 2), torch.tensor([[0.5]]), SpikingSGD(eta=0.1, steps=1)
    # 0.4 rounds to 0, the target of 0.5 too (half to even), so no error; at 0.75 it is -1, of which 0.2 goes back.
    assert rule.update(weights, x, target).backward == 0
    weights, target = [torch.eye(2), torch.full((1, 2), 0.2)], torch.tensor([[0.75]])
    first = rule.update(weights, x, target)
    assert first.backward == 1
    torch.testing.assert_close(first.errors[0], torch.full((1, 2), -0.2))
    errors, sent = first.errors, []
    for _ in range(4):
        after = rule.update(weights, x, target, errors)
        errors = after.errors
        sent.append(after.backward)
    # -0.4, then -0.6: both hidden neurons send a spike of -1 and keep 0.4, then 0.2, 0.
    assert sent == [1, 3, 1, 1]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: SpikingSGD(steps=0), ParameterError, "at least 1"),
        (lambda: SpikingSGD(eta=-1.0), ParameterError, "eta"),
        (lambda: SpikingSGD().respond([torch.ones(2, 3)], torch.ones(1, 2)), ShapeError, r"\[out, 2\]"),
        (lambda: SpikingSGD().respond([], torch.ones(1, 2)), ShapeError, "a layer"),
        (lambda: SpikingSGD().respond([torch.ones(1, 1)], torch.full((1, 1), math.nan)), ParameterError, "finite"),
        (lambda: SpikingSGD().respond([torch.ones(1, 1)], torch.ones(1, 1).long()), DTypeError, "floating"),
        (lambda: SpikingSGD().update([torch.ones(1, 1)], torch.ones(1, 1), torch.ones(2, 1)), ShapeError, "target"),
        (
            lambda: SpikingSGD().update([torch.ones(1, 1)], torch.ones(1, 1), torch.ones(1, 1), [torch.ones(1, 1)]),
            ShapeError,
            "errors",
        ),
    ],
)
def test_what_is_refused(call: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()  # type: ignore[operator]
