"""Gestures on Loihi: events become frames of three moments, and a small network is converted to whole numbers."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

# Pixels; videos in steps; change of the logarithm of brightness at an event; events of a pixel that are white. An edge
# makes one event: of more of them, one per step, some would come too late, and tell the direction.
SIZE, STEPS, CONTRAST, WHITE = 32, 24, 0.8, 2.0


class GesturesOnLoihi(Recipe):
    row, family = "M05, T07", "hardware"
    title = "Gestures on Loihi"
    reference = Reference(
        "Massa, Marchisio, Martina and Shafique",
        2020,
        "An efficient spiking neural network for recognizing gestures with a DVS camera on the Loihi neuromorphic "
        "processor",
        "IJCNN",
        arxiv="2006.09985",
    )
    claim = (
        "Events that are collected into frames of three successive moments, without their polarity, let an ordinary "
        "network recognise gestures; converted with thresholds from its activations and a soft reset, it keeps its "
        "accuracy in the whole numbers of the chip."
    )
    claimed = "DvsGesture: 89.64 % on 37 cores"
    shown = (
        "Bars that move in eight directions or turn both ways, as events of a camera that tells changes of the "
        "logarithm of brightness. A network of three convolutions with strides, 32 x 32, is trained on frames of three "
        "moments, and in the control on frames of one. It is converted with the 99.9th percentile of activations as "
        "thresholds and a soft reset, and again with even weights of eight bits and a sign, whole thresholds, biases "
        "and potentials, as the chip has them. Inputs are spikes of neurons, at regular times. Opposite gestures pass "
        "through the same places."
    )
    stand_in = "Synthetic gestures in place of DvsGesture, which is not at hand; an emulator in place of the chip."
    chance, control = 0.1, "accuracy, one channel"

    images: int = setting(1000, "gestures to learn from", at_least=1)
    tested: int = setting(300, "gestures to judge by", at_least=1)
    epochs: int = setting(10, "passes over the gestures", at_least=1)
    shown_for: int = setting(256, "steps of the converted network", at_least=1)

    quick = Form(
        Bar("accuracy, network", at_least=0.95, why="the row: above 95 %"),
        Bar("points lost by spikes", at_most=1.0, why="the row: within 1 point"),
        Bar("points lost by whole numbers", at_most=2.0, why="the row: within 2 points of spikes with real weights"),
        Bar("taken for the opposite, three channels", at_most=0.02, why="the row: does not confuse them; 1 in 50"),
        Bar("taken for the opposite, one channel", between=(0.4, 0.6), why="the row: confuses them, half of all"),
        Bar("cores", at_most=128.0, why="it is to fit on one chip"),
    )
    smoke = Form(
        quick.bars[0], *quick.bars[3:], seeds=(0,), few_seeds="for every test run",
        settings={"images": 600, "tested": 60, "epochs": 12, "shown_for": 32},
    )  # fmt: skip
    full = Form(
        *quick.bars_but(
            {"taken for the opposite, one channel": "From 4000 gestures a little of the direction is learnt even so."}
        ),
        seeds=range(5),
        settings={"images": 4000, "tested": 1000},
    )

    def measure(self, run: Run) -> Figures:
        figures: dict[str, float] = {}
        learnt, tested = (self.events(run, number) for number in (self.images, self.tested))
        for name, moments in (("one channel", 1), ("three channels", 3)):
            (x, labels), (u, answers) = ((frames(events, moments), told) for events, told in (learnt, tested))
            net = self.trained(x, labels, run)
            given = net(u).argmax(1)
            figures[f"accuracy, {name}"] = share(given, answers)
            figures[f"taken for the opposite, {name}"] = share(given, opposite(answers))
        figures["accuracy, network"] = figures["accuracy, three channels"]
        return figures | self.spiking(net, x, u, answers, run)

    def events(self, run: Run, number: int) -> tuple[Tensor, Tensor]:
        """Events of both polarities, [steps, n, pixels], and labels."""
        videos, labels = sl.datasets.gestures(number, size=SIZE, steps=STEPS, generator=run.generator)
        return sl.coding.delta(videos.flatten(2), threshold=CONTRAST).sum(2), labels

    def trained(self, x: Tensor, labels: Tensor, run: Run) -> nn.Sequential:
        """The network without spikes."""
        torch.manual_seed(run.seed)
        net = nn.Sequential(
            nn.Conv2d(x.shape[1], 8, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.ReLU(), nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 16, 10),
        )  # fmt: skip
        optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.01)
        for _ in run.track(range(self.epochs), "epochs"):
            for some in torch.randperm(len(x), generator=run.generator).split(32):  # type: ignore[no-untyped-call]
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x[some]), labels[some]).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        return net.eval().requires_grad_(False)

    def spiking(self, net: nn.Module, x: Tensor, u: Tensor, answers: Tensor, run: Run) -> dict[str, float]:
        """Figures of the converted network, with real and with whole numbers."""
        method = sl.conversion.RateCode(sl.conversion.Percentile(99.9), start=0.0)
        real = sl.convert(net, x, method, steps=self.shown_for)
        whole, encode = sl.hardware.on_loihi(real), partial(method.encode, steps=self.shown_for)
        told: dict[str, list[Tensor]] = {"spikes": [], "whole numbers": []}
        parts = u.split(25)  # type: ignore[no-untyped-call]
        for part in run.track(parts, "gestures as spikes"):
            given = encode(part)
            for spiking, answer in zip((real, whole), told.values(), strict=True):
                answer.append(spiking(given, encoded=True).argmax(1))
        both = {name: torch.cat(answer) for name, answer in told.items()}
        accuracy = {name: share(answer, answers) for name, answer in both.items()}
        return {
            **{f"accuracy, {name}": value for name, value in accuracy.items()},
            "points lost by spikes": 100 * (share(net(u).argmax(1), answers) - accuracy["spikes"]),
            "points lost by whole numbers": 100 * (accuracy["spikes"] - accuracy["whole numbers"]),
            "agreement, whole numbers with real ones": share(*both.values()),
            "cores": float(sl.hardware.loihi_cores(real).total),
        }


def frames(events: Tensor, moments: int) -> Tensor:
    """Counts of events in so many successive parts of the time as channels, [n, moments, height, width]."""
    counts = events.view(moments, STEPS // moments, -1, SIZE, SIZE).sum(1)
    return (counts.transpose(0, 1) / WHITE).clamp(max=1.0)


def opposite(labels: Tensor) -> Tensor:
    """The gesture backwards."""
    return torch.where(labels < 8, (labels + 4) % 8, 17 - labels)


def share(found: Tensor, wanted: Tensor) -> float:
    return float((found == wanted).double().mean())
