"""The report names the places at which spikes vanish, and no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

import spikeloom as sl


def chain(weight: float, layers: int) -> nn.Sequential:
    """Each layer multiplies by the weight."""
    parts: list[nn.Module] = []
    for _ in range(layers):
        linear = nn.Linear(2, 2, bias=False)
        linear.weight.data = weight * torch.eye(2)
        parts += [linear, nn.ReLU()]
    return nn.Sequential(*parts, nn.Linear(2, 2)).requires_grad_(False)


def test_places_without_spikes_are_named(tmp_path: Path) -> None:
    """Of 16 steps with 0.31, 4 spikes are sent, then one for 4 * 0.31, then none."""
    model, x = chain(0.31, 4), torch.tensor([[1.0, 0.99], [0.97, 1.0]])
    fixed = sl.conversion.RateCode(sl.conversion.Fixed(1.0), start=0.0)
    found = sl.conversion.measure(sl.convert(model, x, fixed, steps=16), model, x)
    assert [site.spikes for site in found.sites] == pytest.approx([8.0, 2.0, 0.0, 0.0])
    assert [site.vanished for site in found.sites] == pytest.approx([0.0, 0.0, 1.0, 1.0])
    assert found.vanishing == [site.name for site in found.sites[2:]]
    found.save(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["vanishing"] == found.vanishing


def test_thresholds_from_activations_let_nothing_vanish() -> None:
    model, x = chain(0.31, 4), torch.tensor([[1.0, 0.99], [0.97, 1.0]])
    assert not sl.conversion.measure(sl.convert(model, x, "percentile", steps=16), model, x).vanishing


def test_activity_is_what_counts_not_the_number_of_neurons() -> None:
    """One of two neurons tells nine tenths of all."""
    model, x = chain(1.0, 1), torch.tensor([[0.9, 0.1], [0.9, 0.09999]])
    fixed = sl.conversion.RateCode(sl.conversion.Fixed(1.0), start=0.0)
    found = sl.conversion.measure(sl.convert(model, x, fixed, steps=4), model, x)
    assert found.sites[0].vanished == pytest.approx(0.1, abs=1e-3) and not found.vanishing


def test_a_place_without_activity_has_lost_nothing() -> None:
    model, x = chain(1.0, 1), torch.tensor([[0.9, 0.1], [0.9, 0.2]])
    spiking = sl.convert(model, x, steps=4)
    assert sl.conversion.measure(spiking, model, -x).sites[0].vanished == 0.0
