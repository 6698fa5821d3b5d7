"""Loss and accuracy over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spikeloom.report._figure import BLUE, ORANGE, new_figure, tidy
from spikeloom.training import EpochMetrics


def draw_learning_curve(history: Sequence[EpochMetrics]) -> Any:
    """A figure with two panels: cross-entropy and accuracy, of training (augmented, with dropout) and of test images.

    >>> figure = draw_learning_curve([EpochMetrics(1, 1.0, 0.7, 0.8, 0.75, 1e-3, 2.0)])
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['epoch', 'epoch']
    """
    figure = new_figure(9.0, 3.6)
    loss, accuracy = figure.subplots(1, 2)
    epochs = [row.epoch for row in history]
    _curve(loss, epochs, [row.train_loss for row in history], [row.test_loss for row in history])
    tidy(loss, title="Loss", xlabel="epoch", ylabel="cross-entropy (nats)")
    loss.set_ylim(bottom=0.0)
    loss.legend(fontsize=9, frameon=False)
    test = [100 * row.test_accuracy for row in history]
    _curve(accuracy, epochs, [100 * row.train_accuracy for row in history], test)
    tidy(accuracy, title=f"Accuracy: {test[-1]:.2f} % of test images at the end", xlabel="epoch", ylabel="accuracy (%)")
    accuracy.set_ylim(*_accuracy_limits(history))
    for axes in (loss, accuracy):
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlim(0.5, max(epochs) + 0.5)
    return figure


def _curve(axes: Any, epochs: list[int], train: list[float], test: list[float]) -> None:
    axes.plot(epochs, train, color=ORANGE, linestyle="--", linewidth=1.6, marker="o", markersize=3, label="training")
    axes.plot(epochs, test, color=BLUE, linewidth=1.8, marker="s", markersize=3, label="test")


def _accuracy_limits(history: Sequence[EpochMetrics]) -> tuple[float, float]:
    """Cut the axis where nothing happens, but leave the worst of the later epochs visible."""
    later = history[1:] or history
    lowest = 100 * min(min(row.train_accuracy, row.test_accuracy) for row in later)
    span = max(100.0 - lowest, 2.0)
    return max(lowest - 0.1 * span, 0.0), 100.0 + 0.04 * span
