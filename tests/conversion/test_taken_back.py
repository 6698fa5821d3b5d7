"""Ternary and augmented spikes: when a spike is taken back."""

from __future__ import annotations

import pytest
import torch

import spikeloom as sl
from spikeloom.conversion import RateCode
from spikeloom.conversion._operations import Kind, Operation
from spikeloom.errors import ParameterError


def spikes(*x: float, **given: object) -> list[float]:
    method = RateCode(start=0.0, **given)  # type: ignore[arg-type]
    site = method.site(Operation(Kind.RECTIFIER), torch.tensor(2.0), len(x))
    return site.spikes(2.0 * torch.tensor(x).view(-1, 1, 1)).flatten().tolist()  # type: ignore[no-any-return]


def test_a_negative_threshold_waits_for_a_whole_spike() -> None:
    x = (1.0, -0.5, -0.4, -0.2, 0.3, -0.4)
    assert spikes(*x, spikes="ternary") == [1.0, -1.0, 0.0, 0.0, 0.0, 0.0]
    # By hand: potentials 0 (after the spike), -0.5, -0.9, -1.1 (taken back, -0.1), 0.2, -0.2.
    assert spikes(*x, spikes="ternary", v_neg=1.0) == [1.0, 0.0, 0.0, -1.0, 0.0, 0.0]


def test_augmented_spikes_are_cut_towards_zero() -> None:
    assert spikes(3.5, -2.75, 0.5, spikes="augmented", v_neg=1.0) == [3.0, -2.0, 0.0]
    assert spikes(1.5, -9.5, spikes="augmented", v_neg=1.0) == [1.0, -1.0]


@pytest.mark.parametrize("kind", ["ternary", "augmented"])
def test_what_is_sent_is_never_below_zero(kind: str) -> None:
    x = torch.randn(200, generator=torch.Generator().manual_seed(0))
    sums = torch.tensor(spikes(*x.tolist(), spikes=kind, v_neg=1.0)).cumsum(0)
    assert float(sums.min()) == 0.0 < float(sums.max())


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
def test_bad_thresholds(bad: float) -> None:
    with pytest.raises(ParameterError, match="v_neg"):
        sl.conversion.RateCode(v_neg=bad)
