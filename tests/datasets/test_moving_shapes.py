"""Moving shapes: as many events as edges sweep pixels, in as many directions as said, and noise as asked for."""

from __future__ import annotations

import math

import pytest
import torch

from spikeloom.datasets import moving_shapes
from spikeloom.errors import ParameterError


def test_a_square_tells_of_every_pixel_that_its_edges_sweep() -> None:
    generator = torch.Generator().manual_seed(0)
    events, labels = moving_shapes(400, speed=(50.0, 50.0), noise=0.0, generator=generator)
    assert labels.bincount().tolist() == [100] * 4
    # A square of 9 sweeps 9 (|dx| + |dy|) pixels on its way of 10, in any direction, with its front, and as many with
    # its back. Of each line of pixels half a pixel is lost: the last one may not have changed enough.
    expected = 2 * 9 * (10 * 4 / math.pi - 2 * 0.5)
    assert float(events[:, labels == 3].sum((0, 2, 3)).mean()) == pytest.approx(expected, rel=0.03)


def test_bars_have_events_along_their_long_side() -> None:
    events, labels = moving_shapes(200, noise=0.0, jitter=0.0, generator=torch.Generator().manual_seed(1))
    # Of pixels that tell an event, how many have a neighbour to the right, and how many one below, that does, too.
    right = (events[..., :-1] * events[..., 1:]).sum((0, 2, 3))
    below = (events[..., :-1, :] * events[..., 1:, :]).sum((0, 2, 3))
    assert float(right[labels == 0].sum()) > 3 * float(below[labels == 0].sum())
    assert float(below[labels == 1].sum()) > 3 * float(right[labels == 1].sum())


@pytest.mark.parametrize("noise", [0.1, 0.4])
def test_noise_is_a_share_of_all_events(noise: float) -> None:
    clean, noisy = (
        moving_shapes(80, noise=share, generator=torch.Generator().manual_seed(2))[0] for share in (0.0, noise)
    )
    assert bool((noisy >= clean).all())
    share = 1 - float(clean.sum() / noisy.sum())
    assert share == pytest.approx(noise, abs=0.02)


def test_same_generator_same_events() -> None:
    first, second, other = (moving_shapes(4, generator=torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("wrong", [{"n": 0}, {"noise": 1.0}, {"speed": (2.0, 1.0)}, {"size": 0}])
def test_refusals(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        moving_shapes(**{"n": 4} | wrong)  # type: ignore[arg-type]
