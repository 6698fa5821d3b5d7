"""What rates cannot tell: negative values and biases, and what conversion makes of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run
from spikeloom.recipes._trained_digits import Digits, digits, trained

STEPS = 64


class NegativeValues(Recipe):
    row, family, title = "V08, V09, V20", "conversion", "Negative values, biases and batch normalisation"
    reference = Reference(
        "Rueckauer, Lungu, Hu, Pfeiffer and Liu", 2017,
        "Conversion of continuous-valued deep networks to efficient event-driven networks for image classification",
        "Frontiers in Neuroscience 11:682",
    )  # fmt: skip
    claim = (
        "Rates are not negative, and have no constant part. A second population with opposite weights, or negative "
        "spikes, tell negative activations and inputs; biases are constant currents, and with them batch normalisation "
        "is part of the weights."
    )
    shown = (
        "Digits of scikit-learn, 64-128-64-10, 64 steps. With tanh half of all hidden values are negative: in the "
        "control they are dropped. The same for inputs less their mean, as spikes. Biases are dropped after "
        "conversion; with batch normalisation they hold its means."
    )
    chance, control = 0.1, "accuracy, tanh, negatives dropped"

    quick = full = Form(
        Bar("accuracy, tanh, two populations", at_least=0.959, why="0.976 in the row; two standard errors of 360"),
        Bar("points lost, tanh, two populations", at_most=0.6, why="none in the row; two digits of 360"),
        Bar("points lost, tanh, signed spikes", at_most=0.6, why="the same rates: two digits of 360"),
        Bar("points lost, tanh, negatives dropped", at_least=1.5, why="2.6 in the row; its standard error is 0.9"),
        Bar("points lost, input of both signs", at_most=1.0, why="the remedy: a standard error of 360 digits"),
        Bar("points lost, input, negatives dropped", at_least=2.0, why="input that is lost; two standard errors"),
        Bar("points lost, biases as currents", at_most=0.3, why="none in the row; one digit of 360"),
        Bar("points lost, biases dropped", between=(-0.5, 1.3), why="0.4 in the row, by a standard error"),
        Bar("points lost, folded biases dropped", at_least=5.0, why="the row expects more than without folding"),
        Bar("points lost, folded biases as currents", at_most=0.3, why="one digit of 360"),
        Bar("largest difference by folding", at_most=1e-5, why="the row: equal to rounding errors"),
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        data = digits()
        return of_tanh(data, run.seed) | of_inputs(data, run.seed) | of_biases(data, run.seed)


def rates(spikes: sl.conversion.methods.Spikes = "single") -> sl.conversion.RateCode:
    return sl.conversion.RateCode(sl.conversion.Maximum(), start=0.0, spikes=spikes)


def of_tanh(data: Digits, seed: int) -> dict[str, float]:
    model = trained(data, seed=seed, activation=nn.Tanh)
    dropped = copy.deepcopy(model)
    dropped[1], dropped[3] = (nn.Sequential(nn.Tanh(), nn.ReLU()) for _ in range(2))
    hidden = torch.cat([model[:2](data.test), model[:4](data.test)], 1)
    exact = data.accuracy(model)
    found = {"accuracy, tanh, original": exact, "negative hidden values": float((hidden < 0).double().mean())}
    told = {
        "two populations": sl.convert(model, data.inputs, rates("opposite"), steps=STEPS),
        "signed spikes": sl.convert(model, data.inputs, rates(), steps=STEPS),
        "negatives dropped": sl.convert(dropped, data.inputs, rates(), steps=STEPS),
    }
    for name, net in told.items():
        found[f"accuracy, tanh, {name}"] = data.accuracy(net)
        found[f"points lost, tanh, {name}"] = 100 * (exact - found[f"accuracy, tanh, {name}"])
    return found


def of_inputs(data: Digits, seed: int) -> dict[str, float]:
    """Inputs without their mean, sent as spikes."""
    mean = data.inputs.mean(0)
    data = replace(data, inputs=data.inputs - mean, test=data.test - mean)
    model = trained(data, seed=seed)
    net = sl.convert(model, data.inputs, rates(), steps=STEPS)
    positive, negative = (rates().encode(sign * data.test, STEPS) for sign in (1, -1))
    exact = data.accuracy(model)
    both, one = (data.accuracy(net(x, encoded=True)) for x in (positive - negative, positive))
    return {
        "points lost, input of both signs": 100 * (exact - both),
        "points lost, input, negatives dropped": 100 * (exact - one),
    }


def of_biases(data: Digits, seed: int) -> dict[str, float]:
    found = {}
    activations: dict[str, Callable[[], nn.Module]] = {"": nn.ReLU, "folded ": normalised}
    for name, activation in activations.items():
        model = trained(data, seed=seed, activation=activation)
        net = sl.convert(model, data.inputs, rates(), steps=STEPS)
        exact = data.accuracy(model)
        found[f"accuracy, {name or 'no '}batch normalisation".replace("folded ", "")] = exact
        found[f"points lost, {name}biases as currents"] = 100 * (exact - data.accuracy(net))
        found[f"points lost, {name}biases dropped"] = 100 * (exact - data.accuracy(without_biases(net)))
        folded = net.sequence(data.test, steps=1, exact=set(net.sites))[0]
        found["largest difference by folding"] = largest(folded - model(data.test))
    return found


def normalised() -> nn.Module:
    return nn.Sequential(nn.LazyBatchNorm1d(), nn.ReLU())


def without_biases(net: sl.conversion.Converted) -> sl.conversion.Converted:
    result = copy.deepcopy(net)
    for layer in result.module.modules():
        if isinstance(layer, nn.Linear):
            layer.bias.data.zero_()
    return result


def largest(x: Tensor) -> float:
    return float(x.abs().max())
