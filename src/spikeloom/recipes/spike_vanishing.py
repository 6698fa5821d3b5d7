"""Spikes vanish in deep layers: what shows it, and thresholds that cure it."""

from __future__ import annotations

import copy
from itertools import pairwise

from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import counted, digits, trained

STEPS = (4, 8, 16, 32, 64)


class SpikeVanishing(Recipe):
    row, family, title = "V18", "conversion", "Spike vanishing in deep layers"
    reference = Reference(
        "Rueckauer, Lungu, Hu, Pfeiffer and Liu", 2017,
        "Conversion of continuous-valued deep networks to efficient event-driven networks for image classification",
        "Frontiers in Neuroscience 11:682",
    )  # fmt: skip
    claim = (
        "Where weights are small for the thresholds, each layer passes on less activity, until deep layers are silent "
        "and the answer is lost; thresholds that fit the activations of each layer bring all rates back."
    )
    shown = (
        "Digits of scikit-learn, five hidden layers of 100, weights times 0.3 and biases by the same power, so that "
        "the network's answers are what they were. Thresholds of 1 let spikes vanish; the cure is a threshold at the "
        "99.9th percentile of activations in each layer. The report of the conversion names the layers."
    )
    chance, control = 0.1, "accuracy, 16 steps, thresholds 1"

    factor: float = setting(0.3, "weights are multiplied by", at_least=0.01)

    quick = full = Form(
        Bar("accuracy, 16 steps", at_least=0.956, why="0.973 in the row; two standard errors of 360 digits"),
        Bar("accuracy, 16 steps, thresholds 1", at_most=0.16, why="0.10 to 0.16 in the row"),
        Bar("rate, layer 1, thresholds 1", between=(0.075, 0.113), why="0.094 in the row, by a fifth"),
        Bar("largest share of a rate in that before, thresholds 1", at_most=0.65, why="the largest in the row"),
        Bar("layers named, 16 steps, thresholds 1", at_least=3.0, why="layers 3 to 5, whose rates are below 1 / 16"),
        Bar("layers named, 16 steps", at_most=0.0, why="no alarm where rates are those of activations"),
        Bar("least rate of a layer", at_least=0.09, why="0.12 in the row's hidden layers, less a quarter"),
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        data = digits()
        model = weakened(trained(data, *[100] * 5, seed=run.seed), self.factor)
        found = {"accuracy, original": data.accuracy(model)}
        methods: dict[str, str | sl.conversion.Method] = {
            "": "percentile", ", thresholds 1": sl.conversion.RateCode(sl.conversion.Fixed(1.0), start=0.0),
        }  # fmt: skip
        for name, method in methods.items():
            net = sl.convert(model, data.inputs, method, steps=64)
            curve = [data.accuracy(y) for y in net.over_time(data.test)]
            rates = [float(each.mean()) / 64 for each in counted(net, data.test).sites.values()]
            found |= {f"accuracy, {steps} steps{name}": curve[steps - 1] for steps in STEPS}
            found |= {f"rate, layer {number}{name}": rate for number, rate in enumerate(rates, 1)}
            found[f"least rate of a layer{name}"] = min(rates)
            found[f"largest share of a rate in that before{name}"] = max(b / a for a, b in pairwise(rates) if a > 0)
            report = sl.conversion.measure(net, model, data.test[::6], steps=16)
            found[f"layers named, 16 steps{name}"] = len(report.vanishing)
        return found


def weakened(model: nn.Sequential, factor: float) -> nn.Sequential:
    """Weights times a factor; biases times its power, by which the outputs are those of before times a power."""
    result = copy.deepcopy(model)
    for number, layer in enumerate(result[::2].children(), 1):
        assert isinstance(layer, nn.Linear)
        layer.weight.mul_(factor)
        layer.bias.mul_(factor**number)
    return result
