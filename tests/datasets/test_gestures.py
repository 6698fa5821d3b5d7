"""Synthetic gestures."""

from __future__ import annotations

import pytest
import torch

from spikeloom.datasets import gestures
from spikeloom.datasets.gestures import GESTURES
from spikeloom.errors import ParameterError


def test_bars_move_as_their_names_say() -> None:
    videos, labels = gestures(200, generator=torch.Generator().manual_seed(0))
    mass = (videos.exp() - 1.5).clamp(min=0.0)
    at = torch.arange(32.0)
    # Around half-way, when all of the bar is to be seen.
    total = mass.sum((2, 3))[10:14]
    right = (mass[10:14].sum(2) * at).sum(2) / total
    down = (mass[10:14].sum(3) * at).sum(2) / total
    way = torch.stack([right[-1] - right[0], down[0] - down[-1]])
    found = (torch.atan2(way[1], way[0]) / (torch.pi / 4)).round().long() % 8
    moves = labels < 8
    assert torch.equal(found[moves], labels[moves])
    # Twice the picture in 23 steps; what turns stays.
    assert torch.allclose(way.norm(dim=0)[moves], torch.tensor(3 * 64 / 23), atol=1.0)
    assert float(way.norm(dim=0)[~moves].max()) < 0.5
    assert GESTURES[0] == "right" and GESTURES[2] == "up"


def test_moving_bars_come_and_leave() -> None:
    videos, labels = gestures(200, generator=torch.Generator().manual_seed(0))
    moves = labels < 8
    assert float((videos[0] - videos[-1])[moves].abs().max()) < 0.05
    assert float((videos[12] - videos[0])[moves].amax((1, 2)).min()) > 1.0


def test_bars_turn_as_their_names_say() -> None:
    videos, labels = gestures(200, generator=torch.Generator().manual_seed(2))
    mass = (videos.exp() - 1.5).clamp(min=0.0)
    at = torch.arange(32.0)

    def angle(step: int) -> torch.Tensor:
        """Of the bar, up being positive, from second moments."""
        m = mass[step] / mass[step].sum((1, 2), keepdim=True)
        x, y = at - (m.sum(1) * at).sum(1).view(-1, 1), -(at - (m.sum(2) * at).sum(1).view(-1, 1))
        products = (m * y.unsqueeze(2) * x.unsqueeze(1)).sum((1, 2))
        return torch.atan2(2 * products, (m.sum(1) * x**2).sum(1) - (m.sum(2) * y**2).sum(1)) / 2

    turned = (angle(13) - angle(10) + torch.pi / 2) % torch.pi - torch.pi / 2
    assert bool((turned[labels == 8] > 0.3).all()) and bool((turned[labels == 9] < -0.3).all())


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
