"""Boxes, non-maximum suppression and average precision against closed forms and by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from spikeloom.errors import ParameterError, ShapeError
from spikeloom.training import Detections, average_precision, best_boxes, box_overlap

BOX = torch.tensor([[0.0, 0.0, 2.0, 2.0]])


def found(boxes: Tensor, scores: list[float], labels: list[int] | None = None) -> Detections:
    return Detections(boxes, torch.tensor(scores), torch.tensor(labels or [0] * len(scores), dtype=torch.int64))


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
def test_overlap_of_shifted_squares(shift: float) -> None:
    """Of two squares of width 2: (2 - d) / (2 + d)."""
    other = BOX + torch.tensor([shift, 0.0, shift, 0.0])
    assert float(box_overlap(BOX, other)) == pytest.approx(max(2 - shift, 0) / (2 + shift))


def test_overlap_counts_pixels() -> None:
    corners = torch.randint(0, 12, (30, 2, 2))
    boxes = torch.cat([corners.amin(1), corners.amax(1)], 1)
    at = torch.arange(12)
    inside = torch.stack(
        [
            ((at >= x0) & (at < x1))[None, :] & ((at >= y0) & (at < y1))[:, None]
            for x0, y0, x1, y1 in boxes.tolist()
        ]
    ).flatten(1).double()  # fmt: skip
    shared = inside @ inside.T
    union = inside.sum(1)[:, None] + inside.sum(1)[None] - shared
    wanted = torch.where(union > 0, shared / union.clamp(min=1), torch.zeros_like(union))
    torch.testing.assert_close(box_overlap(boxes.double(), boxes.double()), wanted)


def test_only_what_stays_suppresses() -> None:
    """The second overlaps with the first and goes; the third overlaps with the second alone and stays."""
    boxes = torch.tensor([[0.0, 0.0, 4.0, 1.0], [1.0, 0.0, 5.0, 1.0], [2.0, 0.0, 6.0, 1.0]])
    kept = best_boxes(found(boxes, [0.9, 0.8, 0.7]), overlap=0.5)
    assert kept.scores.tolist() == pytest.approx([0.9, 0.7])
    assert len(best_boxes(found(boxes, [0.9, 0.8, 0.7], [0, 1, 2])).scores) == 3
    assert len(best_boxes(found(boxes[:0], [])).scores) == 0


def far(count: int) -> Tensor:
    """Boxes that do not overlap."""
    return BOX + 10.0 * torch.arange(count)[:, None]


def test_average_precision_of_all_and_none() -> None:
    boxes, labels = [far(3)], [torch.tensor([0, 1, 1])]
    assert average_precision([found(far(3), [0.9, 0.1, 0.5], [0, 1, 1])], boxes, labels) == 1.0
    assert average_precision([found(far(3) + 5, [0.9, 0.1, 0.5], [0, 1, 1])], boxes, labels) == 0.0
    assert average_precision([found(far(0), [])], boxes, labels) == 0.0
    # One of two classes is never found.
    assert average_precision([found(far(1), [0.9])], boxes, labels) == 0.5


def test_average_precision_by_hand() -> None:
    """Right, wrong, right, wrong, of four: precision 1 to recall 1/4, then 2/3 to 1/2, then 0."""
    boxes, labels = [far(4)], [torch.zeros(4, dtype=torch.int64)]
    told = torch.cat([far(1), far(1) + 5, far(2)[1:], far(2)[1:] + 5])
    ap = average_precision([found(told, [0.9, 0.8, 0.7, 0.6])], boxes, labels)
    assert ap == pytest.approx(0.25 + 0.25 * 2 / 3)
    # What comes last takes nothing away, and precision is the highest at this recall or a higher one.
    told = torch.cat([far(1) + 5, far(3)])
    ap = average_precision([found(told, [0.9, 0.8, 0.7, 0.6])], boxes, labels)
    assert ap == pytest.approx(0.75 * 0.75)


def test_a_box_is_found_once_and_by_the_better_detection() -> None:
    boxes, labels = [BOX, BOX], [torch.tensor([0]), torch.tensor([0])]
    twice = found(torch.cat([BOX + 0.1, BOX]), [0.9, 0.8])
    ap = average_precision([twice, found(BOX, [0.1])], boxes, labels)
    assert ap == pytest.approx(0.5 + 0.5 * 2 / 3)
    loose = found(BOX + torch.tensor([1.0, 0.0, 1.0, 0.0]), [0.9])
    assert average_precision([loose], [BOX], [torch.tensor([0])], overlap=0.33) == 1.0
    assert average_precision([loose], [BOX], [torch.tensor([0])], overlap=0.34) == 0.0


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match=r"\[boxes, 4\]"):
        box_overlap(BOX[0], BOX)
    with pytest.raises(ShapeError, match="scores"):
        best_boxes(found(BOX, [0.1, 0.2]))
    with pytest.raises(ParameterError, match="overlap"):
        best_boxes(found(BOX, [0.1]), overlap=1.5)
    with pytest.raises(ShapeError, match="as many images"):
        average_precision([found(BOX, [0.1])], [], [])
    with pytest.raises(ParameterError, match="at least one"):
        average_precision([found(BOX, [0.1])], [far(0)], [torch.tensor([], dtype=torch.int64)])
