"""Gates that are no rectifiers: sigmoid and swish by few spikes, a hard sigmoid by a refractory period."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import digits, trained

GATES: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid, "swish": functional.silu, "gelu": functional.gelu,
}  # fmt: skip


class SpikingGates(Recipe):
    row, family = "V12, P09", "conversion"
    title = "Sigmoid, swish and other gates in spikes"
    reference = Reference(
        "Stoeckl and Maass", 2021,
        "Optimized spiking neurons can classify images with high accuracy through temporal coding with two spikes",
        arxiv="2002.00860",
    )  # fmt: skip
    claim = (
        "Few-spike neurons with fitted tables compute any activation function; a refractory period alone makes the "
        "rate of an integrate-and-fire neuron saturate, f = 1 / (t_ref + 1 / x)."
    )
    shown = (
        "The library's tables on 8001 points from -8 to 8. Digits of scikit-learn, 64-100-100-10 trained with sigmoid "
        "and with swish, converted with 18 steps for a layer. The refractory curve for 40 inputs, t_ref = 1 and 100 "
        "steps for a unit of time, the rate from the first spike to the last. In the control swish is told by the "
        "digits of a rectifier with as many steps."
    )
    chance, control = Absent("an error has none"), "largest error, rectifier for swish"

    quick = full = Form(
        Bar("largest error, swish", at_most=0.05, why="the row, 12 to 16 steps"),
        Bar("largest error, sigmoid", at_most=0.02, why="the row, 12 steps"),
        Bar(
            "largest error, refractory curve", at_most=0.005, why="half a step in the shortest interval of 100 and more"
        ),
        Bar("points lost, swish", at_most=1.1, why="two standard errors of a paired difference of few digits"),
        Bar("points lost, sigmoid", at_most=1.1, why="likewise"),
    )
    smoke = Form(
        *quick.bars[:3],
        seeds=(0,),
        few_seeds="tables and curves are the same for all",
        settings={"epochs": 2},
    )

    epochs: int = setting(25, "passes of training", at_least=1)

    def measure(self, run: Run) -> Figures:
        data = digits()
        found = {f"largest error, {name}": told(name)[0] for name in GATES}
        found |= {f"steps, {name}": float(told(name)[1]) for name in GATES}
        x = torch.linspace(-8, 8, 8001)
        found["largest error, rectifier for swish"] = float((x.relu() - functional.silu(x)).abs().max())
        found["largest error, refractory curve"] = refractory()
        for name, activation in (("swish", nn.SiLU), ("sigmoid", nn.Sigmoid)):
            model = trained(data, 100, 100, seed=run.seed, activation=activation, epochs=self.epochs)
            net = sl.convert(model, data.inputs, "few-spikes", steps=18)
            found[f"accuracy, {name}"] = data.accuracy(net(data.test))
            found[f"points lost, {name}"] = 100 * (data.accuracy(model) - found[f"accuracy, {name}"])
        return found


def told(name: str) -> tuple[float, int]:
    """The largest error of a gate's sum of spikes, and its steps."""
    gate = sl.neurons.FewSpikes.gate(name)
    x = torch.zeros(len(gate.kept("v_th")), 1, 8001)
    x[0, 0] = torch.linspace(-8, 8, 8001)
    return float((gate(x).sum(0)[0] - GATES[name](x[0, 0])).abs().max()), len(x)


def refractory(unit: int = 100) -> float:
    """The largest difference of simulated rates from 1 / (1 + 1 / x), for x of 0.1 to 10."""
    x = torch.logspace(-1, 1, 40)
    neuron = sl.Refractory(sl.neurons.IF(v_th=float(unit), soft_reset=True), t_ref=float(unit))
    spikes = neuron(x.expand(60 * unit, 1, -1))[:, 0]
    times = torch.arange(len(spikes))[:, None].expand_as(spikes)
    first = torch.where(spikes > 0, times, len(spikes)).amin(0)
    last = torch.where(spikes > 0, times, 0).amax(0)
    rate = unit * (spikes.sum(0) - 1) / (last - first)
    return float((rate - 1 / (1 + 1 / x)).abs().max())
