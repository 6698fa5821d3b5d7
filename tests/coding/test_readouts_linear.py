"""Least squares and voting against closed forms."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikeloom.coding import (
    bernoulli,
    class_means,
    exponential_trace,
    fit_linear,
    spike_rate,
    vote,
    votes_for_all,
    votes_for_one,
)
from spikeloom.errors import DTypeError, ParameterError, ShapeError


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(seed=st.integers(0, 1000), features=st.integers(1, 6), outputs=st.integers(1, 3))
def test_known_weights_are_recovered(seed: int, features: int, outputs: int) -> None:
    x, weight, bias = normal(seed, 8, 5, features), normal(seed + 1, outputs, features), normal(seed + 2, outputs)
    found = fit_linear(x, x @ weight.T + bias)
    # 40 samples of independent normal features: conditioned well, so rounding alone.
    assert torch.allclose(found.weight, weight, atol=1e-10)
    assert torch.allclose(found.bias, bias, atol=1e-10)
    assert torch.allclose(found.predict(x), x @ weight.T + bias, atol=1e-10)


@given(seed=st.integers(0, 1000), ridge=st.floats(0.0, 50.0))
def test_the_fit_is_the_minimum(seed: int, ridge: float) -> None:
    x, y = normal(seed, 30, 4), normal(seed + 1, 30, 2)
    found = fit_linear(x, y, ridge=ridge)
    # Where the gradient of the loss is 0: X'(XW + b - y) + ridge W = 0 and 1'(XW + b - y) = 0.
    error = found.predict(x) - y
    assert torch.allclose(x.T @ error + ridge * found.weight.T, torch.zeros(4, 2).double(), atol=1e-10)
    assert torch.allclose(error.sum(0), torch.zeros(2).double(), atol=1e-10)


@given(seed=st.integers(0, 1000), shift=st.floats(-10.0, 10.0), scale=st.floats(0.1, 10.0))
def test_shifts_go_to_the_bias_and_scales_to_the_weights(seed: int, shift: float, scale: float) -> None:
    x, y = normal(seed, 30, 4), normal(seed + 1, 30, 1)
    plain, moved = fit_linear(x, y), fit_linear(scale * x + shift, y)
    assert torch.allclose(moved.weight * scale, plain.weight, atol=1e-9)
    assert torch.allclose(moved.predict(scale * x + shift), plain.predict(x), atol=1e-9)


def test_ridge_gives_silent_neurons_no_weight_and_shrinks_the_rest() -> None:
    x, y = normal(0, 40, 3), normal(1, 40, 1)
    silent = torch.cat((x, torch.zeros(40, 1).double()), 1)
    with pytest.raises(ParameterError, match="4 features that vary independently"):
        fit_linear(silent, y)
    sizes = [fit_linear(silent, y, ridge=ridge).weight for ridge in (0.1, 1.0, 10.0)]
    assert all(w[0, 3] == 0.0 for w in sizes)
    assert sizes[0].norm() > sizes[1].norm() > sizes[2].norm()
    with pytest.raises(ParameterError, match="vary independently"):
        fit_linear(torch.cat((x, x[:, :1] + x[:, 1:2]), 1), y)
    with pytest.raises(ParameterError, match="vary independently"):
        fit_linear(x[:3], y[:3])


def test_values_are_read_from_noisy_spikes() -> None:
    """The error of the best linear decoder of N Bernoulli neurons is smaller than of their plain mean."""
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(600, 1, generator=draw, dtype=torch.float64)
    tuning = torch.rand(1, 20, generator=draw, dtype=torch.float64)
    rates = spike_rate(bernoulli(x * tuning, 50, generator=draw))
    fitted = fit_linear(rates[:300], x[:300]).predict(rates[300:])
    plain = rates[300:].sum(1, keepdim=True) / tuning.sum()
    assert (fitted - x[300:]).square().mean() < (plain - x[300:]).square().mean()
    assert (fitted - x[300:]).square().mean().sqrt() < 0.05


def test_a_signal_is_read_from_traces() -> None:
    time = torch.arange(2000.0, dtype=torch.float64).view(-1, 1, 1)
    signal = 0.5 + 0.4 * torch.sin(2 * math.pi * time / 400.0)
    encoded = torch.cat((signal, 1.0 - signal), 2).repeat(1, 1, 20) * 0.5
    spikes = bernoulli(encoded[:, 0], 1, generator=torch.Generator().manual_seed(0))[0].unsqueeze(1)
    traces = exponential_trace(spikes, tau=20.0)
    read_out = fit_linear(traces[:1000], signal[:1000], ridge=1.0)
    y = read_out.predict(traces[1000:])
    # The trace lags behind by atan(2 pi 20 / 400), so that without noise the correlation would be 0.954.
    assert torch.corrcoef(torch.stack((y.flatten(), signal[1000:].flatten())))[0, 1] > 0.9


def test_prediction_is_differentiable_and_takes_float32() -> None:
    read_out = fit_linear(normal(0, 9, 2), normal(1, 9, 1))
    x = normal(2, 4, 2).requires_grad_()
    assert torch.autograd.gradcheck(read_out.predict, (x,))
    assert read_out.predict(x.detach().float()).dtype == torch.float32


@given(seed=st.integers(0, 1000))
def test_class_means_by_definition(seed: int) -> None:
    x = normal(seed, 12, 3)
    labels = torch.arange(12) % 4
    expected = torch.stack([x[labels == c].mean(0) for c in range(4)])
    assert torch.allclose(class_means(x, labels, classes=4), expected)


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100.0))
def test_votes_by_definition(seed: int, scale: float) -> None:
    draw = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, 4, (12, 5), generator=draw).double()
    counts[:, 4] = 0.0
    labels = torch.arange(12) % 3
    means = class_means(counts, labels, classes=3).T.tolist()
    one, every = votes_for_one(counts, labels, classes=3), votes_for_all(counts, labels, classes=3)
    chosen = [row.index(max(row)) if any(row) else None for row in means]
    for i, row in enumerate(means):
        total = sum(r**0.1 for r in row if r)
        assert every[i].tolist() == pytest.approx([r**0.1 / total / 5 if r else 0.0 for r in row])
        assert one[i].tolist() == [float(c == chosen[i]) / max(chosen.count(c), 1) for c in range(3)]
    factors = torch.tensor([scale, 1.0, 2.0, 0.5, 1.0], dtype=torch.float64)
    assert torch.allclose(votes_for_all(counts * factors, labels, classes=3), every)
    assert torch.allclose(vote(counts, every), counts @ every)


def test_one_vote_at_most_for_each_neuron() -> None:
    counts = torch.rand(30, 8, generator=torch.Generator().manual_seed(0))
    votes = votes_for_all(counts, torch.arange(30) % 3, classes=3)
    assert torch.allclose(votes.sum(1), torch.full((8,), 1.0 / 8.0))
    # A large power leaves one vote, that for the class with the largest response.
    sharp = votes_for_all(counts, torch.arange(30) % 3, classes=3, power=1000.0)
    assert torch.equal(sharp.argmax(1), class_means(counts, torch.arange(30) % 3, classes=3).argmax(0))
    assert sharp.max(1).values.min().item() > 0.99 / 8.0


COUNTS, LABELS = torch.ones(4, 3), torch.tensor([0, 1, 0, 1])
NAN = torch.full((4, 3), math.nan)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fit_linear(COUNTS, NAN), ParameterError, "finite"),
        (lambda: fit_linear(COUNTS, COUNTS[:3]), ShapeError, "leading axes"),
        (lambda: fit_linear(COUNTS[0], COUNTS[0]), ShapeError, "samples, features"),
        (lambda: fit_linear(COUNTS[:0], COUNTS[:0]), ShapeError, "none of them 0"),
        (lambda: fit_linear(COUNTS, COUNTS, ridge=-1.0), ParameterError, "ridge"),
        (lambda: fit_linear(COUNTS, COUNTS, ridge=math.nan), ParameterError, "ridge"),
        (lambda: fit_linear(COUNTS, COUNTS, ridge=True), ParameterError, "ridge"),
        (lambda: fit_linear(COUNTS.long(), COUNTS), DTypeError, "floating"),
        (lambda: fit_linear(COUNTS, COUNTS, ridge=1.0).predict(COUNTS[:, :2]), ShapeError, "3"),
        (lambda: fit_linear(COUNTS, COUNTS, ridge=1.0).predict(NAN), ParameterError, "finite"),
        (lambda: class_means(COUNTS, LABELS, classes=3), ParameterError, r"none of \[2\]"),
        (lambda: class_means(COUNTS, LABELS, classes=1), ParameterError, "class numbers"),
        (lambda: class_means(COUNTS, LABELS, classes=0), ParameterError, "at least 1"),
        (lambda: class_means(COUNTS, LABELS[:3], classes=2), ShapeError, "labels"),
        (lambda: class_means(COUNTS, LABELS.float(), classes=2), DTypeError, "int64"),
        (lambda: class_means(COUNTS[0], LABELS, classes=2), ShapeError, "axes"),
        (lambda: class_means(COUNTS[:0], LABELS[:0], classes=2), ParameterError, "every class"),
        (lambda: votes_for_one(-COUNTS, LABELS, classes=2), ParameterError, "at least 0"),
        (lambda: votes_for_all(-COUNTS, LABELS, classes=2), ParameterError, "at least 0"),
        (lambda: votes_for_all(COUNTS, LABELS, classes=2, power=0.0), ParameterError, "power"),
        (lambda: vote(COUNTS, torch.ones(4, 2)), ShapeError, "votes"),
        (lambda: vote(COUNTS, torch.full((3, 2), math.nan)), ParameterError, "votes"),
        (lambda: vote(NAN, torch.ones(3, 2)), ParameterError, "counts"),
    ],
)
def test_wrong_input_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
