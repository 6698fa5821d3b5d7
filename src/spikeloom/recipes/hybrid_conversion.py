"""Hybrid conversion: a converted network, trained on by back-propagation that depends on spike times."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, digits, perceptron, trained

# Steps in which thresholds are found, as on ImageNet; the most that the converted network is shown its inputs for.
FINDING, LONGEST = 250, 100
GAINED = "points gained by passes with spikes"


class HybridConversion(Recipe):
    row, family = "A42", "conversion"
    title = "Hybrid conversion and spike-timing-dependent back-propagation"
    reference = Reference(
        "Rathi, Srinivasan, Panda and Roy", 2020,
        "Enabling deep spiking neural networks with hybrid conversion and spike timing dependent backpropagation",
        "ICLR", arxiv="2005.01807",
    )  # fmt: skip
    claim = (
        "A converted network is a good beginning for training with spikes: a few passes, with a surrogate slope that "
        "decays with the time since a neuron's last spike, reach with few steps what conversion needs many for."
    )
    claimed = "ImageNet 65.19 % with 250 steps, less than 20 passes"
    shown = (
        "Digits of scikit-learn as Poisson spikes, two hidden layers without biases. As in the paper, thresholds are "
        "found layer after layer, as the largest input that Poisson spikes bring in 250 steps, times 0.7. Five "
        "passes follow, of 8 steps and, of another copy, of 4. The control is the network that is only converted; "
        "another one begins with random weights and has the same passes. The row asks for 8 steps, where conversion "
        "alone is nearly done on digits: the gain is about a standard error, on some seeds less, and few more steps of "
        "conversion do as much. What the claim means is seen with 4. In the full form it is a network of three "
        "convolutions with average pooling, which learns 2000 images of Fashion-MNIST."
    )
    chance, control = 0.1, "accuracy, converted only"

    data: str = setting("digits", "what is learnt", choices=("digits", "fashion-mnist"))
    epochs: int = setting(5, "passes with spikes", at_least=1)

    quick = Form(
        Bar("accuracy", at_least=0.95, why="two points below the ReLU network: two standard errors of 360 digits"),
        Bar(
            GAINED,
            at_least=1.1,
            why="a standard error of 360 digits, set after a first measurement; the row says only that it is above",
        ),
        Bar(f"{GAINED}, 4 steps", at_least=5.0, why="four standard errors: the claim is one of few steps"),
        Bar("points above a random beginning", at_least=2.0, why="the row: hybrid above training from scratch"),
    )
    smoke = Form(
        Bar("accuracy", at_least=0.94, why="a step towards that of the quick form"), *quick.bars[2:], seeds=(0,),
        few_seeds="for every test run", settings={"epochs": 1},
    )  # fmt: skip
    full = Form(
        Bar("accuracy", at_least=0.7, why="far above chance: only 2000 images are learnt"),
        Bar(GAINED, at_least=1.8, why="a standard error of 500 images"),
        *quick.bars[2:],
        settings={"data": "fashion-mnist"},
    )

    def measure(self, run: Run) -> Figures:
        found = digits() if self.data == "digits" else fashion()
        torch.manual_seed(run.seed)
        if self.data == "digits":
            model, blank = trained(found, seed=run.seed, bias=False), perceptron(seed=run.seed, bias=False)
        else:
            model, blank = convolutions_trained(found, run), convolutions()
        figures = {"accuracy, ReLU": found.accuracy(model)}
        begun = {"": converted(model, found), ", random beginning": converted(blank, found)}
        for steps, at in ((8, ""), (4, ", 4 steps")):
            alone = f"accuracy, converted only{at}"
            figures[alone] = shown(begun[""], found, steps, run.seed)
            for name, net in begun.items():
                figures[f"accuracy{name}{at}"] = shown(self.tuned(net, found, steps, run, name), found, steps, run.seed)
            figures[f"{GAINED}{at}"] = 100 * (figures[f"accuracy{at}"] - figures[alone])
            scratch = figures[f"accuracy, random beginning{at}"]
            figures[f"points above a random beginning{at}"] = 100 * (figures[f"accuracy{at}"] - scratch)
        figures["steps of conversion for as much"] = needed(begun[""], found, figures["accuracy"], run.seed)
        return figures

    def tuned(
        self, net: sl.conversion.Converted, found: Digits, steps: int, run: Run, name: str
    ) -> sl.conversion.Converted:
        """A copy that has learnt with spikes."""
        return sl.conversion.tune_spiking(
            net, found.inputs, found.labels, gradient=sl.conversion.ByLastSpike(), encoder=poisson(steps), steps=steps,
            epochs=self.epochs, lr=2e-3, batch=32, seed=run.seed, track=partial(run.track, what="spikes" + name),
        )  # fmt: skip


def converted(model: nn.Module, found: Digits) -> sl.conversion.Converted:
    """By thresholds of 0.7 of the largest input that Poisson spikes bring."""
    method = sl.conversion.RateCode(
        sl.conversion.Maximum(), start=0.0, sequential=True, factor=0.7, encoder=poisson(FINDING)
    )
    return sl.convert(model, found.inputs, method, steps=8)


def poisson(steps: int) -> sl.coding.Poisson:
    """As many spikes as steps for white."""
    return sl.coding.Poisson(steps, max_rate=1000.0)


@torch.no_grad()
def shown(net: sl.conversion.Converted, found: Digits, steps: int, seed: int) -> float:
    """Accuracy in the mean over five showings, the same ones for each network."""
    generator, encode = torch.Generator().manual_seed(seed), poisson(steps)
    right = [net(encode(found.test, generator), encoded=True).argmax(1) == found.answers for _ in range(5)]
    return float(torch.stack(right).double().mean())


@torch.no_grad()
def needed(net: sl.conversion.Converted, found: Digits, accuracy: float, seed: int) -> float:
    """The fewest steps with which it is as good, or the most that were tried."""
    generator, right = torch.Generator().manual_seed(seed), torch.zeros(LONGEST, dtype=torch.float64)
    for x, answers in zip(found.test.split(50), found.answers.split(50), strict=True):  # type: ignore[no-untyped-call]
        y = net.over_time(poisson(LONGEST)(x, generator), encoded=True)
        right += (y.argmax(2) == answers).sum(1)
    enough = right / len(found.test) >= accuracy
    return float(next((step for step, good in enumerate(enough, start=1) if good), LONGEST))


def fashion() -> Digits:
    """2000 images of Fashion-MNIST, [n, 1, 28, 28], and 500 to judge by."""
    data = sl.datasets.fashion_mnist(download=False)
    (x, labels), (u, answers) = data.train[:2000], data.test[:500]
    return Digits(x, labels, u, answers)


def convolutions() -> nn.Sequential:
    """Three convolutions and two layers behind, as in the paper's smallest network, but narrow."""
    layers: list[nn.Module] = []
    for before, after, pooled in ((1, 8, True), (8, 16, False), (16, 16, True)):
        layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.ReLU()]
        layers += [nn.AvgPool2d(2)] if pooled else []
    layers += [nn.Flatten(), nn.Linear(16 * 7 * 7, 64, bias=False), nn.ReLU(), nn.Linear(64, 10, bias=False)]
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(*layers)


def convolutions_trained(found: Digits, run: Run) -> nn.Sequential:
    """The same, by Adam."""
    net = convolutions()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    for _ in run.track(range(20), "epochs"):
        for some in torch.randperm(len(found.inputs), generator=run.generator).split(48):  # type: ignore[no-untyped-call]
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(found.inputs[some]), found.labels[some]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return net.eval().requires_grad_(False)
