"""Rank-order code: exactly the same under any change of contrast, and what is left of digits."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor

from spikeloom.coding import RankOrder, rank_order, rank_order_decode
from spikeloom.errors import ParameterError

CONTRASTS = {
    "root": torch.sqrt,
    "square": torch.square,
    "logarithm": torch.log1p,
    "gain": lambda x: 8.0 * x,
}


@pytest.mark.parametrize("change", CONTRASTS.values(), ids=CONTRASTS.keys())
def test_a_monotone_change_of_contrast_changes_no_spike(change) -> None:  # type: ignore[no-untyped-def]
    x = torch.rand(50, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[:, ::5] = 0.0
    assert torch.equal(rank_order(x, 64), rank_order(change(x), 64))


def test_it_changes_with_the_order() -> None:
    x = torch.tensor([[0.1, 0.2, 0.3]])
    assert not torch.equal(rank_order(x, 3), rank_order(x.flip(1), 3))


@given(values=st.lists(st.floats(0.0, 10.0, width=32), min_size=1, max_size=12), steps=st.integers(1, 15))
def test_against_sorting(values: list[float], steps: int) -> None:
    order = sorted((i for i, value in enumerate(values) if value > 0), key=lambda i: (-values[i], i))
    spikes = rank_order(torch.tensor([values]), steps)[:, 0]
    assert [row.nonzero().flatten().tolist() for row in spikes] == [[i] for i in order[:steps]] + [[]] * (
        steps - len(order[:steps])
    )


def test_it_tells_one_of_all_orders() -> None:
    orders = torch.tensor(list(itertools.permutations([0.1, 0.2, 0.3, 0.4])))
    codes = rank_order(orders, 4)
    assert codes.flatten(2).transpose(0, 1).flatten(1).unique(dim=0).shape[0] == math.factorial(4)  # log2(4!) bits


def test_ranks_are_over_all_features_of_a_sample() -> None:
    x = torch.rand(3, 2, 5)
    assert torch.equal(rank_order(x, 10), rank_order(x.flatten(1), 10).view(10, 3, 2, 5))


def test_decoding_keeps_the_order() -> None:
    x = torch.rand(20, 30, generator=torch.Generator().manual_seed(1))
    decoded = rank_order_decode(rank_order(x, 30), modulation=0.9)
    assert torch.equal(decoded.argsort(1), x.argsort(1))
    assert decoded.amax(1).unique().tolist() == [1.0]


def _digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images / 16.0, labels, test_size=0.25, stratify=labels, random_state=0)
    train, test, train_labels, test_labels = (torch.as_tensor(part) for part in parts)
    return train, test, train_labels, test_labels


# Measured once in NumPy, single split: 0.753, 0.864, 0.898. One image of 450 is 0.0022, the figures' rounding 0.0005.
@pytest.mark.parametrize(("modulation", "expected"), [(0.8, 0.753), (0.9, 0.864), (0.95, 0.898)])
def test_templates_of_ranks_recognise_digits(modulation: float, expected: float) -> None:
    train, test, train_labels, test_labels = _digits()
    encoder = RankOrder(64, modulation=modulation)
    weights = encoder.decode(encoder(train))
    templates = torch.stack([weights[train_labels == digit].mean(0) for digit in range(10)])
    # The template of most alike direction; a longer one would win by its length otherwise.
    match = encoder.decode(encoder(test)) @ (templates / templates.norm(dim=1, keepdim=True)).T
    accuracy = (match.argmax(1) == test_labels).double().mean().item()
    assert accuracy == pytest.approx(expected, abs=0.0028)


def test_digits_are_coded_the_same_under_a_root() -> None:
    images = torch.from_numpy(load_digits().data) / 16.0
    assert torch.equal(rank_order(images, 64), rank_order(images.sqrt(), 64))


@pytest.mark.parametrize("bad", [0.0, 1.1, math.nan])
def test_a_modulation_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(ParameterError, match="modulation of RankOrder"):
        RankOrder(8, modulation=bad)
