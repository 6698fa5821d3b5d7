"""Perceptrons that have learnt the digits of scikit-learn, with which recipes of conversion begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

import spikeloom as sl

if TYPE_CHECKING:
    from spikeloom.conversion import Converted


@dataclass(frozen=True)
class Digits:
    """Training and test digits, [n, 64] in [0, 1], and their labels."""

    inputs: Tensor
    labels: Tensor
    test: Tensor
    answers: Tensor

    @torch.no_grad()
    def accuracy(self, net: nn.Module | Tensor) -> float:
        """The share of test digits that a network, or outputs [n, 10], tell."""
        y = net if isinstance(net, Tensor) else net(self.test)
        return float((y.argmax(1) == self.answers).double().mean())


def digits() -> Digits:
    data = sl.datasets.digits()
    x, u = (part.inputs().flatten(1) for part in (data.train, data.test))
    return Digits(x, data.train.labels, u, data.test.labels)


def perceptron(
    *hidden: int, seed: int, bias: bool = True, activation: Callable[[], nn.Module] = nn.ReLU
) -> nn.Sequential:
    """64-hidden-10, 64-128-64-10 if nothing is said, not trained."""
    return _drawn(hidden, torch.Generator().manual_seed(seed), bias, activation)


def trained(
    found: Digits, *hidden: int, seed: int, bias: bool = True, activation: Callable[[], nn.Module] = nn.ReLU,
    epochs: int = 25,
) -> nn.Sequential:  # fmt: skip
    """The same, trained by Adam in batches of 48 with weight decay."""
    generator = torch.Generator().manual_seed(seed)
    model = _drawn(hidden, generator, bias, activation)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    for _ in range(epochs):
        for some in torch.split(torch.randperm(len(found.inputs), generator=generator), 48):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(found.inputs[some]), found.labels[some])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return model.eval().requires_grad_(False)


def _drawn(
    hidden: Sequence[int], generator: torch.Generator, bias: bool, activation: Callable[[], nn.Module]
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise((64, *(hidden or (128, 64)), 10)):
        layer = nn.Linear(before, after, bias=bias)
        layer.weight.data = torch.randn(layer.weight.shape, generator=generator) * (2 / before) ** 0.5
        if bias:
            layer.bias.data.zero_()
        layers += [layer, activation()]
    return nn.Sequential(*layers[:-1])


def run_and_count(net: Converted, x: Tensor, *, encoded: bool = False) -> tuple[Tensor, float, int]:
    """The mean output, spikes for an input, and the most that one neuron sends; x is [n, 64], or [T, n, 64] encoded."""
    counts = counted(net, x, encoded=encoded)
    each = torch.cat(list(counts.sites.values()), 1)
    return counts.output, float(each.sum(1).double().mean()), int(each.max())


@dataclass(frozen=True)
class Counts:
    """The mean output, [n, 10], and by place the spikes of each neuron, [n, neurons]."""

    output: Tensor
    sites: dict[str, Tensor]


def counted(net: Converted, x: Tensor, *, encoded: bool = False) -> Counts:
    from spikeloom.conversion._sites import Site

    sites: dict[str, Tensor] = {}

    def watch(node: object, site: nn.Module, i: Tensor) -> None:
        assert isinstance(site, Site)
        sites[str(node)] = site.events(i).sum(0).flatten(1)

    return Counts(net.sequence(x, encoded=encoded, watch=watch).mean(0), sites)
