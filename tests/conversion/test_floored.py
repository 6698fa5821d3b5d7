"""Potentials that never fall below 0."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import spikeloom as sl
from spikeloom.errors import ParameterError


def test_inhibition_beyond_zero_is_lost() -> None:
    model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.ReLU())
    model[0].weight.data = torch.tensor([[1.0, -1.0]])
    x = torch.zeros(8, 1, 2)
    # Four spikes that inhibit, then four that excite.
    x[:4, 0, 1] = x[4:, 0, 0] = 1.0
    method = sl.conversion.RateCode(sl.conversion.Maximum(), start=0.0, floored=True)
    floored = sl.convert(model, torch.eye(2), method)
    plain = sl.convert(model, torch.eye(2), "layer-wise")
    assert floored(x, encoded=True).item() == pytest.approx(0.5)
    assert plain(x, encoded=True).item() == 0.0


def test_nothing_changes_where_potentials_stay_above_zero() -> None:
    model, x = nn.Sequential(nn.Linear(5, 7), nn.ReLU()), torch.rand(30, 5)
    model[0].weight.data.abs_()
    model[0].bias.data.abs_()
    for hard in (False, True):
        plain, floored = (
            sl.convert(model, x, sl.conversion.RateCode(hard_reset=hard, floored=on), steps=20) for on in (False, True)
        )
        assert torch.equal(plain(x), floored(x))


def test_floored_is_refused_where_spikes_are_taken_back() -> None:
    with pytest.raises(ParameterError, match=r"RateCode\.floored.*taken back"):
        sl.conversion.RateCode(spikes="ternary", floored=True)
