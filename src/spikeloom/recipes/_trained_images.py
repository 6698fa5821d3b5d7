"""Convolutional networks that have learnt images, with which recipes of conversion begin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes._trained_digits import Digits

if TYPE_CHECKING:
    from spikeloom.conversion import Converted

Track = Callable[[range], Iterable[int]]


def images(name: str = "digits", *, learnt: int = 60_000, tested: int = 10_000) -> Digits:
    """Images [n, 1, height, width] of a data set, at most so many."""
    data: Any = getattr(sl.datasets, name)(**({} if name == "digits" else {"download": False}))
    (x, y), (u, v) = data.train[:learnt], data.test[:tested]
    return Digits(x, y, u, v)


def convolutional(
    *channels: int, size: int, seed: int, bias: bool = True, pool: Callable[[int], nn.Module] = nn.AvgPool2d,
    norm: bool = False, activation: Callable[[], nn.Module] = nn.ReLU,
) -> nn.Sequential:  # fmt: skip
    """Convolutions of 3 x 3 with so many channels, 0 for a pool of 2 x 2, and one layer of weights; not trained."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    before = 1
    for now in channels:
        if not now:
            layers.append(pool(2))
            size //= 2
            continue
        layer = nn.Conv2d(before, now, 3, padding=1, bias=bias)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        layers += [layer, *([nn.BatchNorm2d(now)] if norm else []), activation()]
        before = now
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * size**2, 10, bias=bias))


def trained_on(
    found: Digits, model: nn.Module, *, seed: int, epochs: int = 6, lr: float = 0.01, batch: int = 48,
    decay: float = 0.02, track: Track = iter,
) -> nn.Module:  # fmt: skip
    """The same network, trained by Adam with a rate that rises and falls once, and weight decay."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr, weight_decay=decay)
    steps = epochs * -(-len(found.inputs) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    model.train()
    for _ in track(range(epochs)):
        for some in torch.randperm(len(found.inputs), generator=generator).split(batch):  # type: ignore[no-untyped-call]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(found.inputs[some]), found.labels[some])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return model.eval().requires_grad_(False)


def six_convolutions(found: Digits, *, seed: int) -> nn.Module:
    """Six convolutions without biases and two average pools, trained on images of 28 x 28."""
    model = convolutional(16, 16, 0, 32, 32, 0, 32, 32, size=28, seed=seed, bias=False)
    return trained_on(found, model, seed=seed, epochs=3, lr=5e-3, batch=64)


def answers_over_time(
    net: Converted, x: Tensor, encode: Callable[[Tensor], Tensor] | None = None, *, batch: int = 50
) -> Tensor:
    """The mean output after each step [T, n, classes], so many images at once; `encode` makes spikes of them."""
    parts = torch.split(x, batch)
    told = [net.over_time(part) if encode is None else net.over_time(encode(part), encoded=True) for part in parts]
    return torch.cat(told, 1)
