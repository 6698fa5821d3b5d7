"""Rank order: which pixel is darker than which tells digits apart, whatever the contrast."""

from __future__ import annotations

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting


class RankOrderDigits(Recipe):
    row, family = "E06", "encodings"
    title = "Digits by the order of spikes"
    reference = Reference(
        "Thorpe and Gautrais", 1998, "Rank order coding", "Computational Neuroscience: Trends in Research, 113-118"
    )
    claim = (
        "A neuron whose weights fall with the rank of each input knows a stimulus by the order of first spikes alone: "
        "one spike for each input, and no change of contrast matters."
    )
    shown = (
        "One template for each class, the mean of modulation^rank over the training digits of scikit-learn, and the "
        "nearest one for a test digit. In the control the same pixels fire in a random order."
    )
    chance, control = 0.1, "accuracy, order mixed"

    modulation: float = setting(0.95, "factor from one rank to the next", at_least=0.01, at_most=1.0)
    digits: int = setting(1200, "training digits", at_least=10, at_most=1437)

    quick = Form(
        Bar(
            "accuracy", at_least=0.88, why="0.898 in a NumPy program written apart, less a standard error of 360 digits"
        ),
        Bar("accuracy with half the contrast", at_least=0.88, why="the order is the same, so must be the answer"),
        Bar("answers that contrast changes", at_most=0.0, why="no order changes under a rising function"),
    )
    full = Form(*quick.bars, seeds=range(10))

    def measure(self, run: Run) -> Figures:
        data = sl.datasets.digits()
        chosen = torch.randperm(len(data.train), generator=run.generator)[: self.digits]
        images, labels = data.train.inputs()[chosen].flatten(1), data.train.labels[chosen]
        shown, right = data.test.inputs().flatten(1), data.test.labels

        def answers(test: Tensor, mixed: bool = False) -> Tensor:
            weights = torch.stack([self.ranks(images[labels == c]).mean(0) for c in range(10)])
            ranks = self.ranks(test)
            if mixed:
                ranks = torch.stack([self.mixed(row, run.generator) for row in ranks])
            return sl.coding.nearest_template(ranks, weights).argmax(1)

        plain, dim = answers(shown), answers(0.5 * shown.sqrt())
        run.draw("templates", lambda axes: axes.imshow(self.picture(images, labels), cmap="viridis"), height=1.4)
        return {
            "accuracy": (plain == right).float().mean().item(),
            "accuracy, order mixed": (answers(shown, mixed=True) == right).float().mean().item(),
            "accuracy with half the contrast": (dim == right).float().mean().item(),
            "answers that contrast changes": (plain != dim).sum().item(),
        }

    def ranks(self, images: Tensor) -> Tensor:
        """modulation^rank of each pixel."""
        return sl.coding.rank_weights(sl.coding.rank_order(images, steps=64), modulation=self.modulation)

    @staticmethod
    def mixed(ranks: Tensor, generator: torch.Generator) -> Tensor:
        """The same pixels fire, in another order."""
        fired = ranks.nonzero().squeeze(1)
        return ranks.index_copy(0, fired, ranks[fired[torch.randperm(len(fired), generator=generator)]])

    def picture(self, images: Tensor, labels: Tensor) -> Tensor:
        """The templates side by side."""
        return torch.cat([self.ranks(images[labels == c]).mean(0).view(8, 8) for c in range(10)], dim=1)
