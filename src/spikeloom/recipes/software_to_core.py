"""From a trained perceptron to cores of 256 neurons: normalised weights, eight bits, and how many cores it takes."""

from __future__ import annotations

import torch
from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, digits, trained
from spikeloom.recipes._trained_images import answers_over_time, images, trained_on

STEPS = 100


class SoftwareToCore(Recipe):
    row, family = "M31", "conversion"
    title = "A perceptron on cores of 256 neurons"
    reference = Reference(
        "Dang and Ben Abdallah", 2020,
        "An efficient software-hardware design framework for spiking neural network systems", arxiv="2003.09847",
    )  # fmt: skip
    claim = (
        "A trained perceptron, converted with normalised weights of few bits, runs on cores of 256 neurons and 65 536 "
        "synapses that exchange spikes."
    )
    claimed = "MNIST 99 % for 784-1200-1200-10, converted; 89 % by plasticity"
    shown = (
        "Digits of scikit-learn, 64-128-64-10 (the full form: MNIST, 784-1200-1200-10), Poisson spikes of the image "
        "for 100 steps, resets by subtraction, thresholds at the 99.9th percentile, which is a normalisation of "
        "weights. Weights of few bits have one step for each layer; thresholds and biases are whole, too. Cores are "
        "counted for the paper's network. Learning by plasticity is in `diehl-cook-2015` and `diehl-cook-digits`. The "
        "control has thresholds of 1, which for the network of the full form are as good."
    )
    chance, control = 0.1, "accuracy, thresholds 1"

    mnist: bool = setting(False, "MNIST and the paper's network")

    quick = Form(
        Bar("accuracy, 8 bits", at_least=0.955, why="0.974 of the network on other seeds, less two standard errors"),
        Bar("points lost, 50 steps", at_most=0.5, why="the row: within half a point after 50 to 100 steps"),
        Bar("points lost, 100 steps", at_most=0.5, why="the row: within half a point after 50 to 100 steps"),
        Bar("points lost by 8 bits", at_most=1.0, why="the row: less than a point"),
        Bar("cores of 784-1200-1200-10", between=(50, 50), why="by hand: 4 x 5, 5 x 5 and 5 x 1 cores of 256 x 256"),
    )
    full = Form(*quick.bars, settings={"mnist": True})

    def measure(self, run: Run) -> Figures:
        data, model = self.perceptron(run)
        exact = data.accuracy(model)
        net = sl.convert(model, data.inputs, "percentile", steps=STEPS)
        curve = accuracies(net, data, run)
        found = {"accuracy, original": exact, "accuracy": curve[-1]}
        found |= {f"points lost, {steps} steps": 100 * (exact - curve[steps - 1]) for steps in (50, STEPS)}
        for bits in (2, 3, 4, 8):
            whole = sl.conversion.quantised(net, bits, each="layer")
            found[f"accuracy, {bits} bits"] = accuracies(whole, data, run)[-1]
        found["points lost by 8 bits"] = 100 * (curve[-1] - found["accuracy, 8 bits"])
        plain = sl.conversion.RateCode(sl.conversion.Fixed(1.0), start=0.0)
        unbalanced = sl.convert(model, data.inputs, plain, steps=STEPS)
        found["accuracy, thresholds 1"] = accuracies(unbalanced, data, run)[-1]
        cores = sl.hardware.cores_of_layers(of_paper())
        return found | {"cores of 784-1200-1200-10": float(sum(cores.values()))}

    def perceptron(self, run: Run) -> tuple[Digits, nn.Module]:
        """Data and what has learnt them."""
        if not self.mnist:
            flat = digits()
            return flat, trained(flat, seed=run.seed)
        data = images("mnist", learnt=10_000, tested=400)
        torch.manual_seed(run.seed)
        return data, trained_on(data, of_paper(), seed=run.seed, epochs=3, lr=1e-3)


def of_paper() -> nn.Module:
    layers = (nn.Linear(784, 1200), nn.ReLU(), nn.Linear(1200, 1200), nn.ReLU(), nn.Linear(1200, 10))
    return nn.Sequential(nn.Flatten(), *layers)


def accuracies(net: sl.conversion.Converted, data: Digits, run: Run) -> list[float]:
    """After each step, for spikes that are the same for all networks."""
    generator = torch.Generator().manual_seed(run.seed)
    told = answers_over_time(net, data.test, lambda x: sl.coding.bernoulli(x, STEPS, generator=generator))
    return [data.accuracy(y) for y in told]
