"""Synthetic gestures."""

from __future__ import annotations

import pytest
import torch

from spikeloom.datasets import gestures
from spikeloom.datasets.gestures import GESTURES
from spikeloom.errors import ParameterError


def test_bars_move_as_their_names_say() -> None:
    videos, labels = gestures(200, generator=torch.Generator().manual_seed(0))
    bright = videos.exp() - 1.06
    at = torch.arange(32.0)
    mass = bright.clamp(min=0.5) - 0.5
    total = mass.sum((2, 3))
    right = (mass.sum(2) * at).sum(2) / total
    down = (mass.sum(3) * at).sum(2) / total
    way = torch.stack([right[-1] - right[0], down[0] - down[-1]])
    found = (torch.atan2(way[1], way[0]) / (torch.pi / 4)).round().long() % 8
    moves = labels < 8
    assert torch.equal(found[moves], labels[moves])
    # 0.4 of 32 pixels; what turns stays.
    assert torch.allclose(way.norm(dim=0)[moves], torch.tensor(12.8), atol=1.5)
    assert float(way.norm(dim=0)[~moves].max()) < 1.5
    assert GESTURES[0] == "right" and GESTURES[2] == "up"


def test_opposite_gestures_differ_in_order_only() -> None:
    # Of one bar the video that turns back is the other gesture: the same pictures from the last to the first.
    ways = [gestures(10, generator=torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(ways[0][0], ways[1][0]) and torch.equal(ways[0][1], ways[1][1])
    videos, labels = ways[0]
    assert sorted(labels.tolist()) == list(range(10))
    assert videos.shape == (24, 10, 32, 32)


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ParameterError, match="steps of gestures"):
        gestures(10, steps=0)
