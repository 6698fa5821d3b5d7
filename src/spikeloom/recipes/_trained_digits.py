"""Rectifier networks trained on the digits of scikit-learn, which recipes of conversion begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

import spikeloom as sl

if TYPE_CHECKING:
    from spikeloom.conversion import Converted


class TrainedDigits(NamedTuple):
    """A perceptron, inputs [n, 64] in [0, 1] for training and test, the labels of the test, and its accuracy there."""

    model: nn.Sequential
    seen: Tensor
    shown: Tensor
    labels: Tensor
    accuracy: float

    def share(self, outputs: Tensor) -> float:
        """The share of test digits that outputs [n, 10] tell."""
        return float((outputs.argmax(1) == self.labels).double().mean())


def trained_digits(*hidden: int, seed: int, epochs: int = 25) -> TrainedDigits:
    """64-hidden-10, trained by Adam in batches of 48 with weight decay."""
    data = sl.datasets.digits()
    x, y = data.train.inputs().flatten(1), data.train.labels
    generator = torch.Generator().manual_seed(seed)
    layers: list[nn.Module] = []
    for before, after in zip((64, *hidden), (*hidden, 10), strict=True):
        layers += [nn.Linear(before, after), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    for layer in model:
        if isinstance(layer, nn.Linear):
            layer.weight.data = torch.randn(layer.weight.shape, generator=generator) * (2 / layer.in_features) ** 0.5
            layer.bias.data.zero_()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    for _ in range(epochs):
        for some in torch.split(torch.randperm(len(x), generator=generator), 48):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[some]), y[some])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    model.eval().requires_grad_(False)
    shown, labels = data.test.inputs().flatten(1), data.test.labels
    right = float((model(shown).argmax(1) == labels).double().mean())
    return TrainedDigits(model, x, shown, labels, right)


def run_and_count(net: Converted, x: Tensor, *, encoded: bool = False) -> tuple[Tensor, float, int]:
    """The mean output, spikes for an input, and the most that one neuron sends; x is [n, 64], or [T, n, 64] encoded."""
    from spikeloom.conversion._sites import Site

    counts: list[Tensor] = []

    def watch(node: object, site: nn.Module, i: Tensor) -> None:
        assert isinstance(site, Site)
        s = site.spikes(i)
        counts.append(((s != 0) if site.weighted else s.abs()).sum(0).flatten(1))

    y = net.sequence(x, encoded=encoded, watch=watch).mean(0)
    each = torch.cat(counts, 1)
    return y, float(each.sum(1).double().mean()), int(each.max())
