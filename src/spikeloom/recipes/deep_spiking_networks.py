"""Deep spiking networks: neurons that round what they have added up, forward and back, learn as ReLU networks do."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

LENGTHS = (10, 30, 100, 300, 1000)


class DeepSpikingNetworks(Recipe):
    row, family = "L18", "gradient learning"
    title = "Deep spiking networks"
    reference = Reference("O'Connor and Welling", 2016, "Deep spiking networks", arxiv="1602.08323")
    claim = (
        "Neurons that send the whole numbers in what they have added up make a perceptron of spikes that equals one of "
        "rectified linear units when it runs for long, in prediction and in back-propagation; weights may change "
        "after a presentation or, by fractions, with each error spike."
    )
    claimed = "MNIST 96.40 % (SGD), 97.93 % (fractional SGD)"
    shown = (
        "Digits of scikit-learn, 64 inputs, 100 hidden neurons, 10 steps for a digit; batches of 20 in the quick form, "
        "one digit at a time, as in the paper, in the full one. The control learns in the output layer only. Both ways "
        "of learning begin with the same weights and have the same learning rate, or the fractional one twice as much. "
        "Beside them a ReLU network with the same updates, whose outputs are linear, since rectified ones often die, "
        "and how far outputs of the trained spiking network are from those of a ReLU network with its weights."
    )
    chance, control = 0.1, "accuracy, hidden layer fixed"

    passes: int = setting(10, "presentations of the training digits", at_least=1)
    eta: float = setting(0.2, "learning rate", at_least=0.0)
    batch: int = setting(20, "digits shown at once", at_least=1)

    quick = Form(
        Bar("accuracy", at_least=0.93, why="the mark that the survey's row sets for SGD on these digits"),
        Bar(
            "gain by fractional updates",
            at_least=0.0,
            why="in the paper they gain 1.5 points",
            missed="Input spikes so far are about half of all of them, and so are the steps of learning; at twice the "
            "learning rate the two differ by less than a standard error of 360 digits.",
        ),
        Bar("exponent of the difference", between=(-1.1, -0.9), why="the rest of a rounded sum goes as 1 / steps"),
    )
    smoke = Form(
        Bar("accuracy", at_least=0.9, why="five presentations are enough for that"),
        Bar("exponent of the difference", between=(-1.1, -0.9), why="the rest of a rounded sum goes as 1 / steps"),
        seeds=(0,),
        few_seeds="for every test run; quick has three",
        settings={"passes": 5},
    )
    full = Form(*quick.bars, settings={"passes": 10, "eta": 0.03, "batch": 1})

    def measure(self, run: Run) -> Figures:
        data = sl.datasets.digits()
        x, y = data.train.inputs().flatten(1), torch.eye(10)[data.train.labels]
        seen, right = data.test.inputs().flatten(1), data.test.labels
        rule = sl.plasticity.SpikingSGD(eta=self.eta)
        sgd, counts = self.learned(rule, x, y, run.seed)
        fixed, _ = self.learned(rule, x, y, run.seed, fixed=True)
        rules = [sl.plasticity.SpikingSGD(eta=k * self.eta, fractional=True) for k in (1, 2)]
        fractional = [self.learned(other, x, y, run.seed)[0] for other in rules]
        accuracy, by_fractions, twice = (share(rule.respond(w, seen), right) for w in (sgd, *fractional))
        differences = [away(sgd, seen, steps) for steps in LENGTHS]
        run.draw("difference from rectified linear units", lambda axes: plot(axes, differences))
        return {
            "accuracy": accuracy,
            "accuracy, hidden layer fixed": share(rule.respond(fixed, seen), right),
            "accuracy, fractional": by_fractions,
            "accuracy, fractional, twice the learning rate": twice,
            "gain by fractional updates": by_fractions - accuracy,
            "accuracy, ReLU network": share(linear_units(self.relu(x, y, run.seed), seen), right),
            "exponent of the difference": float(np.polyfit(np.log(LENGTHS), np.log(differences), 1)[0]),
            "difference after 1000 steps": differences[-1],
            "forward spikes of a digit": counts[0],
            "error spikes of a digit": counts[1],
        }

    def learned(
        self, rule: sl.plasticity.SpikingSGD, x: Tensor, y: Tensor, seed: int, *, fixed: bool = False
    ) -> tuple[list[Tensor], list[float]]:
        """Weights, and spikes per digit, forward and back, in the last presentation."""
        generator = torch.Generator().manual_seed(seed)
        weights, errors = initial(generator), None
        for _ in range(self.passes):
            counts, shown = np.zeros(2), 0
            for some in batches(len(x), self.batch, generator):
                after = rule.update(weights, x[some], y[some], errors)
                weights, errors = ([weights[0], after.weights[1]] if fixed else after.weights), after.errors
                counts, shown = counts + np.array([after.forward, after.backward]), shown + len(some)
        return weights, (counts / shown).tolist()

    def relu(self, x: Tensor, y: Tensor, seed: int) -> list[Tensor]:
        """The same steps of gradient descent with real numbers."""
        generator = torch.Generator().manual_seed(seed)
        first, second = initial(generator)
        for _ in range(self.passes):
            for some in batches(len(x), self.batch, generator):
                a = x[some] @ first.T
                hidden = a.relu()
                error = hidden @ second.T - y[some]
                back = (error @ second) * (a >= 0)
                second = second - self.eta / self.batch * error.T @ hidden
                first = first - self.eta / self.batch * back.T @ x[some]
        return [first, second]


def initial(generator: torch.Generator) -> list[Tensor]:
    """Small normal weights."""
    return [0.05 * torch.randn(100, 64, generator=generator), 0.03 * torch.randn(10, 100, generator=generator)]


def batches(count: int, size: int, generator: torch.Generator) -> list[Tensor]:
    """All samples but a rest, in an order drawn anew."""
    order = torch.randperm(count, generator=generator)
    return [order[k : k + size] for k in range(0, count - size + 1, size)]


def linear_units(weights: list[Tensor], x: Tensor) -> Tensor:
    """What reaches the outputs of the ReLU network."""
    return (x @ weights[0].T).relu() @ weights[1].T


def away(weights: list[Tensor], x: Tensor, steps: int) -> float:
    """Root mean squared difference between the spiking network and the ReLU network."""
    told = sl.plasticity.SpikingSGD(steps=steps).respond(weights, x)
    return float((told - linear_units(weights, x)).square().mean().sqrt())


def share(told: Tensor, right: Tensor) -> float:
    return float((told.argmax(1) == right).double().mean())


def plot(axes: Any, differences: list[float]) -> None:
    axes.loglog(LENGTHS, differences, "o-", label="measured")
    axes.loglog(LENGTHS, differences[0] * LENGTHS[0] / np.array(LENGTHS), "--", label="1 / steps")
    axes.minorticks_off()
    axes.set_xticks(LENGTHS, [str(steps) for steps in LENGTHS])
    axes.set_xlabel("steps")
    axes.set_ylabel("root mean squared difference")
    axes.legend(frameon=False)
