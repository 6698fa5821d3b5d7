"""A ReLU network that has learnt the digits of scikit-learn, and the digits, for recipes that train it further."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

import spikeloom as sl


@dataclass(frozen=True)
class Digits:
    """Training and test digits [n, 64] in [0, 1]."""

    inputs: Tensor
    labels: Tensor
    test: Tensor
    answers: Tensor

    @torch.no_grad()
    def accuracy(self, net: nn.Module) -> float:
        """Share of test digits that a network gets right."""
        return float((net(self.test).argmax(1) == self.answers).double().mean())


def digits() -> Digits:
    data = sl.datasets.digits()
    x, u = (part.inputs().flatten(1) for part in (data.train, data.test))
    return Digits(x, data.train.labels, u, data.test.labels)


def perceptron(seed: int, *, bias: bool = True) -> nn.Sequential:
    """Two hidden layers of rectified linear units, not trained."""
    torch.manual_seed(seed)
    sizes = (64, 128, 64, 10)
    linear = [nn.Linear(a, b, bias=bias) for a, b in pairwise(sizes)]
    return nn.Sequential(linear[0], nn.ReLU(), linear[1], nn.ReLU(), linear[2])


def trained(found: Digits, seed: int, *, bias: bool = True, epochs: int = 20) -> nn.Sequential:
    """The same after some passes of Adam."""
    model = perceptron(seed, bias=bias)
    optimiser = torch.optim.Adam(model.parameters(), lr=4e-3, weight_decay=1e-4)
    for _ in range(epochs):
        for rows in torch.split(torch.randperm(len(found.inputs)), 64):
            loss = nn.functional.cross_entropy(model(found.inputs[rows]), found.labels[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return model.eval()
