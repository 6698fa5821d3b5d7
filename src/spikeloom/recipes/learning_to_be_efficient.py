"""Learning to be efficient: costs of activity in training save spikes after conversion."""

from __future__ import annotations

from functools import partial

from torch import nn

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._sparse_digits import learnt
from spikeloom.recipes._trained_digits import digits, perceptron, run_and_count

STEPS = 16


class LearningToBeEfficient(Recipe):
    row, family, title = "L25", "conversion", "Learning to be efficient"
    reference = Reference(
        "Neil, Pfeiffer and Liu", 2016,
        "Learning to be efficient: algorithms for training low-latency, low-compute deep spiking neural networks",
        "ACM Symposium on Applied Computing",
    )  # fmt: skip
    claim = (
        "Costs of activity and dropout in training, which ask for activations that are few and of which none is needed "
        "by itself, give networks that decide with fewer spikes and sooner when they are converted."
    )
    claimed = "MNIST 98.00 %"
    shown = (
        "Digits of scikit-learn, two hidden layers of rectifiers, an L1 cost of activations times fan-out, or dropout "
        "of half of the hidden units. Neurons have the 99th percentile of activations as threshold and run for 16 "
        "steps. Spikes and points are compared with those of a network that learns with neither. Costs that change "
        "while it learns are left away."
    )
    chance, control = Absent("a ratio has none"), "times fewer spikes, dropout alone"

    cost: float = setting(3e-4, "loss for a unit of activity and connection", at_least=0.0)
    dropout: float = setting(0.5, "share of hidden units that drop out", at_least=0.0, at_most=0.9)
    epochs: int = setting(25, "passes over the training digits", at_least=1)

    quick = Form(
        Bar("times fewer spikes", at_least=3.0, why="the row: a third of the spikes"),
        Bar("points lost", at_most=1.0, why="the row: at most one point"),
    )
    full = Form(*quick.bars, seeds=range(10))
    smoke = Form(
        Bar("times fewer spikes", at_least=1.5, why="half of what is saved, after four passes"),
        seeds=(0,), few_seeds="it only shows that all works", settings={"epochs": 4},
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        found = digits()
        figures: dict[str, float] = {}
        kinds = {"nothing": (0.0, 0.0), "cost": (self.cost, 0.0), "dropout": (0.0, self.dropout)}
        for name, (cost, dropout) in kinds.items():

            def activation(share: float = dropout) -> nn.Module:
                return nn.Sequential(nn.ReLU(), nn.Dropout(share))

            track = partial(run.track, what=name)
            begun = perceptron(seed=run.seed, activation=activation)
            model = learnt(begun, found, cost=cost, seed=run.seed, epochs=self.epochs, track=track)
            method = sl.conversion.RateCode(sl.conversion.Percentile(99.0))
            net = sl.convert(model, found.inputs, method, steps=STEPS)
            output, spikes, _ = run_and_count(net, found.test)
            figures[f"accuracy, {name}, before conversion"] = found.accuracy(model)
            figures[f"accuracy, {name}"] = found.accuracy(output)
            figures[f"spikes, {name}"] = spikes
        return figures | {
            "times fewer spikes": figures["spikes, nothing"] / figures["spikes, cost"],
            "times fewer spikes, dropout alone": figures["spikes, nothing"] / figures["spikes, dropout"],
            "points lost": 100 * (figures["accuracy, nothing"] - figures["accuracy, cost"]),
            "points lost, dropout alone": 100 * (figures["accuracy, nothing"] - figures["accuracy, dropout"]),
        }
