"""DIET-SNN: thresholds and leaks are learnt with the weights, and five steps of an analog input are enough."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._sparse_digits import learnt
from spikeloom.recipes._trained_digits import Digits, digits
from spikeloom.recipes._trained_images import images

if TYPE_CHECKING:
    from spikeloom.conversion import Converted

STEPS = 5
CHANNELS = 12


class DietSnn(Recipe):
    row, family, title = "A40", "conversion", "Direct input, learnt thresholds and leaks"
    reference = Reference(
        "Rathi and Roy", 2020,
        "DIET-SNN: direct input encoding with leakage and threshold optimization in deep spiking neural networks",
        arxiv="2008.03658",
    )  # fmt: skip
    claim = (
        "A converted network that is shown images as they are, and learns the threshold and the leak of each layer "
        "with its weights, needs five steps where others need tens, and fewer spikes."
    )
    claimed = "ImageNet 66.52 % with 25 steps, 3.1 times less compute than without spikes"
    shown = (
        "Digits of scikit-learn, three small convolutions, two of them strided, and two linear layers, no biases; 5 "
        "steps, thresholds that begin at 0.4 of the 99.7th percentile of activations, resets by subtraction a step "
        "after the spike, dropout that is fixed in time. Four passes learn weights, thresholds and leaks, or weights "
        "alone. The control is the network that is only converted. Energies count 4.6 pJ for a multiplication and "
        "addition and 0.9 pJ for an addition; the first layer multiplies once, as its input stands still. In the full "
        "form the same network learns 4000 images of Fashion-MNIST, and 1000 are tested."
    )
    chance, control = 0.1, "accuracy, converted only"

    data: str = setting("digits", "what is learnt", choices=("digits", "fashion-mnist"))
    factor: float = setting(0.4, "first thresholds as shares of the percentile", at_least=0.01, at_most=10.0)
    dropout: float = setting(0.1, "share of neurons that drop out", at_least=0.0, at_most=0.9)
    epochs: int = setting(4, "passes with spikes", at_least=1)

    quick = Form(
        Bar("accuracy", at_least=0.9, why="five points below the network without spikes, in five steps"),
        Bar("points gained by passes with spikes", at_least=1.1, why="more than a standard error of 360 digits"),
        Bar(
            "points gained by learning neurons",
            at_least=0.0,
            why="the row: learnt against frozen",
            missed="Frozen neurons are as good on digits: in three seeds together, digits gained and lost are as many, "
            "and the mean is below 0 by rounding alone. What is learnt saves spikes.",
        ),
        *(Bar(f"spikes of layer {n}, learnt over frozen", at_most=1.0, why="the row: rates fall") for n in (1, 2, 3)),
        Bar(
            "spikes of layer 4, learnt over frozen",
            at_most=1.0,
            why="the row: rates fall in each layer",
            missed="The last threshold falls to half, so that five steps tell more; few neurons are behind it.",
        ),
        Bar("times less energy behind the first layer", at_least=3.1, why="the paper's, on other images"),
    )
    full = Form(
        Bar("accuracy", at_least=0.79, why="five points below the network without spikes, 0.84 on another seed"),
        quick.bars[1],
        Bar("points gained by learning neurons", at_least=0.0, why="the row: learnt against frozen"),
        Bar(
            "spikes of layer 1, learnt over frozen",
            at_most=1.0,
            why="the row: rates fall",
            missed="The first threshold falls by a tenth to a quarter, where that of digits rises: more spikes tell "
            "the grey values of clothes in five steps.",
        ),
        *quick.bars[4:],
        settings={"data": "fashion-mnist"},
    )
    smoke = Form(
        Bar("accuracy", at_least=0.8, why="eight times chance after one pass"),
        seeds=(0,), few_seeds="it only shows that all works", settings={"epochs": 1},
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        found = digits() if self.data == "digits" else images("fashion_mnist", learnt=4000, tested=1000)
        model = learnt(convolutions(run.seed, found), found, seed=run.seed, epochs=10)
        method = sl.conversion.RateCode(sl.conversion.Percentile(99.7), factor=self.factor, start=0.0)
        nets = {"converted only": sl.convert(model, found.inputs, method, steps=STEPS)}
        for name, learn in (("frozen", ()), ("learnt", ("v_th", "leak"))):
            nets[name] = sl.conversion.tune_spiking(
                nets["converted only"], found.inputs, found.labels, epochs=self.epochs, lr=2e-3, seed=run.seed,
                gradient=sl.conversion.BySurrogate(learn=learn, dropout=self.dropout),
                track=partial(run.track, what=name),
            )  # fmt: skip
        figures: dict[str, float] = {"accuracy, ReLU": found.accuracy(model)}
        spikes: dict[str, list[float]] = {}
        for name, net in nets.items():
            ending = "" if name == "learnt" else f", {name}"
            told = sl.conversion.measure(net, model, found.test)
            spikes[name] = [site.spikes for site in told.sites]
            figures[f"accuracy{ending}"] = found.accuracy(net)
            figures |= {f"rate of layer {n}{ending}": site.rate for n, site in enumerate(told.sites, 1)}
            figures[f"energy with spikes{ending}, nJ"] = told.energy_spiking / 1000
        # The first convolution, at whose edges there is less.
        cost, first = told.cost, CHANNELS * (3 * width(found) - 2) ** 2
        figures["energy without spikes, nJ"] = told.energy_original / 1000
        behind = cost.mac * (told.macs - first) / (cost.accumulate * told.synaptic)
        for n, (after, before) in enumerate(zip(spikes["learnt"], spikes["frozen"], strict=True), 1):
            figures[f"spikes of layer {n}, learnt over frozen"] = after / before
        gained = {
            name: 100 * (figures["accuracy"] - figures[f"accuracy, {name}"]) for name in ("frozen", "converted only")
        }
        return figures | {
            "times less energy behind the first layer": behind,
            "times less energy": told.energy_original / told.energy_spiking,
            "points gained by learning neurons": gained["frozen"],
            "points gained by passes with spikes": gained["converted only"],
            **{f"threshold learnt over that before, layer {n}": share(nets, n) for n in (1, 2, 3, 4)},
        }


def width(found: Digits) -> int:
    """In pixels; images are square."""
    return math.isqrt(found.inputs[0].numel())


def convolutions(seed: int, found: Digits) -> nn.Module:
    """Three of 3 x 3 and two linear layers, not trained. Pooling by strides: what enters weights are spikes."""
    generator, wide, size = torch.Generator().manual_seed(seed), 2 * CHANNELS, width(found)
    model = nn.Sequential(
        nn.Flatten(), nn.Unflatten(1, (1, size, size)), nn.Conv2d(1, CHANNELS, 3, padding=1, bias=False), nn.ReLU(),
        nn.Conv2d(CHANNELS, wide, 3, stride=2, padding=1, bias=False), nn.ReLU(),
        nn.Conv2d(wide, wide, 3, stride=2, padding=1, bias=False), nn.ReLU(), nn.Flatten(),
        nn.Linear((size // 4) ** 2 * wide, 64, bias=False), nn.ReLU(), nn.Linear(64, 10, bias=False),
    )  # fmt: skip
    for weight in model.parameters():
        nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)
    return model


def share(nets: dict[str, Converted], layer: int) -> float:
    """Of thresholds."""
    sites: list[Any] = [list(nets[name].sites.children())[layer - 1] for name in ("learnt", "converted only")]
    return float(sites[0].neuron.param_values()["v_th"]) / float(sites[1].scale)
