"""Synthetic metadata: typical values of a class, and as much noise as is asked for."""

from __future__ import annotations

import pytest
import torch

from spikeloom.datasets import metadata
from spikeloom.errors import ParameterError


def test_classes_have_values_of_their_own() -> None:
    values, labels = metadata(100, noise=0.0, generator=torch.Generator().manual_seed(0))
    typical = torch.stack([values[labels == kind][0] for kind in range(5)])
    assert torch.equal(values, typical[labels])
    assert all(len(set(column)) == 5 for column in typical.T.tolist())


def test_noise_is_the_share_of_values_drawn_at_random() -> None:
    """Of those, one of six is the typical one by chance: within four standard errors."""
    values, labels = metadata(5000, noise=0.3, generator=torch.Generator().manual_seed(1))
    typical = torch.stack([values[labels == kind].mode(0).values for kind in range(5)])
    other = float((values != typical[labels]).float().mean())
    assert other == pytest.approx(0.3 * 5 / 6, abs=4 * (0.25 * 0.75 / 40000) ** 0.5)


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": 4, "values": 3}, {"n": 4, "noise": 1.5}])
def test_refusals(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        metadata(**wrong)  # type: ignore[arg-type]
