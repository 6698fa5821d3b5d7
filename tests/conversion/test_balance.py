"""Thresholds from what spikes bring."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import Maximum, RateCode
from spikeloom.errors import ParameterError


def test_thresholds_are_the_largest_inputs_that_the_encoder_brings() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 5), nn.ReLU(), nn.Linear(5, 2)), torch.rand(30, 6)
    model.requires_grad_(False)
    spikes = (torch.rand(70, 30, 6) < x).float()

    def shown(given: Tensor) -> Tensor:
        assert torch.equal(given, x)
        return spikes

    method = RateCode(Maximum(), start=0.0, sequential=True, factor=0.7, encoder=shown)
    first, second = (float(site.scale) for site in sl.convert(model, x, method, steps=8).sites.values())
    currents = model[0](spikes)
    theta = 0.7 * float(currents.max())
    assert first == pytest.approx(theta, rel=1e-6)
    sent = theta * sl.IF(v_th=theta, soft_reset=True)(currents)
    assert second == pytest.approx(0.7 * float(model[2](sent).max()), rel=1e-5)


def test_ceilings_stay_thresholds() -> None:
    """Neurons saturate where the activation does, however large their input."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 9), nn.Hardtanh(0.0, 0.5), nn.Linear(9, 2)).requires_grad_(False)
    x = 4 * torch.rand(30, 6)
    assert float(model[0](x).max()) > 1.0
    (site,) = sl.convert(model, x, RateCode(Maximum(), sequential=True), steps=8).sites.values()
    assert float(site.scale) == 0.5


def test_an_encoder_is_for_sequential_thresholds() -> None:
    with pytest.raises(ParameterError, match="sequential"):
        RateCode(encoder=sl.coding.Poisson(8, max_rate=1000.0))
