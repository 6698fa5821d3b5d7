"""A network in the style of VGG with spikes: firing rates scaled, synapses that smooth."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits
from spikeloom.recipes._trained_images import convolutional, images, trained_on

STEPS = (25, 50, 100, 200)
SCALES = (1, 10, 100)


class VggOnChips(Recipe):
    row, family = "A32", "conversion"
    title = "A network in the style of VGG: scaled firing rates and synaptic filters"
    reference = Reference(
        "Reiter, Jose, Bizmpikis and Cirjila", 2020,
        "Neuromorphic processing and sensing: evolutionary progression of AI to spiking", arxiv="2007.05606",
    )  # fmt: skip
    claim = (
        "A convolutional network trained as usual runs with spikes once its activations are spiking neurons, if firing "
        "rates are scaled up and synapses smooth what spikes bring."
    )
    shown = (
        "Pairs of convolutions with averages between them learn digits of scikit-learn (Fashion-MNIST in the full "
        "form). A step is a millisecond: an activation of 1 is one spike in a second, times the scale, so that "
        "thresholds are 1000 over the scale; potentials begin at half of them, and resets subtract. "
        "The answer is read as a machine that runs would: the output, low-pass filtered at the last step; "
        "with synapses of 5 steps within the network, and none. Accuracies by time and by rate are the result. The "
        "control has the rates as they are."
    )
    chance, control = 0.1, "accuracy, rates x 1, 200 steps"

    fashion: bool = setting(False, "images of Fashion-MNIST")
    tested: int = setting(180, "test images", at_least=1)
    tau_syn: float = setting(5.0, "time constant of synapses, in steps", at_least=0.1)

    quick = Form(
        Bar("accuracy, rates x 100, 200 steps", at_least=0.93, why="0.96 of the network, less two standard errors"),
        Bar("points lost, rates x 100, 200 steps", at_most=1.5, why="a standard error of 180 digits"),
        Bar("points gained by rates x 100 over x 10, 50 steps", at_least=1.5, why="the claim: they tell sooner"),
        Bar("points gained by the filter, rates x 100, 200 steps", at_least=1.5, why="the claim: smoothing helps"),
        Bar("ratio of rates, x 100 over x 10", between=(8.0, 10.5), why="rates scale, but for those at one a step"),
    )  # fmt: skip
    smoke = Form(
        quick.bars[0], quick.bars[4], seeds=(0,), few_seeds="for every test run; quick has three",
        settings={"tested": 60},
    )  # fmt: skip
    full = Form(
        Bar("accuracy, rates x 100, 200 steps", at_least=0.86, why="0.90 of the network, less two standard errors"),
        *quick.bars[1:],
        settings={"fashion": True, "tested": 200},
    )

    def measure(self, run: Run) -> Figures:
        data, model = self.network(run)
        exact = data.accuracy(model)
        found = {"accuracy, original": exact}
        for scale in SCALES:
            for name, tau in (("", self.tau_syn), (", no filter", 0.0)):
                told, rate = smoothed(model, data, scale, tau)
                found[f"spikes per neuron and second, rates x {scale}{name}"] = rate
                for steps, accuracy in told.items():
                    found[f"accuracy, rates x {scale}, {steps} steps{name}"] = accuracy
        found["points lost, rates x 100, 200 steps"] = 100 * (exact - found["accuracy, rates x 100, 200 steps"])
        for what, better, worse in COMPARED:
            found[what] = 100 * (found[better] - found[worse])
        at = "spikes per neuron and second, rates x "
        run.draw("Accuracy by time and rate", lambda axes: draw(axes, found))
        return found | {"ratio of rates, x 100 over x 10": found[at + "100"] / max(found[at + "10"], 1e-9)}

    def network(self, run: Run) -> tuple[Digits, nn.Module]:
        """Data, and the network that has learnt them."""
        if not self.fashion:
            data = images(tested=self.tested)
            made = convolutional(8, 8, 0, 16, 16, 0, size=8, seed=run.seed)
            return data, trained_on(data, made, seed=run.seed, epochs=8)
        data = images("fashion_mnist", learnt=8_000, tested=self.tested)
        made = convolutional(16, 16, 0, 32, 32, 0, size=28, seed=run.seed)
        return data, trained_on(data, made, seed=run.seed, epochs=3, lr=5e-3, batch=64)


COMPARED = (
    (
        "points gained by rates x 100 over x 10, 50 steps",
        "accuracy, rates x 100, 50 steps",
        "accuracy, rates x 10, 50 steps",
    ),
    (
        "points gained by the filter, rates x 100, 200 steps",
        "accuracy, rates x 100, 200 steps",
        "accuracy, rates x 100, 200 steps, no filter",
    ),
)


def smoothed(model: nn.Module, data: Digits, scale: int, tau: float) -> tuple[dict[int, float], float]:
    """Accuracy of the filtered output after some steps, and spikes per neuron and second."""
    method = sl.conversion.RateCode(sl.conversion.Fixed(1000.0 / scale), tau_syn=tau)
    net = sl.convert(model, data.inputs, method, steps=STEPS[-1])
    outputs, sent = [], []

    def watch(node: object, site: Any, i: torch.Tensor) -> None:
        sent.append(site.spikes(i).mean(0).flatten(1))

    for part in torch.split(data.test, 60):
        y = net.sequence(part)
        outputs.append(-math.expm1(-1 / tau) * sl.coding.exponential_trace(y, tau=tau) if tau else y)
    net.sequence(data.test[:20], watch=watch)
    y = torch.cat(outputs, 1)
    return {t: data.accuracy(y[t - 1]) for t in STEPS}, 1000.0 * float(torch.cat(sent, 1).mean())


def draw(axes: Any, found: dict[str, float]) -> None:
    for scale in SCALES:
        for name in ("", ", no filter"):
            told = [found[f"accuracy, rates x {scale}, {steps} steps{name}"] for steps in STEPS]
            axes.semilogx(STEPS, told, "--" if name else "-", label=f"x {scale}{name}")
    axes.set(xlabel="steps", ylabel="accuracy")
    axes.legend()
