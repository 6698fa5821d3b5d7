"""Inverse times to the first spike: conversion to one spike per neuron, in which no layer waits for another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, digits, run_and_count, trained
from spikeloom.recipes._trained_images import answers_over_time, convolutional, images, trained_on

if TYPE_CHECKING:
    from spikeloom.conversion import Converted

# Of rates; and of inverse times so few that the largest activation spikes in the first.
LONGEST, COARSE = 32, 8
CONTROL = f"accuracy, {COARSE} steps, spikes without a lasting current"


class InverseTime(Recipe):
    row, family = "V19", "conversion"
    title = "Inverse times to the first spike"
    reference = Reference(
        "Rueckauer and Liu",
        2018,
        "Conversion of analog to spiking neural networks using sparse temporal coding",
        "International Symposium on Circuits and Systems",
    )
    claim = (
        "An activation is told by the inverse of the time to a neuron's only spike, behind which a constant current "
        "flows to the next layer; layers do not wait for each other. Accuracy is almost kept, with a fraction of the "
        "operations of rates. Training in which small activations are set to 0 leaves fewer late spikes that are "
        "missed."
    )
    claimed = "MNIST: 7 to 10 times fewer operations than with rates, less than 1 % of accuracy lost"
    shown = (
        "Digits of scikit-learn, 64-100-100-10, inputs as constant currents; MNIST, 784-200-100-10, in the full form, "
        "and beside it three convolutions with max-pooling, trained on 10,000 images. Activations lie between 0.1 and "
        "1, or are 0; 32 steps, in the last of which an eighth of the threshold spikes. Thresholds are the 99.9th "
        "percentile where activations have no bound. Rates have soft reset, and so many steps that accuracy is that of "
        "the inverse times, or that of a ReLU network itself. Operations are accumulates behind spikes. In the control "
        "of 8 steps currents end with the spike's step, so that its time says nothing; what is lost by so few steps is "
        "beside. That activations are bounded by 1 is not from the paper, and does more than the least activation, as "
        "figures without it show."
    )
    chance, control = 0.1, CONTROL

    mnist: bool = setting(False, "images of MNIST")
    epochs: int = setting(25, "passes of training", at_least=1)
    steps: int = setting(32, "steps of an image", at_least=1)
    low: float = setting(0.1, "least activation", at_least=0.0)

    quick = Form(
        Bar("accuracy", at_least=0.961, why="0.971 of the original in the survey's row of T2FSNN, less a point"),
        Bar("points lost", at_most=1.0, why="the paper: less than 1 %; the row: a point"),
        Bar("points lost, ReLU", at_most=1.0, why="as above"),
        Bar("most spikes of a neuron", at_most=1.0, why="by construction"),
        Bar("steps to within a point, least activation over ReLU", at_most=1.0, why="small activations spike late"),
        Bar("operations, rates of equal accuracy over inverse times", at_least=1.0, why="fewer, as the paper has it"),
        Bar(
            "operations, rates as accurate as the original over inverse times",
            at_least=7.0,
            why="the paper: 7 to 10",
            missed="On these digits nine steps of rates are enough, in which neurons send about one spike each.",
        ),
    )
    smoke = Form(
        Bar("accuracy", at_least=0.8, why="a few passes"),
        quick.bars[3],
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"epochs": 5},
    )
    full = Form(
        Bar("accuracy", at_least=0.96, why="0.97 for such networks of ReLU, less a point"),
        *quick.bars[1:],
        settings={"mnist": True, "epochs": 3},
    )

    def measure(self, run: Run) -> Figures:
        data = images("mnist", tested=2000) if self.mnist else digits()
        activations: dict[str, Callable[[], nn.Module]] = {
            "": partial(sl.conversion.ClampedReLU, self.low),
            ", no least activation": partial(sl.conversion.ClampedReLU, 0.0),
            ", ReLU": nn.ReLU,
        }
        models = {name: self.learnt(data, run.seed, activation) for name, activation in activations.items()}
        found: dict[str, float] = {}
        for name, model in models.items():
            told = curve(sl.convert(model, data.inputs[:1000], "inverse-time", steps=self.steps), data)
            exact = data.accuracy(model)
            found |= {f"accuracy{name}": told[-1], f"accuracy, original{name}": exact}
            found |= {f"points lost{name}": 100 * (exact - told[-1])}
            found[f"steps to within a point{name}"] = float(enough(told, exact - 0.01))
        fewer = found["steps to within a point"] / found["steps to within a point, ReLU"]
        found["steps to within a point, least activation over ReLU"] = fewer
        net = sl.convert(models[""], data.inputs[:1000], "inverse-time", steps=self.steps)
        found |= costs("inverse times", net, models[""], data, self.steps)
        found["most spikes of a neuron"] = float(run_and_count(net, some(data))[2])
        coarse = sl.convert(models[""], data.inputs[:1000], "inverse-time", steps=COARSE)
        found[f"accuracy, {COARSE} steps"] = curve(coarse, data)[-1]
        for place in list(coarse.sites):
            coarse.sites[place] = coarse.sites[place].get_submodule("site")
        found[CONTROL] = curve(coarse, data)[-1]
        if self.mnist:
            found |= self.convolved(data, run.seed)
        return found | rates(models, data, found)

    def learnt(self, data: Digits, seed: int, activation: Callable[[], nn.Module]) -> nn.Module:
        """A trained perceptron."""
        if not self.mnist:
            return trained(data, 100, 100, seed=seed, activation=activation, epochs=self.epochs)
        torch.manual_seed(seed)
        layers = nn.Linear(784, 200), activation(), nn.Linear(200, 100), activation(), nn.Linear(100, 10)
        model = nn.Sequential(nn.Flatten(), *layers)
        return trained_on(data, model, seed=seed, epochs=self.epochs, lr=2e-3, batch=64)

    def convolved(self, data: Digits, seed: int) -> dict[str, float]:
        """The same in a network of three convolutions."""
        activation = partial(sl.conversion.ClampedReLU, self.low)
        model = convolutional(8, 0, 16, 0, 16, size=28, seed=seed, pool=nn.MaxPool2d, activation=activation)
        less = Digits(data.inputs[:10_000], data.labels[:10_000], data.test[:1000], data.answers[:1000])
        learnt = trained_on(less, model, seed=seed, epochs=2, lr=5e-3, batch=64)
        exact = less.accuracy(learnt)
        told = curve(sl.convert(learnt, data.inputs[:1000], "inverse-time", steps=self.steps), less)
        return {"accuracy, original, convolutions": exact, "points lost, convolutions": 100 * (exact - told[-1])}


def rates(models: dict[str, nn.Module], data: Digits, before: dict[str, float]) -> dict[str, float]:
    """What rates need: in the same network for equal accuracy, in one of ReLU for its own."""
    found: dict[str, float] = {}
    for name, kind, wanted in (
        ("rates of equal accuracy", "", before["accuracy"]),
        ("rates as accurate as the original", ", ReLU", before["accuracy, original, ReLU"]),
    ):
        net = sl.convert(models[kind], data.inputs[:1000], "percentile", steps=LONGEST)
        steps = enough(curve(net, data), wanted)
        found |= {f"steps, {name}": float(steps)} | costs(name, net, models[kind], data, steps)
        for what in ("spikes", "operations"):
            found[f"{what}, {name} over inverse times"] = found[f"{what}, {name}"] / before[f"{what}, inverse times"]
    return found


def costs(
    name: str, net: Converted, model: nn.Module, data: Digits, steps: int
) -> dict[str, float]:  # fmt: skip
    """Spikes and operations of an image in so many steps."""
    told = sl.conversion.measure(net, model, some(data), steps=steps)
    return {f"spikes, {name}": told.spikes, f"operations, {name}": told.synaptic}


def curve(net: Converted, data: Digits) -> list[float]:
    """Accuracy after each step."""
    told = answers_over_time(net, data.test).argmax(2) == data.answers
    return [float(each) for each in told.double().mean(1)]


def enough(accuracies: list[float], wanted: float) -> int:
    """The fewest steps after which it is reached; all of them where it never is, and then more are needed."""
    return next((steps for steps, accuracy in enumerate(accuracies, 1) if accuracy >= wanted), len(accuracies))


def some(data: Digits) -> Tensor:
    """An even sample of the test images."""
    return data.test[:: len(data.test) // 60]
