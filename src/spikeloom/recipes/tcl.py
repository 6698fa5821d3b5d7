"""TCL: clipping bounds learnt with the weights are good thresholds of converted neurons."""

from __future__ import annotations

from functools import partial

from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import digits, trained


class ClippingLayers(Recipe):
    name = "tcl"
    row, family, title = "A41", "conversion", "Trainable clipping layers"
    reference = Reference(
        "Ho and Chang", 2021, "TCL: an ANN-to-SNN conversion with trainable clipping layers",
        "Design Automation Conference", arxiv="2008.04509",
    )  # fmt: skip
    claim = (
        "A network trained with activations that are clipped at learnt bounds keeps its accuracy, and converted with "
        "the bounds as thresholds it needs far fewer steps than with the largest activations."
    )
    claimed = "ImageNet with 250 steps: VGG-16 71.12 %, ResNet-34 73.38 %"
    shown = (
        "Digits of scikit-learn, two hidden layers, a ReLU network fine-tuned for ten passes with clipped activations. "
        "Neurons begin at half of their threshold, which is not in the paper; figures from 0 are beside. "
        "In the control the ReLU network is converted with its largest activations as thresholds."
    )
    chance, control = 0.1, "accuracy, 4 steps, largest activations"

    epochs: int = setting(10, "passes with clipped activations", at_least=1)
    decay: float = setting(0.01, "L2 penalty of the bounds", at_least=0.0)

    quick = Form(
        Bar("accuracy, 4 steps", at_least=0.955, why="0.972 in the row; two standard errors of 360 digits"),
        Bar("accuracy, 2 steps", at_least=0.95, why="0.970 in the row; two standard errors of 360 digits"),
        Bar("points lost, 8 steps", at_most=0.3, why="the row: all within 0.3 points from 8 steps on"),
        Bar(
            "accuracy, clipped activations",
            at_least=0.98,
            why="0.990 in the row; two standard errors",
            missed="On this division of the digits the ReLU network itself has 0.97; clipping costs it nothing.",
        ),
        Bar(
            "largest error of a rate, 256 steps",
            at_most=1 / 256,
            why="of a clipped activation in units of its bound less than one spike may be missing",
        ),
    )  # fmt: skip
    full = Form(*quick.bars, seeds=range(10))

    def measure(self, run: Run) -> Figures:
        found = digits()
        model = trained(found, seed=run.seed)
        tuned = sl.conversion.fine_tune(
            model, found.inputs, found.labels, activation=sl.conversion.TCL(), epochs=self.epochs, lr=2e-3,
            decay=self.decay, percent=99.0, seed=run.seed, track=partial(run.track, what="clipped"),
        )  # fmt: skip
        robust, plain = sl.conversion.RateCode(), sl.conversion.RateCode(start=0.0)
        figures = {"accuracy, clipped activations": found.accuracy(tuned), "accuracy, ReLU": found.accuracy(model)}
        for steps in (2, 4, 8):
            spiking = sl.convert(tuned, found.inputs, robust, steps=steps)
            figures[f"accuracy, {steps} steps"] = found.accuracy(spiking)
            slow = sl.convert(tuned, found.inputs, plain, steps=steps)
            figures[f"accuracy, {steps} steps, from potential 0"] = found.accuracy(slow)
            largest = sl.convert(model, found.inputs, "layer-wise", steps=steps)
            figures[f"accuracy, {steps} steps, largest activations"] = found.accuracy(largest)
        lost = figures["accuracy, clipped activations"] - figures["accuracy, 8 steps"]
        first = nn.Sequential(tuned.get_submodule("0"), tuned.get_submodule("relu_1"))
        told = sl.convert(first, found.inputs, robust, steps=256)(found.test)
        error = (told - first(found.test)).detach().abs().max() / first[1].value
        return figures | {"points lost, 8 steps": 100 * lost, "largest error of a rate, 256 steps": float(error)}
