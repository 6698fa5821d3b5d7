"""Conversion by few spikes: the binary digits of an activation, in as many steps as there are bits."""

from __future__ import annotations

import torch

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run
from spikeloom.recipes._trained_digits import digits, run_and_count, trained

STEPS = (3, 4, 5, 6, 8)


class FewSpikesConversion(Recipe):
    row, family = "A16, P09", "conversion"
    title = "Few-spike neurons"
    reference = Reference(
        "Stoeckl and Maass",
        2021,
        "Optimized spiking neurons can classify images with high accuracy through temporal coding with two spikes",
        arxiv="2002.00860",
    )
    claim = (
        "Neurons with a threshold, a subtraction and an output weight for each of K steps stand for a unit of a "
        "trained network, with about two spikes and an error of alpha 2^-K; networks keep almost all of their accuracy."
    )
    claimed = "ResNet50: 92.5 % on CIFAR-10, 75.5 % on ImageNet"
    shown = (
        "Digits of scikit-learn, 64-100-100-10 with rectifiers, alpha the largest activation of a layer. Steps are "
        "those of a layer's window. The control is a rate code of as many steps (99.9th percentile, soft reset)."
    )
    chance, control = 0.1, "accuracy, rate code, 3 steps"

    quick = full = Form(
        Bar("accuracy, 3 steps", at_least=0.964, why="0.980 in the survey, less two standard errors of 360 digits"),
        Bar("loss, 5 steps", at_most=0.005, why="less than 0.001 in the survey; two of 360 digits are 0.0056"),
        Bar("error over alpha 2^-K", between=(0.999, 1.0), why="a floor quantiser, on a grid a thousand times finer"),
        Bar("spikes per neuron, 5 steps", between=(0.8, 1.7), why="1.25 in the survey, 0.8 with the fewest bits"),
        Bar("spikes per neuron, 8 steps", between=(1.8, 2.9), why="2.33 in the survey, half a spike either way"),
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        data = digits()
        model = trained(data, 100, 100, seed=run.seed)
        found = {"accuracy, original": data.accuracy(model), "error over alpha 2^-K": largest_error()}
        for steps in STEPS:
            net = sl.convert(model, data.inputs, "few-spikes", steps=steps)
            y, spikes, _ = run_and_count(net, data.test)
            found[f"accuracy, {steps} steps"] = data.accuracy(y)
            found[f"loss, {steps} steps"] = data.accuracy(model) - data.accuracy(y)
            found[f"spikes per neuron, {steps} steps"] = spikes / 200
            rates = sl.convert(model, data.inputs, "percentile", steps=steps)
            found[f"accuracy, rate code, {steps} steps"] = data.accuracy(rates(data.test))
        return found


def largest_error(alpha: float = 4.0) -> float:
    """In units of alpha 2^-K, for 2 to 8 bits, the largest for any of them."""
    grid, worst = 1 << 18, []
    values = torch.arange(grid) * (alpha / grid)
    for bits in range(2, 9):
        x = torch.zeros(bits, 1, grid)
        x[0, 0] = values
        told = sl.neurons.WeightedSpikes(period=torch.tensor(float(bits)), v_th=alpha, carried=False)(x).sum(0)[0]
        worst.append(float((values - alpha * told).max()) / (alpha * 2.0**-bits))
    return max(worst)
