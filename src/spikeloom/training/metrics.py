"""Metrics of a classifier: accuracy, by class, confusion, and how much it fires."""

from __future__ import annotations

import torch
from torch import Tensor

from spikeloom.errors import DTypeError, ParameterError, ShapeError


def confusion_matrix(scores: Tensor, labels: Tensor) -> Tensor:
    """How often class i (row) was taken for class j (column).

    Equation: M[i, j] = number of samples with label i whose largest score is j (the first of equal ones).
    Shapes: scores [batch, classes], labels int64 [batch] -> int64 [classes, classes].
    Raises: ShapeError, DTypeError, ParameterError (a label that is no class, NaN).

    >>> confusion_matrix(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1])).tolist()
    [[1, 0], [1, 0]]
    """
    _check(scores, labels)
    classes = scores.shape[1]
    cells = labels * classes + scores.argmax(1)
    return torch.bincount(cells, minlength=classes * classes).view(classes, classes)


def accuracy(scores: Tensor, labels: Tensor) -> float:
    """The fraction of samples whose largest score is at their label; NaN for no samples.

    Shapes, Raises: as `confusion_matrix`.

    >>> accuracy(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1]))
    0.5
    """
    matrix = confusion_matrix(scores, labels).double()
    return float(matrix.trace() / matrix.sum())


def class_accuracy(scores: Tensor, labels: Tensor) -> Tensor:
    """The accuracy among the samples of each class; NaN for a class without samples.

    Shapes: scores [batch, classes], labels int64 [batch] -> float64 [classes].
    Raises: as `confusion_matrix`.

    >>> class_accuracy(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1])).tolist()
    [1.0, 0.0]
    """
    matrix = confusion_matrix(scores, labels).double()
    return matrix.diagonal() / matrix.sum(1)


def spikes_per_sample(spikes: Tensor) -> Tensor:
    """The number of spikes that a layer fired for each sample.

    Shapes: spikes [time, batch, *features] -> float64 [batch].
    Raises: ShapeError.

    >>> spikes_per_sample(torch.ones(4, 2, 3)).tolist()
    [12.0, 12.0]
    """
    if spikes.ndim < 2:
        raise ShapeError("spikes", expected="[time, batch, *features]", got=f"shape {tuple(spikes.shape)}")
    others = [axis for axis in range(spikes.ndim) if axis != 1]
    return spikes.sum(others, dtype=torch.float64)


def _check(scores: Tensor, labels: Tensor) -> None:
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise ShapeError("scores", expected="[batch, classes]", got=f"shape {tuple(scores.shape)}")
    if labels.dtype != torch.int64:
        raise DTypeError("labels", expected="int64 class numbers", got=labels.dtype, do="use labels.long()")
    if labels.shape != scores.shape[:1]:
        expected = f"[{scores.shape[0]}], one per sample"
        raise ShapeError("labels", expected=expected, got=f"shape {tuple(labels.shape)}")
    if bool(scores.isnan().any()):
        raise ParameterError("scores", expected="numbers", got="NaN")
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < scores.shape[1]:
        got = f"{int(labels.min())} to {int(labels.max())}"
        raise ParameterError("labels", expected=f"class numbers 0 to {scores.shape[1] - 1}", got=got)
