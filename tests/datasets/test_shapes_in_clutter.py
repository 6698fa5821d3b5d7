"""Shapes are where their boxes say, and what their labels say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from spikeloom.datasets import shapes_in_clutter
from spikeloom.errors import ParameterError


def clean(n: int, size: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    images, boxes, labels = shapes_in_clutter(
        n, size=size, strokes=0, noise=0.0, generator=torch.Generator().manual_seed(1)
    )
    return images[:, 0], boxes, labels


def test_boxes_are_the_extents_of_shapes() -> None:
    """Pixels whose middle is inside: at most half a pixel less on each side, and nothing outside of any box."""
    images, boxes, labels = clean(60, 96)
    outside = images.clone()
    for number, place in (labels >= 0).nonzero().tolist():
        x0, y0, x1, y1 = boxes[number, place].tolist()
        part = images[number, max(round(y0), 0) : round(y1), max(round(x0), 0) : round(x1)]
        # The edge of a disc is round.
        assert part[part.shape[0] // 2, 1:-1].gt(0).all() and part[1:-1, part.shape[1] // 2].gt(0).all()
        outside[number, int(y0) : int(y1) + 1, int(x0) : int(x1) + 1] = 0.0
    assert float(outside.max()) == 0.0


@pytest.mark.parametrize(("label", "share"), [(0, torch.pi / 4), (1, 1.0), (2, 5 / 9)])
def test_kinds_fill_their_share_of_the_box(label: int, share: float) -> None:
    images, boxes, labels = clean(400)
    alone = (labels >= 0).sum(1) == 1
    rows, places = ((labels == label) & alone[:, None]).nonzero(as_tuple=True)
    sides = boxes[rows, places, 2:] - boxes[rows, places, :2]
    filled = (images[rows] > 0).sum((1, 2)) / sides.prod(1)
    assert float(filled.mean()) == pytest.approx(share, rel=0.05)


def test_shapes_do_not_overlap_and_there_are_one_to_three() -> None:
    _, boxes, labels = clean(200)
    assert set((labels >= 0).sum(1).tolist()) == {1, 2, 3} and set(labels.unique().tolist()) == {-1, 0, 1, 2}
    quarters = (((boxes[..., :2] + boxes[..., 2:]) / 2) >= 32).long()
    here = labels >= 0
    for place in range(4):
        assert (quarters[:, place][here[:, place]] == torch.tensor([place % 2, place // 2])).all()
    assert float(boxes.min()) >= 0.0 and float(boxes.max()) <= 64.0 and not boxes[~here].any()


def test_strokes_are_behind_shapes_and_seeds_repeat() -> None:
    drawn = [shapes_in_clutter(20, generator=torch.Generator().manual_seed(seed)) for seed in (2, 2, 3)]
    assert all(torch.equal(a, b) for a, b in zip(drawn[0], drawn[1], strict=True))
    assert not torch.equal(drawn[0].images, drawn[2].images)
    assert float(drawn[0].images.min()) == 0.0 and 0.9 < float(drawn[0].images.max()) <= 1.0


def test_bad_input() -> None:
    for wrong in ({"n": 0}, {"n": 1, "size": 8}, {"n": 1, "strokes": -1}, {"n": 1, "noise": float("nan")}):
        with pytest.raises(ParameterError, match="shapes_in_clutter"):
            shapes_in_clutter(**wrong)  # type: ignore[arg-type]
