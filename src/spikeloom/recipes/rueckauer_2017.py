"""Rueckauer and others: what conversion needs beyond rectifiers, and the theory of its error."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits
from spikeloom.recipes._trained_images import answers_over_time, convolutional, images, trained_on

if TYPE_CHECKING:
    from spikeloom.conversion import Converted

DRAWS = 10_000


class Rueckauer2017(Recipe):
    row, family = "L40, V11", "conversion"
    title = "Conversion of Rueckauer, Lungu, Hu, Pfeiffer and Liu"
    reference = Reference(
        "Rueckauer, Lungu, Hu, Pfeiffer and Liu", 2017,
        "Conversion of continuous-valued deep networks to efficient event-driven networks for image classification",
        "Front. Neurosci. 11:682", doi="10.3389/fnins.2017.00682",
    )  # fmt: skip
    claim = (
        "Biases, batch normalisation, max-pooling and softmax have spiking counterparts. With resets by subtraction "
        "and thresholds at a percentile of activations, rates are activations but for what is left in potentials: "
        "r = a r_max - V / (T V_th)."
    )
    claimed = "MNIST 99.44 %, CIFAR-10 90.85 %, ImageNet 74.6 % (Inception-v3)"
    shown = (
        "A network of two convolutions with biases, batch normalisation and max-pooling learns digits of scikit-learn "
        "(MNIST in the full form). Its spiking counterpart has a gate for each pool and inputs that stand still; "
        "thresholds are at the 99.9th percentile. Differences from the theory are in spikes per step, over all neurons "
        "of all layers for test images; that of resets to 0 is for constant inputs. The clock of the softmax draws "
        "classes of two images, by outputs so far, with whose softmax frequencies are compared; that of the network "
        "without spikes, to which early outputs are not yet near, is beside. The control has resets to 0 and "
        "thresholds of 1."
    )
    chance, control = 0.1, "accuracy, 32 steps, resets to 0 and thresholds 1"

    mnist: bool = setting(False, "images of MNIST")
    steps: int = setting(128, "steps of an image", at_least=32)

    quick = Form(
        Bar("accuracy, 32 steps", at_least=0.965, why="0.981 of the network on other seeds, two standard errors less"),
        Bar("points lost", at_most=0.3, why="the row: within 0.3 points after at most 200 steps"),
        Bar("difference from the theory", at_most=1e-5, why="exact: rounding errors of sums of 128 numbers"),
        Bar("difference from the theory, resets to 0", at_most=1e-5, why="exact for constant inputs: rounding errors"),
        Bar("divergence from softmax", at_most=0.01, why="survey's row V11, for 10 000 draws", unit="nats"),
        Bar("answers by draws that are the network's own", at_least=1.0, why="the row: argmax unchanged"),
    )
    smoke = Form(
        *quick.bars[:1], *quick.bars[2:], seeds=(0,), few_seeds="for every test run; quick has three",
        settings={"steps": 32},
    )  # fmt: skip
    full = Form(*quick.bars, settings={"mnist": True})

    def measure(self, run: Run) -> Figures:
        data = images("mnist", learnt=10_000, tested=400) if self.mnist else images()
        size = data.test.shape[-1]
        made = convolutional(16, 0, 32, size=size, seed=run.seed, norm=True, pool=nn.MaxPool2d)
        model = trained_on(data, made, seed=run.seed, epochs=2 if self.mnist else 6, track=partial(run.track, what=""))
        net = sl.convert(model, data.inputs, code(), steps=self.steps)
        plain = sl.conversion.RateCode(sl.conversion.Fixed(1.0), start=0.0, hard_reset=True)
        curve = accuracies(net, data)
        found = {"accuracy, original": data.accuracy(model), "accuracy": curve[-1], "accuracy, 32 steps": curve[31]}
        found["points lost"] = 100 * (found["accuracy, original"] - curve[-1])
        found["accuracy, 32 steps, resets to 0 and thresholds 1"] = accuracies(
            sl.convert(model, data.inputs, plain, steps=32), data
        )[-1]
        found["difference from the theory"] = from_theory(net, data.test[:40])
        found["difference from the theory, resets to 0"] = from_theory_of_hard_resets(self.steps)
        return found | of_softmax(net, model, data.test[:2], run.generator)


def code() -> sl.conversion.RateCode:
    return sl.conversion.RateCode(sl.conversion.Percentile(99.9), start=0.0, pooling=sl.conversion.Gate())


def accuracies(net: Converted, data: Digits) -> list[float]:
    """After each step."""
    return [data.accuracy(y) for y in answers_over_time(net, data.test)]


def from_theory(net: Converted, x: Tensor) -> float:
    """The largest difference of a rate from a r_max - V / (T V_th), where a is the mean input in units of V_th."""
    differences: list[float] = []

    def watch(node: object, site: nn.Module, i: Tensor) -> None:
        assert isinstance(site.neuron, sl.IF)
        spikes, state = sl.unroll(site.neuron, i)
        theta = site.get_buffer("scale")
        wanted = i.mean(0) / theta - state[""]["v"] / (net.steps * theta)
        differences.append(float((spikes.mean(0) - wanted).abs().max()))

    net.sequence(x, watch=watch)
    return max(differences)


def from_theory_of_hard_resets(steps: int) -> float:
    """The same for resets to 0: each spike wastes e = k z - V_th, where k is the number of steps between spikes.

    r = (a r_max V_th - V / T) / (V_th + e), for a constant input z = a V_th.
    """
    z = torch.rand(1, 500, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    spikes, state = sl.unroll(sl.IF(v_th=1.0).double(), z.expand(steps, 1, 500))
    wasted = (1.0 / z).ceil() * z - 1.0
    wanted = (z - state[""]["v"] / steps) / (1.0 + wasted)
    return float((spikes.mean(0) - wanted).abs().max())


def of_softmax(net: Converted, model: nn.Module, x: Tensor, generator: torch.Generator) -> dict[str, float]:
    """Frequencies of classes that the clock draws, against the probabilities that the outputs give."""
    shown = -(-DRAWS // net.steps)
    spikes = sl.conversion.softmax_spikes(net, x.repeat_interleave(shown, 0), generator=generator)
    counts = spikes.sum(0).view(len(x), shown, -1).sum(1).double()
    drawn, exact = counts / counts.sum(1, keepdim=True), model(x).double().softmax(1)
    outputs = net.over_time(x).double().softmax(2).mean(0)
    same = (drawn.argmax(1) == exact.argmax(1)).double().mean()
    return {
        "divergence from softmax": divergence(drawn, outputs),
        "divergence from the original's softmax": divergence(drawn, exact),
        "answers by draws that are the network's own": float(same),
    }


def divergence(p: Tensor, q: Tensor) -> float:
    """Kullback and Leibler's of frequencies p from probabilities q, the largest of all images."""
    return float(torch.where(p > 0.0, p * (p / q).log(), 0.0).sum(1).max())
