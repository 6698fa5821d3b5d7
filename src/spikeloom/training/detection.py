"""Detection: overlap of boxes, the best of those that overlap, and average precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from spikeloom.errors import ParameterError, ShapeError


class Detections(NamedTuple):
    """Of one image: boxes [n, 4] as left, top, right, bottom, their scores [n] and classes [n]."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor


def box_overlap(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of each of n boxes with each of m: [n, 4], [m, 4] -> [n, m].

    Boxes are left, top, right, bottom. Boxes without an area overlap with none.
    Raises: ShapeError.

    >>> box_overlap(torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0], [0.0, 0.0, 2.0, 2.0]]))
    tensor([[0.3333, 1.0000]])
    """
    for name, boxes in (("a", a), ("b", b)):
        if boxes.dim() != 2 or boxes.shape[1] != 4:
            raise ShapeError(f"boxes {name}", expected="[boxes, 4]", got=f"shape {tuple(boxes.shape)}")
    low, high = torch.maximum(a[:, None, :2], b[None, :, :2]), torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(2)
    union = _area(a)[:, None] + _area(b)[None] - shared
    return torch.where(union > 0, shared / union.clamp(min=torch.finfo(union.dtype).tiny), torch.zeros_like(union))


def best_boxes(found: Detections, *, overlap: float = 0.5) -> Detections:
    """Non-maximum suppression: of boxes of one class that overlap by more, the one with the highest score.

    From the highest score down, a box stays unless it overlaps by more than `overlap` with one of its class that
    stays. Raises: ShapeError, ParameterError unless 0 <= overlap <= 1.

    >>> boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.1], [5.0, 5.0, 6.0, 6.0]])
    >>> best_boxes(Detections(boxes, torch.tensor([0.5, 0.9, 0.2]), torch.tensor([1, 1, 1]))).scores
    tensor([0.9000, 0.2000])
    """
    _check(found, overlap)
    order = found.scores.argsort(descending=True, stable=True)
    boxes, labels = found.boxes[order], found.labels[order]
    clash = (box_overlap(boxes, boxes) > overlap) & (labels[:, None] == labels[None])
    kept = torch.ones(len(order), dtype=torch.bool)
    for place in range(len(order)):
        if kept[place]:
            kept[place + 1 :] &= ~clash[place, place + 1 :]
    chosen = order[kept]
    return Detections(found.boxes[chosen], found.scores[chosen], found.labels[chosen])


def average_precision(
    found: Sequence[Detections], boxes: Sequence[Tensor], labels: Sequence[Tensor], *, overlap: float = 0.5
) -> float:
    """The area under precision over recall, in the mean over classes that occur; AP50 with an overlap of 0.5.

    From the highest score down, over all images, a detection is right if the box of its class with which it overlaps
    most does so by `overlap` and has not been found before. Precision at a recall is the highest at this or a higher
    one; a recall that is never reached counts as 0. `boxes` [n, 4] and `labels` [n] are those of each image.
    Raises: ShapeError, ParameterError unless 0 <= overlap <= 1 and some box is to be found.
    Source: Everingham, Van Gool, Williams, Winn and Zisserman 2010, "The Pascal visual object classes (VOC) challenge",
    International Journal of Computer Vision 88:303-338, section 4.2; area under all points, as from 2010 on.

    >>> box = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    >>> wrong = Detections(box + 5, torch.tensor([0.9]), torch.tensor([0]))
    >>> right = Detections(box, torch.tensor([0.5]), torch.tensor([0]))
    >>> average_precision([wrong, right], [box, box], [torch.tensor([0]), torch.tensor([0])])
    0.25
    """
    if not len(found) == len(boxes) == len(labels):
        got = f"{len(found)}, {len(boxes)} and {len(labels)}"
        raise ShapeError("average_precision", expected="detections, boxes and labels of as many images", got=got)
    for each, wanted, kinds in zip(found, boxes, labels, strict=True):
        _check(each, overlap)
        _check(Detections(wanted, kinds, kinds), overlap)
    classes = sorted({int(kind) for kinds in labels for kind in kinds})
    if not classes:
        raise ParameterError("boxes of average_precision", expected="at least one", got="none")
    return sum(_of_class(found, boxes, labels, kind, overlap) for kind in classes) / len(classes)


def _of_class(
    found: Sequence[Detections], boxes: Sequence[Tensor], labels: Sequence[Tensor], kind: int, overlap: float
) -> float:
    scores, right, total = [], [], 0
    for each, wanted, kinds in zip(found, boxes, labels, strict=True):
        mine, theirs = each.labels == kind, wanted[kinds == kind]
        total += len(theirs)
        order = each.scores[mine].argsort(descending=True, stable=True)
        scores.append(each.scores[mine][order])
        right.append(_right(each.boxes[mine][order], theirs, overlap))
    every = torch.cat(scores).argsort(descending=True, stable=True)
    hits = torch.cat(right)[every].double()
    recall, precision = hits.cumsum(0) / total, hits.cumsum(0) / torch.arange(1, len(hits) + 1)
    # The highest at this recall or above.
    precision = precision.flip(0).cummax(0).values.flip(0)
    gained = torch.diff(recall, prepend=torch.zeros(1, dtype=recall.dtype))
    return float((gained * precision).sum())


def _right(boxes: Tensor, wanted: Tensor, overlap: float) -> Tensor:
    """Which boxes, in the order of their scores, are the first to find one of those that are wanted."""
    result = torch.zeros(len(boxes), dtype=torch.bool)
    if not len(boxes) or not len(wanted):
        return result
    most, which = box_overlap(boxes, wanted).max(1)
    seen = set[int]()
    for place, target in enumerate(which.tolist()):
        if float(most[place]) >= overlap and target not in seen:
            seen.add(target)
            result[place] = True
    return result


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)


def _check(found: Detections, overlap: float) -> None:
    boxes, scores, labels = found
    if boxes.dim() != 2 or boxes.shape[1:] != (4,) or not boxes.shape[:1] == scores.shape == labels.shape:
        got = f"{list(boxes.shape)}, {list(scores.shape)}, {list(labels.shape)}"
        raise ShapeError("detections", expected="boxes [n, 4], scores [n] and labels [n]", got=got)
    if not 0.0 <= overlap <= 1.0:
        raise ParameterError("overlap of boxes", expected="a share, 0 <= overlap <= 1", got=overlap)
