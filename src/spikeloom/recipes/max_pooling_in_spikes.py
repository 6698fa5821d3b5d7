"""Max-pooling of spikes: by a gate, by inhibition, by the first spike, and what an average costs."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits
from spikeloom.recipes._trained_images import answers_over_time, convolutional, images, trained_on


class MaxPoolingInSpikes(Recipe):
    row, family = "V10", "conversion"
    title = "Max-pooling in spikes"
    reference = Reference(
        "Rueckauer, Lungu, Hu, Pfeiffer and Liu", 2017,
        "Conversion of continuous-valued deep networks to efficient event-driven networks for image classification",
        "Front. Neurosci. 11:682", doi="10.3389/fnins.2017.00682",
    )  # fmt: skip
    claim = (
        "A gate that passes the spikes of the neuron with the highest rate so far takes the place of max-pooling; so "
        "do neurons that inhibit each other within the pool, and in a code by latencies the first spike. Averages "
        "instead cost accuracy."
    )
    shown = (
        "Pools of four Poisson trains with rates drawn between 0 and 1; the difference is that of the pool's rate from "
        "the largest rate, and from the largest count. Then a network of two convolutions that has learnt digits with "
        "max-pooling (MNIST in the full form), thresholds at the 99.9th percentile. The circuit of inhibition is ours, "
        "with potentials that keep all of it and with potentials that never fall below rest. The control is the mean "
        "of each pool in the same network; a network trained with averages is beside."
    )
    chance, control = 0.1, "accuracy, average"

    mnist: bool = setting(False, "images of MNIST")
    steps: int = setting(128, "steps of an image", at_least=1)

    trials: int = setting(4000, "pools without a network", at_least=1)

    quick = Form(
        Bar("accuracy, gate", at_least=0.955, why="0.977 on other seeds, less two standard errors of 360 digits"),
        Bar("points lost, gate", at_most=0.5, why="the row: at most half a point after 128 steps"),
        Bar("points lost, counts", at_most=0.5, why="as for the gate"),
        Bar("points lost by the average beyond the gate's", at_least=1.0, why="the row: it loses more"),
        Bar("difference, gate, 16 steps", between=(0.062, 0.076), why="0.069 in the row, by a tenth"),
        Bar("difference, gate, 64 steps", between=(0.032, 0.04), why="0.036 in the row, by a tenth"),
        Bar("difference, gate, 256 steps", between=(0.016, 0.02), why="0.018 in the row, by a tenth"),
        Bar("difference, average, 256 steps", between=(0.29, 0.31), why="four uniform numbers: 4/5 less 1/2"),
        Bar("difference from the largest count, inhibition", at_most=0.0, why="exact where potentials have no floor"),
        Bar("difference of latencies, first spike", at_most=0.0, why="exact: the largest value comes first"),
    )  # fmt: skip
    smoke = Form(
        *quick.bars[:1], *quick.bars[3:], seeds=(0,), few_seeds="for every test run; quick has three",
        settings={"steps": 32, "trials": 1000},
    )  # fmt: skip
    full = Form(
        *quick.bars_but(
            {"points lost by the average beyond the gate's": "On MNIST the network itself loses little by averages."}
        ),
        settings={"mnist": True},
    )

    def measure(self, run: Run) -> Figures:
        data = images("mnist", learnt=10_000, tested=300) if self.mnist else images()
        make = partial(convolutional, 16, 0, 32, size=data.test.shape[-1], seed=run.seed)
        learn = partial(trained_on, data, seed=run.seed, epochs=2 if self.mnist else 6)
        model = learn(make(pool=nn.MaxPool2d))
        exact = data.accuracy(model)
        found = {"accuracy, original": exact} | of_pools(self.trials, run.generator)
        for name, pooling in poolings().items():
            found[f"accuracy, {name}"] = self.told(model, data, pooling)
            found[f"points lost, {name}"] = 100 * (exact - found[f"accuracy, {name}"])
        lost = found["points lost, average"] - found["points lost, gate"]
        if self.steps >= 128:
            averaged = learn(make())
            found["accuracy, trained with averages"] = self.told(averaged, data, sl.conversion.Counts())
            found["accuracy, trained with averages, original"] = data.accuracy(averaged)
        return found | {"points lost by the average beyond the gate's": lost}

    def told(self, model: nn.Module, data: Digits, pooling: sl.conversion.Pooling) -> float:
        """Accuracy of the spiking network after all steps."""
        method = sl.conversion.RateCode(sl.conversion.Percentile(99.9), start=0.0, pooling=pooling)
        net = sl.convert(model, data.inputs, method, steps=self.steps)
        return data.accuracy(answers_over_time(net, data.test)[-1])


def poolings() -> dict[str, sl.conversion.Pooling]:
    """By the names of figures."""
    return {
        "counts": sl.conversion.Counts(),
        "gate": sl.conversion.Gate(),
        "inhibition": sl.conversion.WinnerTakeAll(),
        "inhibition, not below rest": sl.conversion.WinnerTakeAll(depth=0.0),
        "average": sl.conversion.Average(),
    }


def of_pools(trials: int, generator: torch.Generator) -> dict[str, float]:
    """Pools of four inputs without a network."""
    found = {}
    rates = torch.rand(trials, 4, generator=generator)
    for steps in (16, 64, 256):
        x = sl.coding.bernoulli(rates, steps, generator=generator)
        for name, pooling in poolings().items():
            y = pooling.pooled(x)
            found[f"difference, {name}, {steps} steps"] = away(y, rates.amax(1))
            found[f"difference from the largest count, {name}"] = away(y, x.mean(0).amax(1))
    x, most = (sl.coding.linear_latency(each, 64) for each in (rates, rates.amax(1, keepdim=True)))
    told = sl.conversion.FirstSpike().pooled(x)
    return found | {"difference of latencies, first spike": float((told - most[..., 0]).abs().max())}


def away(y: Tensor, wanted: Tensor) -> float:
    return float((y.mean(0) - wanted).abs().mean())
