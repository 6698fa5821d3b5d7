"""Measure a trained classifier on images it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spikeloom.coding import mean_potential
from spikeloom.datasets import Split
from spikeloom.training.configuration import TrainingConfig
from spikeloom.training.encoding import encode
from spikeloom.training.losses import mean_potential_cross_entropy
from spikeloom.training.metrics import accuracy

_BATCH = 500


@dataclass(frozen=True)
class Evaluation:
    """Predictions beside the truth: `scores` is [N, classes] (output averaged over time), `labels` is [N]."""

    loss: float
    scores: Tensor
    labels: Tensor

    @property
    def predictions(self) -> Tensor:
        return self.scores.argmax(1)

    @property
    def accuracy(self) -> float:
        return accuracy(self.scores, self.labels)


@torch.no_grad()
def evaluate(model: nn.Module, split: Split, *, config: TrainingConfig) -> Evaluation:
    """Run all images of a split through the network in evaluation mode; the mode is put back afterwards.

    >>> import spikeloom as sl
    >>> model = sl.nn.Sequential(nn.Flatten(), nn.Linear(64, 10), sl.LeakyIntegrator())
    >>> evaluate(model, sl.datasets.load("digits").test, config=TrainingConfig()).scores.shape
    torch.Size([360, 10])
    """
    was_training = model.training
    model.eval()
    try:
        return _measure(model, split, config)
    finally:
        model.train(was_training)


def _measure(model: nn.Module, split: Split, config: TrainingConfig) -> Evaluation:
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    # A generator of its own: measuring must not disturb the course of training.
    generator = torch.Generator().manual_seed(config.seed)
    scores, total = [], 0.0
    for start in range(0, len(split), _BATCH):
        images, labels = split[start : start + _BATCH]
        outputs = model(encode(images.to(device), config.encoder, steps=config.steps, generator=generator))
        total += mean_potential_cross_entropy(outputs, labels.to(device)).item() * len(labels)
        scores.append(mean_potential(outputs).cpu())
    return Evaluation(total / max(len(split), 1), torch.cat(scores), split.labels)
