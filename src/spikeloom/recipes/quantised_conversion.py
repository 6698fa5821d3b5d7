"""Conversion for machines that have few bits for a weight."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Figures, Form, Recipe, Reference, Run
from spikeloom.recipes._trained_digits import Digits, counted, digits, trained

BITS, STEPS, LEVELS = (8, 7, 6, 5, 4, 3, 2), 32, 16


class QuantisedConversion(Recipe):
    row, family, title = "V23", "conversion", "Weights of few bits in a conversion"
    reference = Reference(
        "Ji, Zhang, Chen and Xie", 2018,
        "Bridge the gap between neural networks and neuromorphic hardware with a neural network compiler", "ASPLOS",
    )  # fmt: skip
    claim = (
        "For a neuromorphic machine the weights of a converted network are rounded to whole numbers, and thresholds "
        "and currents are given in the same units: neurons then need integers only, and few bits are enough."
    )
    shown = (
        "Digits of scikit-learn, 64-128-64-10, thresholds at the 99.9th percentile, 32 steps. Steps of weights have "
        "the least squared error, for each layer or for each neuron's weights. Integers simulate the same network "
        "beside it; an input has whole sixteenths. The reference gives the setting; rounding without training is ours."
    )
    chance = 0.1
    control = Absent("rounding is a loss and no mechanism: the network before it is what it is compared with")

    quick = full = Form(
        Bar("accuracy, 5 bits, each layer", at_least=0.96, why="0.982 in the row's network, half a point, 2 errors"),
        Bar("most points lost, 5 to 8 bits, each layer", at_most=0.5, why="the row: half a point from 5 bits on"),
        Bar("most points lost, 5 to 8 bits, each channel", at_most=0.5, why="the row: half a point from 5 bits on"),
        Bar("points lost, 2 bits, each layer", at_least=2.0, why="the sweep has an end: two standard errors"),
        Bar("spikes that differ from integers", at_most=0.0, why="the row: exactly the same simulation"),
        Bar("outputs that differ from integers", at_most=0.0, why="the row: exactly the same simulation"),
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        data = digits()
        model = trained(data, seed=run.seed)
        net = sl.convert(model, data.inputs, "percentile", steps=STEPS)
        exact = data.accuracy(net)
        found = {"accuracy, original": data.accuracy(model), "accuracy, spikes": exact}
        spikes = outputs = 0.0
        for each in ("layer", "channel"):
            lost = {}
            for bits in BITS:
                coarse = sl.conversion.quantised(net, bits, each=each)
                found[f"accuracy, {bits} bits, each {each}"] = data.accuracy(coarse)
                lost[bits] = 100 * (exact - found[f"accuracy, {bits} bits, each {each}"])
                if bits in (8, 2):
                    differ = differences(coarse, data)
                    spikes, outputs = spikes + differ[0], outputs + differ[1]
            found[f"most points lost, 5 to 8 bits, each {each}"] = max(lost[bits] for bits in (5, 6, 7, 8))
            found[f"points lost, 2 bits, each {each}"] = lost[2]
        return found | {"spikes that differ from integers": spikes, "outputs that differ from integers": outputs}


def differences(net: sl.conversion.Converted, data: Digits) -> tuple[float, float]:
    """How many counts of neurons, and outputs, are not what integers make of the same digits."""
    told, (counts, output) = counted(net, data.test), by_integers(net, data.test)
    differ = sum(float((counts[name] != told.sites[name]).sum()) for name in counts)
    return differ, float((told.output != output.to(told.output) / STEPS).sum())


def by_integers(net: sl.conversion.Converted, x: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Counts of spikes by place, and the sum of outputs, of a perceptron whose potentials are whole numbers."""
    counts, unit = {}, LEVELS
    s = whole(x * LEVELS).expand(STEPS, *x.shape)
    layers = [layer for layer in net.module.modules() if isinstance(layer, nn.Linear)]
    for layer, (name, site) in zip(layers, net.sites.items(), strict=False):
        w, b, step = integers(layer)
        theta = whole(site.get_buffer("scale") / step) * unit
        v, spikes = torch.zeros(len(x), len(b), dtype=torch.int64), []
        for arrived in s:
            v += arrived @ w.T + b * unit
            spikes.append((v >= theta).long())
            v -= theta * spikes[-1]
        s, unit = torch.stack(spikes), 1
        counts[name] = s.sum(0)
    w, b, step = integers(layers[-1])
    return counts, (s.sum(0) @ w.T + STEPS * b) * step


def integers(layer: nn.Linear) -> tuple[Tensor, Tensor, Tensor]:
    """Weights and biases as whole numbers, and the steps that they are of."""
    step = layer.get_buffer("step")
    return whole(layer.weight / step), whole(layer.bias / step.flatten()), step.flatten()


def whole(x: Tensor) -> Tensor:
    if not torch.equal(x, x.round()):
        raise ValueError("not whole")
    return x.long()
