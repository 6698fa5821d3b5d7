"""Conversion of trained networks, beside SpikingJelly's: accuracy at equal numbers of steps, and speed.

The networks are trained once, by `python -m benchmarks.conversion train`, in some minutes each, and kept in
`runs/benchmarks`. Accuracy is that of one run of the longest number of steps, read after each.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import spikeloom as sl
from benchmarks.agreement import DisagreementError
from benchmarks.contenders import OURS, SPIKINGJELLY, installed
from benchmarks.simulation import ROOT
from benchmarks.tables import Result, Row
from benchmarks.timing import interleaved, ratio

KEPT = ROOT / "runs" / "benchmarks"
STEPS = (4, 8, 16, 32)
CALIBRATION, BATCH = 512, 100


class Block(nn.Module):
    """Two convolutions, and what they started from."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.b1 = nn.BatchNorm2d(after)
        self.c2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.b2 = nn.BatchNorm2d(after)
        self.r1, self.r2 = nn.ReLU(), nn.ReLU()
        changes = stride > 1 or before != after
        through = (nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)) if changes else ()
        self.short = nn.Sequential(*through)

    def forward(self, x: Tensor) -> Tensor:
        y = self.b2(self.c2(self.r1(self.b1(self.c1(x)))))
        return self.r2(y + self.short(x))  # type: ignore[no-any-return]


def cnn() -> nn.Module:
    """Two convolutions with maximum pooling, without normalisation."""
    layers = (nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU())
    top = (nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10))
    return nn.Sequential(*layers, *top)


def vgg() -> nn.Module:
    """Six convolutions with batch normalisation, biases and maximum pooling."""
    layers: list[nn.Module] = []
    channels = 1
    for out, pooled in ((32, False), (32, True), (64, False), (64, True), (128, False), (128, True, 1000)):
        layers += [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if pooled else []
        channels = out
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 9, 256), nn.ReLU(), nn.Linear(256, 10))


