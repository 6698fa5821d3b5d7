"""Hybrid conversion: a converted network, trained on by back-propagation that depends on spike times."""

from __future__ import annotations

from functools import partial

import torch

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, digits, perceptron, trained

STEPS = 8


class HybridConversion(Recipe):
    row, family = "A42", "conversion"
    title = "Hybrid conversion and spike-timing-dependent back-propagation"
    reference = Reference(
        "Rathi, Srinivasan, Panda and Roy", 2020,
        "Enabling deep spiking neural networks with hybrid conversion and spike timing dependent backpropagation",
        "ICLR", arxiv="2005.01807",
    )  # fmt: skip
    claim = (
        "A converted network is a good beginning for training with spikes: a few passes, with a surrogate slope that "
        "decays with the time since a neuron's last spike, reach with few steps what conversion needs many for."
    )
    claimed = "ImageNet 65.19 % with 250 steps, less than 20 passes"
    shown = (
        "Digits of scikit-learn as Poisson spikes in 8 steps, two hidden layers without biases; thresholds are 0.7 of "
        "the largest input, layer after layer, found with inputs that stand still. Five passes follow. The control is "
        "the network that is only converted; another one begins with random weights and has the same passes."
    )
    chance, control = 0.1, "accuracy, converted only"

    epochs: int = setting(5, "passes with spikes", at_least=1)

    quick = Form(
        Bar("accuracy", at_least=0.95, why="two points below the ReLU network: two standard errors of 360 digits"),
        Bar(
            "points gained by passes with spikes",
            at_least=1.1,
            why="the row: hybrid above conversion only, here by a standard error of 360 digits",
            missed="With thresholds found layer after layer, 8 steps cost the conversion but two points; what the "
            "passes gain, half a point, is less than a standard error, and one seed gains nothing.",
        ),
        Bar("points above a random beginning", at_least=2.0, why="the row: hybrid above training from scratch"),
    )
    full = Form(*quick.bars, seeds=range(10))

    def measure(self, run: Run) -> Figures:
        found = digits()
        model = trained(found, seed=run.seed, bias=False)
        method = sl.conversion.RateCode(sl.conversion.Maximum(), start=0.0, sequential=True, factor=0.7)
        begun = {
            "": sl.convert(model, found.inputs, method, steps=STEPS),
            ", random beginning": sl.convert(perceptron(seed=run.seed, bias=False), found.inputs, method, steps=STEPS),
        }
        figures = {
            "accuracy, converted only": shown(begun[""], found, run.seed),
            "accuracy, ReLU": found.accuracy(model),
        }
        for name, net in begun.items():
            tuned = sl.conversion.tune_spiking(
                net, found.inputs, found.labels, gradient=sl.conversion.ByLastSpike(), encoder=poisson(),
                epochs=self.epochs, lr=2e-3, batch=32, seed=run.seed, track=partial(run.track, what="spikes" + name),
            )  # fmt: skip
            figures[f"accuracy{name}"] = shown(tuned, found, run.seed)
        return figures | {
            "points gained by passes with spikes": 100 * (figures["accuracy"] - figures["accuracy, converted only"]),
            "points above a random beginning": 100 * (figures["accuracy"] - figures["accuracy, random beginning"]),
        }


def poisson() -> sl.coding.Poisson:
    """As many spikes as steps for white."""
    return sl.coding.Poisson(STEPS, max_rate=1000.0)


@torch.no_grad()
def shown(net: sl.conversion.Converted, found: Digits, seed: int) -> float:
    """Accuracy in the mean over five showings, the same ones for each network."""
    generator, encode = torch.Generator().manual_seed(seed), poisson()
    right = [net(encode(found.test, generator), encoded=True).argmax(1) == found.answers for _ in range(5)]
    return float(torch.stack(right).double().mean())
