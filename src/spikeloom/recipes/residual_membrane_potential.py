"""RMP-SNN: what a potential has above its threshold stays, and rates are linear in the input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, digits, trained
from spikeloom.recipes._trained_images import answers_over_time, images, six_convolutions

LONGEST = 128
RESETS = {"hard": True, "soft": False}


class ResidualMembranePotential(Recipe):
    row, family = "V16, M41", "conversion"
    title = "Residual membrane potentials"
    reference = Reference(
        "Han, Srinivasan and Roy", 2020,
        "RMP-SNN: residual membrane potential neuron for enabling deeper high-accuracy and low-latency spiking neural "
        "network", "CVPR", arxiv="2003.01811",
    )  # fmt: skip
    claim = (
        "A reset that subtracts the threshold keeps what is left of the input: rates are linear in it, where a reset "
        "to 0 loses it in each spike and layer. Deep converted networks need far fewer steps for the same accuracy."
    )
    claimed = "CIFAR-10 93.63 %, CIFAR-100 70.93 %, ImageNet 73.26 % (VGG-16); 2 to 8 times fewer steps"
    shown = (
        "Digits of scikit-learn with four hidden layers of 64, an input that stands still, potentials that begin at 0, "
        "thresholds at the 99.9th percentile of activations. Errors of rates are those of the last hidden layer, in "
        "units of its largest activation, with thresholds at the largest ones. Balanced thresholds are 0.7 of the "
        "largest input that spikes bring, layer after layer, in a network of 128 and 64 neurons. In the full form six "
        "convolutions without biases learn Fashion-MNIST. The control has resets to 0."
    )
    chance, control = 0.1, "accuracy, 8 steps, hard reset"

    fashion: bool = setting(False, "also six convolutions on Fashion-MNIST")

    quick = Form(
        Bar("accuracy, 8 steps", at_least=0.928, why="0.951 in the row, less two standard errors of 360 digits"),
        Bar("points gained by soft resets, 8 steps", at_least=4.0, why="7.8 in the row, by half"),
        Bar("error of rates, 128 steps, hard reset", between=(0.07, 0.13), why="0.0997 in the row, by a third"),
        Bar("error of rates, 128 steps", at_most=0.0128, why="0.0051 in the row, two and a half times that"),
        Bar("exponent of the error, soft reset", between=(-1.2, -0.8), why="the row: it falls as 1 / T"),
        Bar("exponent of the error, hard reset", between=(-0.2, 0.05), why="the row: it does not fall"),
        Bar("difference from min(z, 1), soft reset", at_most=0.001001, why="less than a spike of 1000"),
        Bar("difference from 1 / ceil(1 / z), hard reset", at_most=0.001001, why="less than a spike of 1000"),
        Bar("largest error of a rate, hard reset", between=(0.485, 0.495), why="0.49 in the row: 0.99 gives 1 / 2"),
        Bar("steps, balanced thresholds, over largest activations", at_most=1.0, why="the row: fewer steps"),
    )  # fmt: skip
    full = Form(
        *quick.bars,
        Bar(
            "steps of soft resets over hard ones",
            at_most=0.5,
            why="the row: at most half the steps",
            missed="In six layers less adds up than in the paper's sixteen and more: a sixth fewer steps.",
        ),
        settings={"fashion": True},
    )

    def measure(self, run: Run) -> Figures:
        data = digits()
        model, shallow = trained(data, 64, 64, 64, 64, seed=run.seed), trained(data, seed=run.seed, epochs=12)
        curves = {
            reset: accuracies(model, data, code(hard_reset=hard), LONGEST) for reset, hard in RESETS.items()
        }  # fmt: skip
        found = {"accuracy, original": data.accuracy(model)}
        for steps in (8, 16, 32, LONGEST):
            found[f"accuracy, {steps} steps"] = curves["soft"][steps - 1]
            found[f"accuracy, {steps} steps, hard reset"] = curves["hard"][steps - 1]
        gained = found["accuracy, 8 steps"] - found["accuracy, 8 steps, hard reset"]
        found |= {"points gained by soft resets, 8 steps": 100 * gained}
        found |= of_rates(model, data) | of_one_neuron() | of_balance(shallow, data)
        run.draw("Accuracy over time", lambda axes: draw(axes, curves))
        return found | (of_images(run) if self.fashion else {})


def code(threshold: sl.conversion.Threshold | None = None, **given: Any) -> sl.conversion.RateCode:
    """Neurons that begin at 0."""
    return sl.conversion.RateCode(threshold or sl.conversion.Percentile(99.9), start=0.0, **given)


def accuracies(model: nn.Module, data: Digits, method: sl.conversion.Method, steps: int) -> list[float]:
    """After each step."""
    return [data.accuracy(y) for y in sl.convert(model, data.inputs, method, steps=steps).over_time(data.test)]


def of_rates(model: nn.Sequential, data: Digits) -> dict[str, float]:
    """Errors of rates of the last hidden layer, and how they fall with the number of steps."""
    found, lengths = {}, (32, 64, LONGEST)
    exact = model[:-1](data.test)
    for reset, hard in RESETS.items():
        last = sl.convert(model[:-1], data.inputs, code(sl.conversion.Maximum(), hard_reset=hard), steps=LONGEST)
        told = last.over_time(data.test)
        errors = [float((told[steps - 1] - exact).abs().mean() / exact.max()) for steps in lengths]
        found[f"error of rates, {LONGEST} steps" + ", hard reset" * hard] = errors[-1]
        found[f"exponent of the error, {reset} reset"] = slope(lengths, errors)
    return found


def slope(lengths: Sequence[int], errors: Sequence[float]) -> float:
    """Of logarithms, from the first to the last."""
    return math.log(errors[-1] / errors[0]) / math.log(lengths[-1] / lengths[0])


def of_one_neuron() -> dict[str, float]:
    """Rates of a neuron with threshold 1 for a constant input, against the formulas."""
    some = torch.tensor([0.3, 0.55, 0.7, 0.9])
    soft, hard = (rates(some, 1000, soft_reset=soft) for soft in (True, False))
    grid = torch.arange(100) / 100
    return {
        "difference from min(z, 1), soft reset": float((soft - some.clamp(max=1.0)).abs().max()),
        "difference from 1 / ceil(1 / z), hard reset": float((hard - 1 / (1 / some).ceil()).abs().max()),
        "largest error of a rate, soft reset": float((rates(grid, 200, soft_reset=True) - grid).abs().max()),
        "largest error of a rate, hard reset": float((rates(grid, 200, soft_reset=False) - grid).abs().max()),
    }


def rates(z: Tensor, steps: int, *, soft_reset: bool) -> Tensor:
    spikes: Tensor = sl.IF(v_th=1.0, soft_reset=soft_reset)(z.expand(steps, 1, -1))
    return spikes.mean((0, 1))


def of_balance(model: nn.Module, data: Digits) -> dict[str, float]:
    """Steps to a point less than the original, with thresholds that spikes have set and those of activations."""
    balanced = accuracies(model, data, code(sl.conversion.Maximum(), sequential=True, factor=0.7), 64)
    largest = accuracies(model, data, code(sl.conversion.Maximum()), 64)
    steps = [needed(curve, data.accuracy(model)) for curve in (balanced, largest)]
    return {
        "steps, balanced thresholds": steps[0],
        "steps, largest activations": steps[1],
        "steps, balanced thresholds, over largest activations": steps[0] / steps[1],
    }


def needed(curve: Sequence[float], exact: float) -> float:
    """The fewest steps after which accuracy is within a point of the original's; 999 where it never is."""
    return next((float(step) for step, value in enumerate(curve, 1) if value >= exact - 0.01), 999.0)


def of_images(run: Run) -> dict[str, float]:
    """The same of six convolutions on Fashion-MNIST."""
    data = images("fashion_mnist", learnt=8_000, tested=400)
    model = six_convolutions(data, seed=run.seed)
    found = {"accuracy, Fashion-MNIST, original": data.accuracy(model)}
    for reset, hard in RESETS.items():
        net = sl.convert(model, data.inputs, code(hard_reset=hard), steps=64)
        curve = [data.accuracy(y) for y in answers_over_time(net, data.test)]
        found[f"accuracy, Fashion-MNIST, 64 steps, {reset} reset"] = curve[-1]
        found[f"steps, Fashion-MNIST, {reset} reset"] = needed(curve, found["accuracy, Fashion-MNIST, original"])
    ratio = found["steps, Fashion-MNIST, soft reset"] / found["steps, Fashion-MNIST, hard reset"]
    return found | {"steps of soft resets over hard ones": ratio}


def draw(axes: Any, curves: dict[str, list[float]]) -> None:
    for name, curve in curves.items():
        axes.semilogx(range(1, 1 + len(curve)), curve, base=2, label=f"{name} reset")
    axes.set(xlabel="steps", ylabel="accuracy")
    axes.legend()
