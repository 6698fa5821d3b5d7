"""Losses against plain arithmetic, and the gradients that they promise."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeloom.errors import DTypeError, ParameterError, ShapeError
from spikeloom.training.losses import (
    anytime_cross_entropy,
    count_mse,
    first_spike_cross_entropy,
    last_potential_cross_entropy,
    latency_penalty,
    max_potential_cross_entropy,
    mean_potential_cross_entropy,
    rate_cross_entropy,
)

LOSSES: dict[str, Any] = {
    "rate": rate_cross_entropy,
    "last": last_potential_cross_entropy,
    "max": max_potential_cross_entropy,
    "mean": mean_potential_cross_entropy,
    "count": lambda s, y: count_mse(s, y, correct=0.8, incorrect=0.1),
    "first": first_spike_cross_entropy,
    "anytime": anytime_cross_entropy,
    "latency": latency_penalty,
}


def cross_entropy(logits: list[list[float]], labels: list[int]) -> float:
    """The definition, in plain Python."""
    return sum(math.log(math.fsum(map(math.exp, row))) - row[y] for row, y in zip(logits, labels, strict=True)) / len(
        labels
    )


def random_spikes(seed: int, steps: int = 6, batch: int = 3, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(steps, batch, classes, generator=draw, dtype=torch.float64) < 0.3).double()
    return spikes, torch.randint(classes, (batch,), generator=draw)


@given(seed=st.integers(0, 10_000), steps=st.integers(1, 9), scale=st.floats(0.1, 20.0))
def test_rate_cross_entropy_by_definition(seed: int, steps: int, scale: float) -> None:
    spikes, labels = random_spikes(seed, steps)
    counts, rates = spikes.sum(0).tolist(), (scale * spikes.mean(0)).tolist()
    assert rate_cross_entropy(spikes, labels).item() == pytest.approx(cross_entropy(counts, labels.tolist()))
    scaled = rate_cross_entropy(spikes, labels, scale=scale).item()
    assert scaled == pytest.approx(cross_entropy(rates, labels.tolist()))


def test_rates_alone_cannot_make_the_loss_small() -> None:
    spikes = torch.zeros(5, 1, 10)
    spikes[:, 0, 3] = 1.0  # as right as a network can be
    best = rate_cross_entropy(spikes, torch.tensor([3]), scale=1.0).item()
    assert best == pytest.approx(math.log(1 + 9 * math.exp(-1)))
    assert best > 1.46


@given(seed=st.integers(0, 10_000), steps=st.integers(1, 9))
def test_potential_cross_entropies_by_definition(seed: int, steps: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    v = torch.randn(steps, 3, 4, generator=draw, dtype=torch.float64)
    labels = torch.randint(4, (3,), generator=draw)
    columns = v.permute(1, 2, 0).tolist()
    expected = {
        "last": [[x[-1] for x in row] for row in columns],
        "max": [[max(x) for x in row] for row in columns],
        "mean": [[math.fsum(x) / steps for x in row] for row in columns],
    }
    for name, logits in expected.items():
        assert LOSSES[name](v, labels).item() == pytest.approx(cross_entropy(logits, labels.tolist())), name


@pytest.mark.parametrize("name", ["rate", "last", "max", "mean", "count", "anytime"])
def test_gradients_are_those_of_the_values(name: str) -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(4, 2, 3, generator=draw, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: LOSSES[name](x, torch.tensor([2, 0])), (x,))


@given(seed=st.integers(0, 10_000), steps=st.integers(1, 9), correct=st.floats(0, 1), incorrect=st.floats(0, 1))
def test_count_mse_by_definition(seed: int, steps: int, correct: float, incorrect: float) -> None:
    spikes, labels = random_spikes(seed, steps)
    errors = [
        (count / steps - (correct if c == y else incorrect)) ** 2
        for row, y in zip(spikes.sum(0).tolist(), labels.tolist(), strict=True)
        for c, count in enumerate(row)
    ]
    loss = count_mse(spikes, labels, correct=correct, incorrect=incorrect).item()
    assert loss == pytest.approx(sum(errors) / len(errors), abs=1e-12)


@given(seed=st.integers(0, 10_000), steps=st.integers(1, 9))
def test_early_losses_by_definition(seed: int, steps: int) -> None:
    spikes, labels = random_spikes(seed, steps)
    running = spikes.cumsum(0)
    expected = sum(cross_entropy(row, labels.tolist()) for row in running.tolist()) / steps
    assert anytime_cross_entropy(running, labels).item() == pytest.approx(expected)
    columns = spikes.permute(1, 2, 0).tolist()
    times = [[*row[y], 1.0].index(1.0) for row, y in zip(columns, labels.tolist(), strict=True)]
    assert latency_penalty(spikes, labels).item() == pytest.approx(sum(times) / len(times) / steps)


def test_the_latency_penalty_pulls_at_the_labelled_neuron_alone() -> None:
    spikes = torch.tensor([[[0.0, 0.0]], [[0.0, 1.0]]], dtype=torch.float64, requires_grad=True)
    latency_penalty(spikes, torch.tensor([0])).backward()
    assert spikes.grad is not None
    assert spikes.grad[:, 0].tolist() == [[-1.0, 0.0], [-0.5, 0.0]]


@pytest.mark.parametrize("name", ["count", "mean", "max"])
def test_losses_do_not_grow_with_time(name: str) -> None:
    spikes, labels = random_spikes(1)
    assert LOSSES[name](spikes.repeat(7, 1, 1), labels).item() == pytest.approx(LOSSES[name](spikes, labels).item())


@given(seed=st.integers(0, 10_000), steps=st.integers(1, 9), tau=st.floats(0.3, 10.0))
def test_first_spike_cross_entropy_by_definition(seed: int, steps: int, tau: float) -> None:
    spikes, labels = random_spikes(seed, steps)
    times = [[[*x, 1.0].index(1.0) for x in row] for row in spikes.permute(1, 2, 0).tolist()]
    logits = [[-t / tau for t in row] for row in times]
    loss = first_spike_cross_entropy(spikes, labels, tau=tau).item()
    assert loss == pytest.approx(cross_entropy(logits, labels.tolist()))


def test_gradient_of_the_first_spike_loss_by_hand() -> None:
    # Class 0 is right and silent, class 1 fires in steps 1 and 2; T = 3, so t = (3, 1).
    spikes = torch.tensor([[[0.0, 0.0]], [[0.0, 1.0]], [[0.0, 1.0]]], dtype=torch.float64, requires_grad=True)
    first_spike_cross_entropy(spikes, torch.tensor([0])).backward()
    wrong = math.exp(-1) / (math.exp(-1) + math.exp(-3))  # softmax of class 1; d loss / d t = (wrong, -wrong)
    by_time = torch.tensor([[-3.0, -1.0], [-2.0, -1.0], [-1.0, 0.0]])  # d t / d s, from what one spike changes
    assert spikes.grad is not None
    assert torch.allclose(spikes.grad[:, 0], by_time.double() * torch.tensor([wrong, -wrong], dtype=torch.float64))
    assert (spikes.grad[:, 0, 0] < 0).all()  # descent makes the silent neuron fire


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_wrong_input_is_refused(loss: Any) -> None:
    spikes, labels = torch.zeros(5, 2, 3), torch.tensor([0, 2])
    assert math.isfinite(loss(spikes, labels).item())
    with pytest.raises(ShapeError, match=r"\[time, batch, classes\]"):
        loss(spikes[0], labels)
    with pytest.raises(ShapeError, match="one per sample"):
        loss(spikes, labels[:1])
    with pytest.raises(ShapeError, match="none of them 0"):
        loss(spikes[:0], labels)
    with pytest.raises(DTypeError, match=r"labels\.long"):
        loss(spikes, labels.float())
    for bad in ([0, 3], [-1, 0]):
        with pytest.raises(ParameterError, match="class numbers 0 to 2"):
            loss(spikes, torch.tensor(bad))


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_wrong_parameters_are_refused(bad: float) -> None:
    spikes, labels = torch.zeros(5, 2, 3), torch.tensor([0, 2])
    with pytest.raises(ParameterError, match="tau"):
        first_spike_cross_entropy(spikes, labels, tau=bad)
    with pytest.raises(ParameterError, match="scale"):
        rate_cross_entropy(spikes, labels, scale=bad)
    if bad != 0.0:
        with pytest.raises(ParameterError, match="incorrect of count_mse"):
            count_mse(spikes, labels, correct=0.5, incorrect=bad)


def test_first_spike_loss_refuses_potentials() -> None:
    with pytest.raises(ParameterError, match="values 0 and 1"):
        first_spike_cross_entropy(torch.rand(5, 2, 3) + 0.1, torch.tensor([0, 2]))
