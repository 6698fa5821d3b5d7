"""Progressive tandem learning: layers become spiking one after another, and those behind them learn from the spikes."""

from __future__ import annotations

from functools import partial

import torch

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, digits, trained


class ProgressiveTandem(Recipe):
    row, family, title = "A28", "conversion", "Progressive tandem learning"
    reference = Reference(
        "Wu, Xu, Zhang, Zhou, Li and Tan", 2021,
        "Progressive tandem learning for pattern recognition with deep spiking neural networks", "IEEE TPAMI",
        arxiv="2007.01204",
    )  # fmt: skip
    claim = (
        "A trained network is converted layer after layer; what a spiking layer loses is learnt away by the layers "
        "behind it before these become spiking, so that few steps are enough."
    )
    claimed = "a tenth of the inference time and synaptic operations of other spiking networks"
    shown = (
        "Digits of scikit-learn, two hidden layers, thresholds at the 99th percentile of activations, 4 and 8 steps of "
        "an input that stands still; in the paper it is shown in the first step alone. A fifth of the training digits "
        "says when a layer is done. Low-precision weights, limited fan-in and regression are left away. The control is "
        "the network converted at once."
    )
    chance, control = 0.1, "accuracy, 4 steps, converted at once"

    patience: int = setting(3, "passes without a gain that end a stage", at_least=1)
    most: int = setting(10, "most passes of a stage", at_least=1)

    quick = Form(
        Bar("accuracy, 4 steps", at_least=0.94, why="two standard errors of 360 digits below the ReLU network's 0.96"),
        Bar("points gained, 4 steps", at_least=1.0, why="the row: at least one point above the raw conversion"),
        Bar("largest error of a count", at_most=0.0, why="clip(floor(a T / theta), 0, T) for constant input"),
    )  # fmt: skip
    full = Form(*quick.bars, seeds=range(10))

    def measure(self, run: Run) -> Figures:
        every = digits()
        kept = len(every.inputs) * 4 // 5
        found = Digits(every.inputs[:kept], every.labels[:kept], every.test, every.answers)
        model = trained(found, seed=run.seed)
        method = sl.conversion.RateCode(sl.conversion.Percentile(99.0), start=0.0)
        figures = {"accuracy, ReLU": found.accuracy(model), "largest error of a count": count_error()}
        for steps in (4, 8):
            raw = sl.convert(model, found.inputs, method, steps=steps)
            tuned = sl.conversion.tune_progressively(
                raw, found.inputs, found.labels, (every.inputs[kept:], every.labels[kept:]), lr=1e-2,
                patience=self.patience, most=self.most, seed=run.seed, track=partial(run.track, what=f"{steps} steps"),
            )  # fmt: skip
            figures[f"accuracy, {steps} steps, converted at once"] = found.accuracy(raw)
            figures[f"accuracy, {steps} steps"] = found.accuracy(tuned)
        gained = figures["accuracy, 4 steps"] - figures["accuracy, 4 steps, converted at once"]
        return figures | {"points gained, 4 steps": 100 * gained}


def count_error(steps: int = 8) -> float:
    """Between counts and quantised activations, for inputs in eighths of the threshold and a half of them."""
    a = (torch.arange(-16, 32) + 0.5) / 16
    counts = sl.IF(soft_reset=True)(a.expand(steps, 1, -1)).sum(0)[0]
    return float((counts - (a * steps).floor().clamp(0, steps)).abs().max())
