"""Metrics by counting."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeloom.errors import DTypeError, ParameterError, ShapeError
from spikeloom.training.metrics import accuracy, class_accuracy, confusion_matrix, spikes_per_sample

pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@given(pairs=pairs)
def test_against_plain_counting(pairs: list[tuple[int, int]]) -> None:
    labels = torch.tensor([truth for truth, _ in pairs])
    scores = torch.eye(4)[[guess for _, guess in pairs]] * 0.1 - 5.0
    matrix = confusion_matrix(scores, labels)
    assert matrix.tolist() == [[pairs.count((i, j)) for j in range(4)] for i in range(4)]
    assert accuracy(scores, labels) == pytest.approx(sum(i == j for i, j in pairs) / len(pairs))
    for c, value in enumerate(class_accuracy(scores, labels).tolist()):
        of_class = [j == c for i, j in pairs if i == c]
        assert value == pytest.approx(sum(of_class) / len(of_class)) if of_class else math.isnan(value)


def test_spikes_are_counted_for_each_sample() -> None:
    spikes = torch.zeros(4, 3, 2, 5)
    spikes[:, 1, 0, :2] = 1.0
    spikes[3, 2, 1, 4] = 1.0
    assert spikes_per_sample(spikes).tolist() == [0.0, 8.0, 1.0]


def test_wrong_input_is_refused() -> None:
    scores, labels = torch.zeros(3, 2), torch.tensor([0, 1, 1])
    with pytest.raises(ShapeError, match="scores"):
        accuracy(scores[0], labels)
    with pytest.raises(ShapeError, match="labels"):
        accuracy(scores, labels[:2])
    with pytest.raises(DTypeError, match="labels"):
        accuracy(scores, labels.float())
    with pytest.raises(ParameterError, match="0 to 1, got 0 to 2"):
        accuracy(scores, torch.tensor([0, 1, 2]))
    with pytest.raises(ParameterError, match="NaN"):
        accuracy(scores * math.nan, labels)
    with pytest.raises(ShapeError, match="time"):
        spikes_per_sample(torch.zeros(3))
