"""The linear probe: what a linear classifier can read and what not."""

from __future__ import annotations

import pytest
import torch

import spikeloom as sl
from spikeloom.errors import ParameterError, ShapeError


def points(n: int = 400, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))


def test_reads_what_is_linear_and_not_what_is_not() -> None:
    """Half planes are read; of signs of a product every line gets about half right."""
    a, b = points(), points(seed=1)
    assert sl.training.linear_probe(a, a.sum(1) > 0, b, b.sum(1) > 0) > 0.95
    assert sl.training.linear_probe(a, a.prod(1) > 0, b, b.prod(1) > 0) < 0.65


def test_scale_and_constant_features_do_not_count() -> None:
    a, b = points(), points(seed=1)
    plain = sl.training.linear_probe(a, a[:, 0] > 0.3, b, b[:, 0] > 0.3)
    odd = [torch.stack([1e4 * x[:, 0] + 7.0, 1e-4 * x[:, 1], torch.ones(len(x))], 1) for x in (a, b)]
    assert sl.training.linear_probe(odd[0], a[:, 0] > 0.3, odd[1], b[:, 0] > 0.3) == pytest.approx(plain, abs=0.01)


def test_labels_of_other_samples_are_refused() -> None:
    a = points()
    with pytest.raises(ShapeError, match="test of linear_probe"):
        sl.training.linear_probe(a, a[:, 0] > 0, a[:50], a[:, 0] > 0)


def test_silent_neurons_are_told() -> None:
    with pytest.raises(ParameterError, match="one that changes"):
        sl.training.linear_probe(torch.zeros(4, 3), torch.arange(4), torch.zeros(4, 3), torch.arange(4))
