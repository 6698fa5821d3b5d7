"""Cores that layers need, against counts by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import spikeloom as sl
from spikeloom.errors import ConversionError, ParameterError
from spikeloom.hardware import cores_of_layers


def test_a_perceptron_counted_by_hand() -> None:
    model = nn.Sequential(nn.Linear(784, 1200), nn.ReLU(), nn.Linear(1200, 1200), nn.ReLU(), nn.Linear(1200, 10))
    # 784 inputs are 4 parts of up to 256, 1200 are 5, 10 are 1: 4 x 5, 5 x 5 and 5 x 1.
    assert cores_of_layers(model) == {"0": 20, "2": 25, "4": 5}


def test_a_full_core_is_one() -> None:
    assert cores_of_layers(nn.Linear(256, 256)) == {"": 1}
    assert cores_of_layers(nn.Linear(257, 256)) == {"": 2}
    assert cores_of_layers(nn.Linear(256, 257)) == {"": 2}
    assert cores_of_layers(nn.Linear(100, 30), axons=10, neurons=7) == {"": 50}


def test_every_synapse_has_one_place() -> None:
    for inputs, outputs in ((1, 1), (300, 40), (513, 1025)):
        layer = nn.Linear(inputs, outputs, bias=False)
        places = sum(
            min(256, inputs - a) * min(256, outputs - b) for a in range(0, inputs, 256) for b in range(0, outputs, 256)
        )
        tiles = len(range(0, inputs, 256)) * len(range(0, outputs, 256))
        assert places == layer.weight.numel()
        assert cores_of_layers(layer) == {"": tiles}


def test_a_converted_network_needs_as_many() -> None:
    model = nn.Sequential(nn.Linear(6, 300), nn.ReLU(), nn.Linear(300, 3))
    assert cores_of_layers(sl.convert(model, torch.rand(20, 6), steps=4)) == cores_of_layers(model)


def test_other_layers_are_refused() -> None:
    with pytest.raises(ConversionError, match="0 \\(Conv2d\\)"):
        cores_of_layers(nn.Sequential(nn.Conv2d(1, 2, 3)))


@pytest.mark.parametrize("bad", [0, -1, 2.5, True])
def test_bad_sizes(bad: int) -> None:
    with pytest.raises(ParameterError, match="axons"):
        cores_of_layers(nn.Linear(2, 2), axons=bad)
    with pytest.raises(ParameterError, match="neurons"):
        cores_of_layers(nn.Linear(2, 2), neurons=bad)
