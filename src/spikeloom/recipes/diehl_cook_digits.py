"""Small digits that are learnt without labels: what thresholds and inhibition do for neurons that compete."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._competing_digits import Digits, accuracies, layer_for_digits, learn


class DiehlCookDigits(Recipe):
    row, family = "L43", "plasticity"
    title = "Unsupervised small digits with STDP, and its parts"
    reference = Reference(
        "Diehl and Cook", 2015, "Unsupervised learning of digit recognition using spike-timing-dependent plasticity",
        "Frontiers in Computational Neuroscience 9:99", "10.3389/fncom.2015.00099",
    )  # fmt: skip
    claim = (
        "STDP, lateral inhibition and thresholds that adapt are together enough to learn digits without labels: "
        "inhibition lets neurons learn different things, adaptation gives each its share."
    )
    shown = (
        "The digits of scikit-learn, 8 x 8 pixels, in place of MNIST, shown once; without adaptation, without "
        "inhibition, and without learning. Numbers differ from the authors' where small images ask for it. The answer "
        "is the class whose neurons fire most on average."
    )
    chance, control = 0.1, "accuracy, weights not learnt"

    neurons: int = setting(50, "excitatory neurons", at_least=10, at_most=400)
    images: int = setting(1437, "training digits", at_least=100, at_most=1437)
    passes: int = setting(1, "passes over them", at_least=1, at_most=20)

    quick = Form(
        Bar(
            "accuracy",
            at_least=0.813,
            why="one pass of 50 neurons in a NumPy program written apart",
            missed="by 1.3 points; two standard errors of 360 digits are 4 points",
        ),
        seeds=(1,),
        few_seeds="a seed takes about 20 s, as there are four networks",
    )
    full = Form(Bar("accuracy", at_least=0.813, why="one pass of 50 neurons in a NumPy program written apart"))
    smoke = Form(
        Bar("accuracy", at_least=0.3, why="three times chance after a few hundred digits"),
        seeds=(1,),
        few_seeds="it only shows that all works",
        settings={"neurons": 20, "images": 300},
    )

    def measure(self, run: Run) -> dict[str, float]:
        digits = Digits.of(run, self.images)
        found: dict[str, float] = {}
        parts: dict[str, dict[str, Any]] = {
            "": {}, ", thresholds fixed": {"adaptive": False}, ", no inhibition": {"inhibition": 0.0},
            ", weights not learnt": {},
        }  # fmt: skip
        for part, given in parts.items():
            layer = layer_for_digits(run, self.neurons, **given)
            layer.learning.on = part != ", weights not learnt"
            learn(run, layer, np.tile(digits.images, (self.passes, 1)), f"learning{part}")
            one, every = accuracies(run, layer, digits)
            found |= {f"accuracy{part}": one, f"accuracy by all votes{part}": every}
            if not part:
                run.draw("Learnt weights", partial(sheet, weights=layer.weights), width=5.0, height=5.0)
        return found


def sheet(axes: Any, *, weights: np.ndarray) -> None:
    """Weights [64, neurons] as images, ten in a row."""
    rows = -(-weights.shape[1] // 10)
    padded = np.zeros((64, 10 * rows))
    padded[:, : weights.shape[1]] = weights
    axes.imshow(padded.T.reshape(rows, 10, 8, 8).transpose(0, 2, 1, 3).reshape(8 * rows, 80), cmap="viridis")
