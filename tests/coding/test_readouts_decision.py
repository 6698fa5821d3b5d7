"""Decisions against plain Python, what they are invariant to, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikeloom.coding import (
    Decision,
    confidence_exit,
    decide,
    first_spike,
    highest_rate,
    last_decision,
    margin_exit,
    potential_per_step,
    running_count,
    running_rate,
    spike_budget,
    spike_count,
    spike_rate,
)
from spikeloom.errors import DTypeError, ParameterError, ShapeError

seeds, steps = st.integers(0, 10_000), st.integers(1, 9)


def draw(seed: int, steps: int, batch: int = 5, classes: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(steps, batch, classes, generator=generator, dtype=torch.float64) < 0.2).double()


def by_hand(rows: list[list[list[float]]], stop: Callable[[list[float]], bool]) -> list[tuple[int, int, bool]]:
    """Label, steps and decided from scores [batch][time][classes], one step after the other."""
    found = []
    for sample in rows:
        at = next((t for t, row in enumerate(sample) if stop(row)), None)
        row = sample[-1 if at is None else at]
        found.append((row.index(max(row)), len(sample) if at is None else at + 1, at is not None))
    return found


def listed(decision: Decision) -> list[tuple[Any, ...]]:
    return list(zip(*(part.tolist() for part in decision), strict=True))


def gap(row: list[float]) -> float:
    second, first = sorted(row)[-2:]
    return first - second


@given(seed=seeds, steps=steps, n=st.integers(1, 5))
def test_decisions_against_plain_python(seed: int, steps: int, n: int) -> None:
    spikes = draw(seed, steps)
    trains = spikes.transpose(0, 1).tolist()
    counts = running_count(spikes).transpose(0, 1).tolist()
    assert [label for label, _, _ in listed(highest_rate(spikes))] == [c[-1].index(max(c[-1])) for c in counts]
    assert listed(spike_budget(spikes, budget=n)) == by_hand(counts, lambda row: sum(row) >= n)
    assert listed(first_spike(spikes)) == by_hand(trains, lambda row: max(row) > 0)
    assert listed(margin_exit(running_count(spikes), margin=n)) == by_hand(counts, lambda row: gap(row) >= n)


@given(seed=seeds, steps=steps, confidence=st.floats(0.3, 0.99))
def test_confidence_exit_by_definition(seed: int, steps: int, confidence: float) -> None:
    scores = torch.randn(steps, 5, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2

    def confident(row: list[float]) -> bool:
        return max(map(math.exp, row)) / math.fsum(map(math.exp, row)) >= confidence

    expected = by_hand(scores.transpose(0, 1).tolist(), confident)
    assert listed(confidence_exit(scores, confidence=confidence)) == expected


@given(seed=seeds, steps=steps, shift=st.integers(-8, 8), scale=st.integers(1, 8))
def test_exits_see_differences_of_scores(seed: int, steps: int, shift: int, scale: int) -> None:
    scores = running_count(draw(seed, steps))
    margin = margin_exit(scores, margin=2)
    assert listed(margin_exit(scores + shift, margin=2)) == listed(margin)
    assert listed(margin_exit(scores * scale, margin=2 * scale)) == listed(margin)
    assert listed(confidence_exit(scores + shift, confidence=0.7)) == listed(confidence_exit(scores, confidence=0.7))


@given(seed=seeds, steps=steps)
def test_a_stricter_criterion_never_stops_earlier(seed: int, steps: int) -> None:
    spikes = draw(seed, steps)
    count = running_count(spikes)
    for weak, strict in (
        (margin_exit(count, margin=1), margin_exit(count, margin=2)),
        (confidence_exit(count, confidence=0.4), confidence_exit(count, confidence=0.8)),
        (spike_budget(spikes, budget=1), spike_budget(spikes, budget=3)),
    ):
        assert (weak.steps <= strict.steps).all()
        assert (weak.decided >= strict.decided).all()


@given(seed=seeds, steps=steps)
def test_the_order_of_classes_decides_ties_alone(seed: int, steps: int) -> None:
    spikes = draw(seed, steps)
    preference = torch.rand(spikes.shape, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    for rule in (highest_rate, first_spike, lambda s, tie_break: spike_budget(s, budget=2, tie_break=tie_break)):
        forward = rule(spikes, tie_break=preference)
        backward = rule(spikes.flip(2), tie_break=preference.flip(2))
        assert torch.equal(forward.label, 3 - backward.label)
        assert torch.equal(forward.steps, backward.steps)


def test_ties_go_to_the_larger_tie_break_and_nothing_else_does() -> None:
    spikes = torch.tensor([[[1.0, 1.0, 0.0]]])
    assert first_spike(spikes).label.tolist() == [0]
    assert first_spike(spikes, tie_break=torch.tensor([[[0.1, 0.2, 9.0]]])).label.tolist() == [1]
    assert highest_rate(spikes, tie_break=torch.tensor([[[0.1, 0.1, 9.0]]])).label.tolist() == [0]


def test_silent_outputs_are_not_decided() -> None:
    silent = torch.zeros(5, 2, 3)
    potentials = torch.tensor([0.1, 0.3, 0.2]).expand(5, 2, 3)
    assert listed(first_spike(silent)) == [(0, 5, False)] * 2
    assert listed(first_spike(silent, tie_break=potentials)) == [(1, 5, False)] * 2
    assert listed(spike_budget(silent, budget=1)) == [(0, 5, False)] * 2
    assert listed(margin_exit(running_count(silent), margin=1)) == [(0, 5, False)] * 2


def test_an_empty_batch_stays_empty() -> None:
    for decision in (highest_rate(torch.zeros(3, 0, 2)), margin_exit(torch.zeros(3, 0, 2), margin=1.0)):
        assert [part.shape for part in decision] == [(0,)] * 3


@given(seed=seeds, steps=steps)
def test_running_scores_end_where_the_decoders_do(seed: int, steps: int) -> None:
    spikes = draw(seed, steps)
    assert torch.equal(running_count(spikes)[-1], spike_count(spikes))
    assert torch.allclose(running_rate(spikes)[-1], spike_rate(spikes))
    assert torch.allclose(potential_per_step(running_count(spikes)), running_rate(spikes))


def test_running_scores_are_differentiable() -> None:
    x = draw(0, 4).requires_grad_()
    for score in (running_count, running_rate, potential_per_step):
        assert torch.autograd.gradcheck(score, (x,))


def test_half_precision_counts_on() -> None:
    assert running_count(torch.ones(600, 1, 2, dtype=torch.bfloat16))[-1].tolist() == [[600.0, 600.0]]


RULES: dict[str, Callable[[Any], Decision]] = {
    "highest_rate": highest_rate,
    "first_spike": first_spike,
    "last_decision": last_decision,
    "spike_budget": lambda x: spike_budget(x, budget=2),
    "margin_exit": lambda x: margin_exit(x, margin=1.0),
    "confidence_exit": lambda x: confidence_exit(x, confidence=0.5),
}


@pytest.mark.parametrize("name", RULES)
def test_wrong_input_is_refused(name: str) -> None:
    rule, good = RULES[name], draw(0, 3)
    assert rule(good).label.dtype == torch.int64
    for shape in ((3, 5), (0, 5, 4), (3, 5, 4, 1), (3, 5, 0)):
        with pytest.raises(ShapeError, match=r"\[time, batch, classes\]"):
            rule(torch.zeros(shape))
    for bad in (math.nan, math.inf):
        spoilt = good.clone()
        spoilt[1, 2, 3] = bad
        with pytest.raises(ParameterError, match=name):
            rule(spoilt)
    with pytest.raises(DTypeError):
        rule(good.long())
    with pytest.raises(DTypeError):
        rule(good.tolist())


@pytest.mark.parametrize("name", ["highest_rate", "first_spike", "spike_budget"])
def test_negative_spikes_are_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="at least 0"):
        RULES[name](-torch.ones(2, 1, 2))


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf, "1"])
def test_criteria_that_are_none_are_refused(bad: Any) -> None:
    scores = draw(0, 3)
    with pytest.raises(ParameterError, match="margin"):
        margin_exit(scores, margin=bad)
    with pytest.raises(ParameterError, match="confidence"):
        confidence_exit(scores, confidence=bad)
    with pytest.raises(ParameterError, match="budget"):
        spike_budget(scores, budget=bad)
    with pytest.raises(ParameterError, match=r"\(0, 1\]"):
        confidence_exit(scores, confidence=1.5)
    with pytest.raises(ParameterError, match="budget"):
        spike_budget(scores, budget=1.5)  # type: ignore[arg-type]


def test_one_class_has_no_margin() -> None:
    for exit_at in (RULES["margin_exit"], RULES["confidence_exit"]):
        with pytest.raises(ShapeError, match="at least 2"):
            exit_at(torch.ones(2, 1, 1))


def test_stop_and_tie_break_must_fit() -> None:
    scores = draw(0, 3)
    with pytest.raises(DTypeError, match="bool"):
        decide(scores, torch.ones(3, 5))
    with pytest.raises(ShapeError, match=r"\(3, 5\)"):
        decide(scores, torch.ones(5, 3, dtype=torch.bool))
    with pytest.raises(ShapeError, match="tie_break"):
        highest_rate(scores, tie_break=torch.zeros(3, 5, 1))
    with pytest.raises(ParameterError, match="tie_break"):
        highest_rate(scores, tie_break=torch.full_like(scores, math.nan))
