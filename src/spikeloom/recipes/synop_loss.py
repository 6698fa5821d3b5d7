"""Synaptic operations as part of the loss: a network that counts spikes learns to do with few of them."""

from __future__ import annotations

import copy
from functools import partial

import torch
from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._sparse_digits import learnt, operations
from spikeloom.recipes._trained_digits import Digits, digits, perceptron


class SynopLoss(Recipe):
    row, family, title = "P31", "conversion", "Synaptic operations as part of the loss"
    reference = Reference(
        "Sorbaro, Liu, Bortone and Sheik", 2020,
        "Optimizing the energy consumption of spiking neural networks for neuromorphic applications",
        "Frontiers in Neuroscience 14:662", arxiv="1912.01268",
    )  # fmt: skip
    claim = (
        "Activations that round down are counts of spikes. A network that learns with them, and with its synaptic "
        "operations in the loss, needs far fewer of them at about the same accuracy, and its weights are those of the "
        "spiking network."
    )
    shown = (
        "Digits of scikit-learn, 64-64-64-10 without biases, with nothing, little and much of its operations in the "
        "loss. In the control weights of the network that has learnt with nothing are scaled down, until it does with "
        "as few operations as the others; points lost are counted from it as it was."
    )
    chance, control = 0.1, "accuracy, little, weights scaled down"

    little: float = setting(5e-5, "loss for a synaptic operation", at_least=0.0)
    much: float = setting(1.4e-3, "the same, for far fewer operations", at_least=0.0)
    epochs: int = setting(50, "passes over the training digits", at_least=1)

    quick = Form(
        Bar("accuracy, little", at_least=0.958, why="0.976 in the row, one seed; two standard errors of 360 digits"),
        Bar("times fewer operations, little", at_least=3.4, why="the row: 5360 to 1596 operations"),
        Bar("points lost, little", at_most=1.1, why="0.2 in the row, one seed; one standard error of 360 digits"),
        Bar(
            "times fewer operations, much",
            at_least=24.0,
            why="the row: 5360 to 219 operations",
            missed="From fewer operations to begin with, some 4900, to 260; with still fewer, networks learn little.",
        ),
        Bar(
            "points lost, much",
            at_most=2.0,
            why="1.1 in the row, one seed; one standard error of 360 digits",
            missed="With some five spikes 98 % of the training digits are still told, but fewer of the others. A "
            "target in the loss, weight decay and a trained beginning gave no better.",
        ),
        Bar("counts that differ", at_most=0.0, why="one layer, soft reset and enough steps: the same floor"),
    )
    full = Form(*quick.bars, seeds=range(10))
    smoke = Form(
        Bar("accuracy, little", at_least=0.8, why="eight times chance after five passes"),
        Bar("counts that differ", at_most=0.0, why="as above"),
        seeds=(0,), few_seeds="it only shows that all works", settings={"epochs": 8, "little": 3e-4},
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        found = digits()
        models = {}
        for name, cost in (("nothing", 0.0), ("little", self.little), ("much", self.much)):
            model = perceptron(64, 64, seed=run.seed, bias=False, activation=sl.conversion.NeuromorphicReLU)
            # Counts of a few spikes from the beginning, not of one.
            next(model.parameters()).data *= 3.0
            track = partial(run.track, what=name)
            models[name] = learnt(model, found, cost=cost, seed=run.seed, epochs=self.epochs, track=track)
        needed = {name: operations(model, found) for name, model in models.items()}
        right = {name: found.accuracy(model) for name, model in models.items()}
        figures = {f"operations, {name}": value for name, value in needed.items()}
        figures |= {f"accuracy, {name}": value for name, value in right.items()}
        for name in ("little", "much"):
            figures[f"times fewer operations, {name}"] = needed["nothing"] / max(needed[name], 1e-9)
            figures[f"points lost, {name}"] = 100 * (right["nothing"] - right[name])
            scaled = scaled_down(models["nothing"], found, needed[name])
            figures[f"accuracy, {name}, weights scaled down"] = found.accuracy(scaled)
            figures[f"operations, {name}, weights scaled down"] = operations(scaled, found)
        return figures | {
            "counts that differ": differing(models["nothing"], found),
            "accuracy, spikes, much": spiking(models["much"], found),
        }


def scaled_down(model: nn.Module, found: Digits, wanted: float) -> nn.Module:
    """With the largest factor of the weights before activations that does with so few operations."""
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if operations(by(model, middle), found) <= wanted else (low, middle)
    return by(model, low)


def by(model: nn.Module, factor: float) -> nn.Module:
    scaled = copy.deepcopy(model)
    for layer in list(scaled.children())[:-1]:
        for weight in layer.parameters():
            weight.data *= factor
    return scaled


def differing(model: nn.Module, found: Digits, steps: int = 64) -> float:
    """Of all counts of the first layer's neurons, the share that is not what the activation says."""
    with torch.no_grad():
        first, activation = list(model.children())[:2]
        assert isinstance(activation, sl.conversion.NeuromorphicReLU)
        # On a grid on which sums of floating-point numbers are exact.
        x = (first(found.test) * 1024).round() / 1024
        y = activation(x)
        s = activation.as_site(steps).spikes(x.expand(steps, *x.shape)).sum(0)
    return float((s != y).double().mean())


def spiking(model: nn.Module, found: Digits, steps: int = 64) -> float:
    """Accuracy of all layers with spikes."""
    return found.accuracy(sl.convert(model, found.inputs, sl.conversion.RateCode(), steps=steps))
