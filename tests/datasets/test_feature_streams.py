"""Streams with features: each is where it is said to be, and the rest is noise."""

from __future__ import annotations

import pytest
import torch

from spikeloom.datasets import feature_streams
from spikeloom.errors import ParameterError, ShapeError


def some(seed: int, n: int = 20) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    features = (torch.rand(3, 20, 50, generator=generator) < 0.1).float()
    return features, *feature_streams(features, n, steps=300, gap=10, generator=generator)


@pytest.mark.parametrize("seed", range(3))
def test_features_are_where_they_are_said_to_be(seed: int) -> None:
    features, x, counts, where = some(seed)
    assert counts.sum(1).max() <= 4
    assert counts.sum() > 0
    found = torch.zeros_like(counts)
    for b in range(20):
        t = 0
        while t < 300:
            kind = int(where[t, b])
            if kind < 0:
                t += 1
                continue
            assert torch.equal(x[t : t + 20, b], features[kind])
            assert (where[t : t + 20, b] == kind).all()
            found[b, kind] += 1
            t += 20
    assert torch.equal(found, counts)


def test_noise_has_its_rate_and_numbers_are_uniform() -> None:
    _, x, counts, where = some(0, n=400)
    noise = x[where < 0]
    assert abs(float(noise.mean()) - 0.005) < 5 * (0.005 / noise.numel()) ** 0.5
    share = torch.bincount(counts.sum(1).long(), minlength=5) / 400
    assert (share - 0.2).abs().max() < 5 * (0.2 * 0.8 / 400) ** 0.5


@pytest.mark.parametrize("given", [{"most": 9}, {"most": -1}, {"gap": -1}, {"rate": -1.0}, {"rate": 2000.0}])
def test_refusals(given: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="feature_streams"):
        feature_streams(torch.zeros(1, 50, 2), 1, **given)  # type: ignore[arg-type]
    with pytest.raises(ShapeError):
        feature_streams(torch.zeros(50, 2), 1)
