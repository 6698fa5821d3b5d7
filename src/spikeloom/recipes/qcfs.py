"""QCFS: a network that rounds as spiking neurons do loses nothing when it is converted."""

from __future__ import annotations

from functools import partial

from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import digits, trained


class QuantisedClipFloorShift(Recipe):
    name = "qcfs"
    row, family, title = "A41", "conversion", "Quantised clip-floor-shift activations"
    reference = Reference(
        "Bu, Fang, Ding, Dai, Yu and Huang", 2022,
        "Optimal ANN-SNN conversion for high-accuracy and ultra-low-latency spiking neural networks", "ICLR",
    )  # fmt: skip
    claim = (
        "Activations that are rounded to a few levels below a learnt bound, with half a level added, are the rates of "
        "neurons that begin at half of their threshold: in expectation nothing is lost, and a few steps are enough."
    )
    shown = (
        "Digits of scikit-learn, two hidden layers, a ReLU network fine-tuned for ten passes with four levels. Spikes "
        "reach the second layer unevenly spread, by which its rates differ from the activations; with spikes that can "
        "be taken back, which are not in the paper, that error goes. In the control the ReLU network is converted with "
        "its largest activations as thresholds and neurons that begin at 0."
    )
    chance, control = 0.1, "accuracy, 4 steps, ReLU"

    levels: int = setting(4, "levels of activations", at_least=1)
    epochs: int = setting(10, "passes with them", at_least=1)

    quick = Form(
        Bar("accuracy, 4 steps", at_least=0.955, why="0.972 in the survey's row of clipped activations; two errors"),
        Bar(
            "points lost, 4 steps", at_most=1.0, why="a standard error of 360 digits: the paper's error is 0 on average"
        ),
        Bar("points lost, 4 steps, ternary spikes", at_most=0.6, why="two digits of 360 may fall to other sides"),
        Bar(
            "largest error of a rate, as many steps as levels", at_most=1e-5, why="equal for one layer: rounding errors"
        ),
    )
    full = Form(*quick.bars, seeds=range(10))

    def measure(self, run: Run) -> Figures:
        found = digits()
        model = trained(found, seed=run.seed)
        activation = sl.conversion.QCFS(levels=self.levels)
        tuned = sl.conversion.fine_tune(
            model, found.inputs, found.labels, activation=activation, epochs=self.epochs, lr=2e-3, percent=99.0,
            seed=run.seed, track=partial(run.track, what="rounded"),
        )  # fmt: skip
        exact = found.accuracy(tuned)
        figures = {"accuracy, rounded activations": exact, "accuracy, ReLU": found.accuracy(model)}
        for steps in (2, 4, 8):
            spiking = sl.convert(tuned, found.inputs, sl.conversion.RateCode(), steps=steps)
            figures[f"accuracy, {steps} steps"] = found.accuracy(spiking)
            plain = sl.convert(model, found.inputs, "layer-wise", steps=steps)
            figures[f"accuracy, {steps} steps, ReLU"] = found.accuracy(plain)
        ternary = sl.convert(tuned, found.inputs, sl.conversion.RateCode(spikes="ternary"), steps=4)
        figures["accuracy, 4 steps, ternary spikes"] = found.accuracy(ternary)
        first = nn.Sequential(tuned.get_submodule("0"), tuned.get_submodule("relu_1"))
        told = sl.convert(first, found.inputs, sl.conversion.RateCode(), steps=self.levels)(found.test)
        return figures | {
            "points lost, 4 steps": 100 * (exact - figures["accuracy, 4 steps"]),
            "points lost, 4 steps, ternary spikes": 100 * (exact - figures["accuracy, 4 steps, ternary spikes"]),
            "largest error of a rate, as many steps as levels": float((told - first(found.test)).detach().abs().max()),
        }