def resnet() -> nn.Module:
    """Three residual blocks."""
    stem = (nn.Conv2d(1, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
    blocks = (Block(32, 32, 1), Block(32, 64, 2), Block(64, 128, 2))
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def resnet18() -> nn.Module:
    """The size of ResNet-18 on images of 32 x 32."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    channels = 64
    for out, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(channels, out, stride), Block(out, out, 1)]
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


@dataclass(frozen=True)
class Trained:
    """A network, the data that it is trained on, for how many epochs, and how many images it is tested with."""

    title: str
    build: Callable[[], nn.Module]
    data: str
    epochs: int
    flips: bool
    tested: int

    def images(self) -> Any:
        return getattr(sl.datasets, self.data)(download=False)


NETWORKS = {
    "cnn": Trained("CNN on MNIST", cnn, "mnist", 5, False, 10_000),
    "vgg": Trained("VGG-like network with maximum pooling on Fashion-MNIST", vgg, "fashion_mnist", 5, True, 1000),
    "resnet": Trained("Residual network on Fashion-MNIST", resnet, "fashion_mnist", 8, True, 1000),
}


def train(name: str) -> Path:
    """Train a network with seed 0 and keep its weights."""
    chosen, path = NETWORKS[name], KEPT / f"{name}.safetensors"
    torch.manual_seed(0)
    data, model = chosen.images(), chosen.build().to(memory_format=torch.channels_last)
    images, labels = data.train.inputs(), data.train.labels
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=5e-4)
    batches = chosen.epochs * -(-len(images) // 128)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=batches)
    for epoch in range(chosen.epochs):
        for part in torch.randperm(len(images)).split(128):
            x = images[part]
            if chosen.flips:
                x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x), labels[part]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        print(f"{chosen.title}: epoch {epoch + 1} of {chosen.epochs}", file=sys.stderr, flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path)
    return path


def trained(name: str) -> nn.Module:
    """A network with the weights that were kept, or trained now."""
    path = KEPT / f"{name}.safetensors"
    model = NETWORKS[name].build()
    model.load_state_dict(load_file(path if path.is_file() else train(name)))
    return model.eval()


Answers = Callable[[Tensor, int], Tensor]


def ours(model: nn.Module, images: Tensor, steps: int, *, bits: int | None = None) -> Answers:
    """Classes after each step, [T, B]."""
    spiking = sl.convert(model, images, steps=steps)
    if bits is not None:
        spiking = sl.conversion.quantised(spiking, bits)
    return lambda x, steps: spiking.over_time(x, steps=steps).argmax(2)


def peers(model: nn.Module, images: Tensor) -> Iterator[tuple[str, Answers]]:
    """SpikingJelly's recipes for networks of rectifiers, as its examples use them."""
    if SPIKINGJELLY not in installed():
        return
    from spikingjelly.activation_based import ann2snn

    loader = [(x, torch.zeros(len(x))) for x in images.split(64)]
    recipes = {
        "maximum": ann2snn.RateCodingRecipe(loader, mode="Max"),
        "99.9 %": ann2snn.RateCodingRecipe(loader, mode="99.9%"),
        "99.9 % by channel": ann2snn.RateCodingRecipe(loader, mode="99.9%", channel_wise=True),
        "by channel, half threshold": ann2snn.RateCodingRecipe(
            loader, mode="99.9%", channel_wise=True, half_threshold=True
        ),
        "local balancing": ann2snn.LocalThresholdBalancingRecipe(loader),
    }
    for name, recipe in recipes.items():
        made = ann2snn.FXConverter(recipe=recipe, device="cpu").convert(copy.deepcopy(model))
        yield f"{SPIKINGJELLY}, {name}", answers_of(made)


def answers_of(made: nn.Module) -> Answers:
    """Classes by the mean output so far of a network that is called step by step."""
    from spikingjelly.activation_based import functional

    def answers(x: Tensor, steps: int) -> Tensor:
        functional.reset_net(made)
        return torch.stack([made(x) for _ in range(steps)]).cumsum(0).argmax(2)

    return answers


@torch.no_grad()
def accuracy(name: str, *, repeats: int) -> list[Result]:
    """Of a converted network at several numbers of steps: how many of the first test images are wrong, in percent."""
    del repeats  # nothing here is timed
    chosen, model = NETWORKS[name], trained(name)
    data = chosen.images()
    images, labels = data.test.inputs()[: chosen.tested], data.test.labels[: chosen.tested]
    calibration = data.train.inputs()[:CALIBRATION]
    right = torch.cat([model(x).argmax(1) for x in images.split(BATCH)]) == labels
    rows: list[Row] = []

    def row(title: str, by_steps: Callable[[int], Tensor]) -> None:
        rows.append({"": title, **{f"T={steps}": 100 * float((~by_steps(steps)).double().mean()) for steps in STEPS}})
        print(f"{chosen.title}: {rows[-1]}", file=sys.stderr, flush=True)

    def said(answers: Answers, steps: int) -> Tensor:
        return torch.cat([answers(x, steps) for x in images.split(BATCH)], 1) == labels

    row("without spikes", lambda steps: right)
    # Thresholds of ours are chosen for a number of steps; those of the peer are not, so one run is read at all.
    row(f"{OURS}, calibrated", lambda steps: said(ours(model, calibration, steps), steps)[-1])
    row(f"{OURS}, weights of 8 bits", lambda steps: said(ours(model, calibration, steps, bits=8), steps)[-1])
    for title, answers in peers(model, calibration):
        found = said(answers, max(STEPS))
        row(title, lambda steps, found=found: found[steps - 1])
    note = f"Wrong in % of the first {chosen.tested} test images; {CALIBRATION} training images to calibrate; seed 0."
    return [Result(f"Conversion: {chosen.title}", rows, note)]


@torch.no_grad()
def speed(*, repeats: int) -> list[Result]:
    """A network of the size of ResNet-18 with random weights: time to convert, and to simulate 32 steps."""
    torch.manual_seed(0)
    model, images, steps, batch = resnet18(), torch.rand(CALIBRATION, 3, 32, 32), 32, 8
    model.train()
    for x in images[:256].split(64):
        model(x)
    model.eval()
    began = time.perf_counter()
    spiking = sl.convert(model, images, steps=steps)
    converted = time.perf_counter() - began
    x = images[:batch]
    rows: list[Row] = []
    whole = sl.conversion.quantised(spiking, 8)
    contenders: dict[str, Callable[[], Tensor]] = {
        OURS: lambda: spiking(x),
        f"{OURS}, weights of 8 bits": lambda: whole(x),
    }
    if SPIKINGJELLY in installed():
        from spikingjelly.activation_based import ann2snn, functional

        loader = [(part, torch.zeros(len(part))) for part in images.split(64)]
        recipe = ann2snn.RateCodingRecipe(loader, mode="99.9%")
        made = ann2snn.FXConverter(recipe=recipe, device="cpu").convert(copy.deepcopy(model))

        def peer() -> Tensor:
            functional.reset_net(made)
            return torch.stack([made(x) for _ in range(steps)]).mean(0)

        contenders[SPIKINGJELLY] = peer
    wanted = model(x)
    for name, call in contenders.items():
        away = float((call() - wanted).abs().mean() / wanted.std())
        if away > 0.3:
            raise DisagreementError(f"{name} is {away:.2g} standard deviations from the network without spikes")
    times = interleaved(contenders, repeats=repeats)
    for name, each in times.items():
        rows.append({"": name, "s": median(each), "times Spikeloom's": ratio(times, name, OURS)})
    note = f"{steps} steps, {batch} images of 32 x 32; converted with {CALIBRATION} images in {converted:.1f} s."
    return [Result("Conversion of a network of the size of ResNet-18", rows, note)]


if __name__ == "__main__":
    for each in sys.argv[2:] or NETWORKS:
        train(each)
