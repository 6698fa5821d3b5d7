"""The general recipe of conversion: rates for activations, thresholds from data or from weights, and what they cost."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run
from spikeloom.recipes._trained_digits import Digits, counted, digits, trained

STEPS = (4, 8, 16, 32)
SCALES = (0.3, 0.5, 1.0, 2.0, 4.0)
LONGEST = 96


class RateConversion(Recipe):
    row, family = "V01, V02, V03, V15", "conversion"
    title = "Rates for activations: thresholds by data and by weights"
    reference = Reference(
        "Diehl, Neil, Binas, Cook, Liu and Pfeiffer", 2015,
        "Fast-classifying, high-accuracy spiking deep networks through weight and threshold balancing", "IJCNN",
    )  # fmt: skip
    claim = (
        "Integrate-and-fire neurons with the weights of a trained network do what it does, by their rates, if weights "
        "or thresholds are balanced: by activations on data it is fast, by the weights alone nothing ever saturates."
    )
    claimed = "MNIST: 98.64 % for a perceptron and 99.14 % for a convolutional network, with 0.5 s of input"
    shown = (
        "Digits of scikit-learn, 64-128-64-10 with biases as currents, an input that stands still, soft resets, "
        "potentials that begin at 0; the answer is the largest mean current of the last layer. The paper gives Poisson "
        "spikes and resets to 0. A scale multiplies the rates, thresholds being divided by it. The control "
        "keeps all thresholds at 1."
    )
    chance, control = 0.1, "accuracy, 16 steps, thresholds 1"

    quick = Form(
        Bar("accuracy, 16 steps", at_least=0.965, why="0.980 in the row; two standard errors of 360 digits"),
        Bar("points lost, 8 steps", at_most=1.6, why="0.9 in the row, and the standard error of 360 digits"),
        Bar("points lost, 32 steps", at_most=0.28, why="none in the row; one digit of 360"),
        Bar("accuracy, 4 steps, 99.9 percent", at_least=0.923, why="0.947 in the row; two standard errors"),
        Bar("points lost, 8 steps, 99.9 percent", at_most=0.9, why="none in the row; a standard error of 360 digits"),
        Bar("points gained by the percentile, 4 steps", at_least=1.8, why="9.6 in the row; two standard errors"),
        Bar("largest error of a rate, layer 1, times steps", at_most=1.0, why="less than one spike is missing: 1 / T"),
        Bar("mean error of rates, layer 1, 16 steps", between=(0.018, 0.024), why="0.021 in the row"),
        Bar("mean error of rates, layer 2, 16 steps", between=(0.025, 0.045), why="0.035 in the row, by a quarter"),
        Bar("largest rate, thresholds from weights", at_most=1.0 - 1e-9, why="the row: nothing saturates"),
        Bar(
            "slowness of thresholds from weights", between=(0.5, 2.0),
            why="the row: steps as the ratio of thresholds; that of the layers' geometric mean, by a factor of two",
        ),
        Bar("points below the best, rates times 0.3", at_least=0.56, why="U-shaped: too low; two digits of 360"),
        Bar("points below the best, rates times 4", at_least=0.56, why="U-shaped: too high; two digits of 360"),
    )  # fmt: skip
    full = Form(*quick.bars, seeds=range(10))

    def measure(self, run: Run) -> Figures:
        data = digits()
        model = trained(data, seed=run.seed)
        exact = data.accuracy(model)
        methods = {"": "layer-wise", ", 99.9 percent": "percentile", ", from weights": "model-based"}
        curves = {name: accuracies(model, data, method) for name, method in methods.items()}
        curves[", thresholds 1"] = accuracies(model, data, rates(sl.conversion.Fixed(1.0)))
        found = {"accuracy, original": exact}
        for name, curve in curves.items():
            found |= {f"accuracy, {steps} steps{name}": curve[steps - 1] for steps in STEPS}
            found[f"mean accuracy of all steps to {LONGEST}{name}"] = sum(curve) / LONGEST
        for name, steps in (("", 8), ("", 32), (", 99.9 percent", 8)):
            found[f"points lost, {steps} steps{name}"] = 100 * (exact - curves[name][steps - 1])
        found["points gained by the percentile, 4 steps"] = 100 * (curves[", 99.9 percent"][3] - curves[""][3])
        found |= of_rates(model, data) | of_weights(model, data, curves[""], curves[", from weights"], exact)
        found |= of_scales(model, data)
        run.draw("Accuracy over time", lambda axes: draw(axes, curves))
        return found


def rates(threshold: sl.conversion.Threshold, scale: float = 1.0) -> sl.conversion.RateCode:
    """Neurons that begin at 0, with rates that are `scale` times as high."""
    return sl.conversion.RateCode(threshold, factor=1 / scale, start=0.0)


def accuracies(model: nn.Module, data: Digits, method: str | sl.conversion.Method) -> list[float]:
    """After each step."""
    return [data.accuracy(y) for y in sl.convert(model, data.inputs, method, steps=LONGEST).over_time(data.test)]


def of_rates(model: nn.Sequential, data: Digits) -> dict[str, float]:
    """Errors of rates, for thresholds of the largest activations: rates are shares of them, clipped at 1."""
    found = {}
    for steps in (16, 64):
        net = sl.convert(model, data.inputs, "layer-wise", steps=steps)
        counts, activations = counted(net, data.test).sites, data.test
        for number, (name, site) in enumerate(net.sites.items(), 1):
            activations = model[2 * number - 2 : 2 * number](activations)
            error = (counts[name] / steps - (activations / site.get_buffer("scale")).clamp(max=1.0)).abs()
            found[f"mean error of rates, layer {number}, {steps} steps"] = float(error.mean())
            found[f"largest error of a rate, layer {number}, {steps} steps"] = float(error.max())
    # Potentials are sums of numbers that were rounded.
    largest = max(found[f"largest error of a rate, layer 1, {steps} steps"] * steps for steps in (16, 64))
    return found | {"largest error of a rate, layer 1, times steps": round(largest, 4)}


def of_weights(model: nn.Module, data: Digits, fast: list[float], slow: list[float], exact: float) -> dict[str, float]:
    """How thresholds from the weights compare with those from data, as ratios of steps and of thresholds."""
    bound, seen = (sl.convert(model, data.inputs, name, steps=LONGEST) for name in ("model-based", "layer-wise"))
    highest = max(float(each.max()) for each in counted(bound, data.test).sites.values()) / LONGEST
    above, below = (torch.stack([site.get_buffer("scale") for site in net.sites.values()]) for net in (bound, seen))
    steps = [needed(curve, exact) for curve in (slow, fast)]
    return {
        "largest rate, thresholds from weights": highest,
        "steps to a point less than the original": steps[1],
        "steps to a point less than the original, from weights": steps[0],
        "slowness of thresholds from weights": steps[0] / steps[1] / float((above / below).log().mean().exp()),
    }


def needed(curve: list[float], exact: float) -> float:
    """The fewest steps from which on accuracy is within a point of the original's."""
    return 1.0 + max((step for step, value in enumerate(curve, 1) if value < exact - 0.01), default=0)


def of_scales(model: nn.Module, data: Digits) -> dict[str, float]:
    """Accuracy after 16 steps with rates that are too low, right and too high."""
    told = {
        scale: data.accuracy(
            sl.convert(model, data.inputs, rates(sl.conversion.Percentile(99.9), scale), steps=16)(data.test)
        )
        for scale in SCALES
    }
    best = max(told.values())
    found = {f"accuracy, 16 steps, rates times {scale:g}": value for scale, value in told.items()}
    return found | {f"points below the best, rates times {scale:g}": 100 * (best - told[scale]) for scale in (0.3, 4)}


def draw(axes: Any, curves: dict[str, list[float]]) -> None:
    for name, curve in curves.items():
        axes.plot(range(1, 1 + len(curve)), curve, label=name.removeprefix(", ") or "largest")
    axes.set(xlabel="steps", ylabel="accuracy")
    axes.legend()
