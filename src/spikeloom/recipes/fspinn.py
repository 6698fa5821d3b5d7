"""Digits learnt without labels with fewer operations: no interneurons, weights that change at intervals, few bits."""

from __future__ import annotations

from typing import Any

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._competing_digits import Digits, accuracies, layer_for_digits, learn


class FSpiNN(Recipe):
    name = "fspinn"
    row, family = "A34", "plasticity"
    title = "STDP at intervals and weights of few bits"
    reference = Reference(
        "Putra and Shafique", 2020, "FSpiNN: an optimization framework for memory-efficient and energy-efficient "
        "spiking neural networks", "IEEE Transactions on CAD 39, 3601-3613", "10.1109/TCAD.2020.3013049",
    )  # fmt: skip
    claim = (
        "A network that learns digits without labels keeps its accuracy without inhibitory neurons, with weights that "
        "change once in an interval instead of at spikes, and with weights of 8 bits, at a fraction of memory and work."
    )
    claimed = "4900 neurons on MNIST: 7.5 times less memory, no loss of accuracy"
    shown = (
        "The digits of scikit-learn in place of MNIST; the learning half: direct inhibition, STDP every 20 ms, weights "
        "rounded to fixed point after learning. Energy is not measured; updates of weights are counted. The rule's "
        "exact form is ours. In the control weights are not learnt."
    )
    chance, control = 0.1, "accuracy, weights not learnt"

    neurons: int = setting(50, "excitatory neurons", at_least=10, at_most=400)
    images: int = setting(1437, "training digits", at_least=100, at_most=1437)
    passes: int = setting(1, "passes over them", at_least=1, at_most=20)

    quick = Form(
        Bar(
            "accuracy, 8 bits",
            at_least=0.8,
            why="0.83 of Diehl and Cook's network of 100 in a NumPy program, less 3",
            missed="50 neurons in place of 100, and digits shown once",
        ),
        Bar(
            "points lost to the rule at intervals",
            at_most=3.0,
            why="no loss but for two standard errors, 2 x 2 points",
            missed="by a twentieth of a point",
        ),
        Bar(
            "points lost to 8 bits",
            at_most=1.0,
            why="8 bits are as good as 24",
            missed="input spikes are drawn anew for each test; two standard errors of 360 digits are 4 points",
        ),
        Bar("updates of weights, share of those at spikes", at_most=0.5, why="fewer updates is what intervals are for"),
        seeds=(1,),
        few_seeds="a seed takes about 20 s, as there are three networks",
    )
    full = Form(
        Bar("accuracy, 8 bits", at_least=0.8, why="0.83 of Diehl and Cook's network of 100 in a NumPy program, less 3"),
        Bar("points lost to the rule at intervals", at_most=3.0, why="no loss but for two standard errors"),
        Bar("points lost to 8 bits", at_most=1.0, why="8 bits are as good as 24"),
        quick.bars[3],
        settings={"neurons": 100, "passes": 2},
    )
    smoke = Form(
        Bar("accuracy, 8 bits", at_least=0.3, why="three times chance after a few hundred digits"),
        seeds=(1,),
        few_seeds="it only shows that all works",
        settings={"neurons": 20, "images": 400},
    )

    def measure(self, run: Run) -> dict[str, float]:
        digits = Digits.of(run, self.images)
        shown = np.tile(digits.images, (self.passes, 1))
        found: dict[str, float] = {}
        spikes = layer_for_digits(run, self.neurons)
        counts = learn(run, spikes, shown, "STDP at spikes")
        found["accuracy, STDP at spikes"] = accuracies(run, spikes, digits)[0]
        layer = self.at_intervals(run)
        learn(run, layer, shown, "STDP at intervals")
        found["accuracy"], weights = accuracies(run, layer, digits)[0], layer.weights
        for bits in (8, 6, 4):
            # Q0.f: weights are between 0 and 1.
            layer.weights = np.round(weights * 2.0**bits) / 2.0**bits
            found[f"accuracy, {bits} bits"] = accuracies(run, layer, digits, what=f"{bits} bits")[0]
        still = self.at_intervals(run)
        still.learning.on = False
        learn(run, still, shown[:600], "not learnt")
        found["accuracy, weights not learnt"] = accuracies(run, still, digits)[0]
        found["points lost to the rule at intervals"] = 100 * (found["accuracy, STDP at spikes"] - found["accuracy"])
        found["points lost to 8 bits"] = 100 * (found["accuracy"] - found["accuracy, 8 bits"])
        return found | self.updates(spikes, shown, counts)

    def at_intervals(self, run: Run) -> Any:
        rule = sl.plasticity.IntervalSTDP(every=20.0, a_plus=0.06, a_minus=6e-4)
        return layer_for_digits(run, self.neurons, plasticity=rule)

    def updates(self, layer: Any, shown: np.ndarray, counts: np.ndarray) -> dict[str, float]:
        """Of weights, for an image that is shown once.

        At expected presynaptic and counted postsynaptic spikes; at all synapses in each interval.
        """
        heard = layer.rate * layer.shown / 1000.0 * shown.sum(1).mean()
        at_spikes = heard * self.neurons + counts.sum(1).mean() * 64
        at_intervals = (layer.shown + layer.rest) / 20.0 * 64 * self.neurons
        return {
            "updates of weights at spikes": at_spikes,
            "updates of weights at intervals": at_intervals,
            "updates of weights, share of those at spikes": at_intervals / at_spikes,
        }
