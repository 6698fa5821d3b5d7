"""Synthetic heart beats: kinds differ by what they are said to differ by."""

from __future__ import annotations

import pytest
import torch

from spikeloom.datasets import heart_beats
from spikeloom.errors import ParameterError

# Samples of 5 ms after 0.3 s before the R peak.
P_WAVE, R_PEAK = 26, 60


def test_waves_are_where_they_should_be() -> None:
    signals, labels = heart_beats(4000, noise=0.0, generator=torch.Generator().manual_seed(0))
    assert labels.bincount().tolist() == [1000] * 4
    mean = torch.stack([signals[labels == kind].mean(0) for kind in range(4)])
    p_wave = mean[:, P_WAVE] - mean[:, 0]
    assert float(p_wave[0]) == pytest.approx(0.15, abs=0.02)
    assert abs(float(p_wave[1])) < 0.02 and abs(float(p_wave[3])) < 0.02
    width = (mean > mean[:, R_PEAK : R_PEAK + 1] / 2).sum(1)
    assert int(width[1]) > 2 * int(width[0])
    # A premature beat begins in the T wave before it.
    assert float(mean[2, 5]) > 0.2 > 0.05 > float(mean[0, 5])


def test_same_generator_same_beats() -> None:
    first, second = (heart_beats(6, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
    assert not torch.equal(first[0], heart_beats(6, generator=torch.Generator().manual_seed(4))[0])


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": 4, "noise": -1.0}, {"n": 4, "spread": float("nan")}])
def test_refusals(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        heart_beats(**wrong)  # type: ignore[arg-type]
