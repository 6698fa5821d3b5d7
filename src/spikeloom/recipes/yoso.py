"""YOSO: bounded activations as the times of single spikes, each of which begins a ramp."""

from __future__ import annotations

from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, counted, digits, trained

STEPS = (4, 8, 16, 32, 64)
HIDDEN = (300, 100)


class YouOnlySpikeOnce(Recipe):
    name = "yoso"
    row, family, title = "M04", "conversion", "You only spike once"
    reference = Reference(
        "Srivatsa, Timothy Chu, Tavva, Wu, Zhang, Li and Carlson", 2020,
        "You only spike once: improving energy-efficient neuromorphic inference to ANN-level accuracy",
        arxiv="2006.09982",
    )  # fmt: skip
    claim = (
        "An activation between 0 and a bound is the time of one spike, t = T (1 - a). Ramps that begin with spikes add "
        "up to T times the sum of weighted activations: layers in windows of T compute the trained network with "
        "additions alone and one spike for a neuron."
    )
    shown = (
        "Digits of scikit-learn, 64-300-100-10, trained with clipped activations whose bounds learn; inputs are first "
        "spikes, too, times fall on the nearest step, and each layer waits for the window of the one before it. "
        "Additions: a spike adds a weight to a slope, and a slope is added to its potential in each step; likewise for "
        "rates, whose spikes add weights to potentials that also get a bias in each step. The control is rates with as "
        "many steps (thresholds of least error, half start), where no layer waits."
    )
    chance, control = 0.1, "accuracy, rates, 4 steps"

    quick = full = Form(
        Bar("accuracy, 4 steps", at_least=0.963, why="half a point below 0.983, less a standard error of 360 digits"),
        Bar("decisions that differ, real times", at_most=0.0, why="the row: equal for every test digit"),
        Bar("points lost, 32 steps", at_most=0.5, why="the row"),
        Bar("most spikes of a neuron", at_most=1.0, why="the row"),
        Bar("additions over those of rates", at_most=1.0, why="the row: at equal accuracy, within half a point"),
    )
    smoke = Form(
        Bar("accuracy, 4 steps", at_least=0.8, why="a few passes"),
        *quick.bars[1:2],
        quick.bars[3],
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"epochs": 4},
    )

    epochs: int = setting(25, "passes of training", at_least=1)

    def measure(self, run: Run) -> Figures:
        data = digits()
        model = trained(
            data, *HIDDEN, seed=run.seed, activation=lambda: sl.conversion.TCL(1.0), epochs=self.epochs
        )  # fmt: skip
        original = data.accuracy(model)
        exact, _, _ = shown(model, data, sl.conversion.FirstSpikeCode(linear=True, real_times=True), 8)
        wanted = model(data.test)
        found = {
            "accuracy, original": original,
            "decisions that differ, real times": float((exact.argmax(1) != wanted.argmax(1)).sum()),
            "largest difference, real times": float((exact - wanted).abs().max()),
        }
        codes: dict[str, tuple[sl.conversion.Method, tuple[int, ...]]] = {
            "": (sl.conversion.FirstSpikeCode(linear=True, rounding=True), STEPS),
            ", rates": (sl.conversion.RateCode(), (1, 2, 3, *STEPS[:4])),
        }
        for name, (code, runs) in codes.items():
            needed, within = float("nan"), True
            for steps in reversed(runs):
                y, additions, most = shown(model, data, code, steps)
                lost = 100 * (original - data.accuracy(y))
                found |= {f"accuracy{name}, {steps} steps": data.accuracy(y), f"points lost{name}, {steps} steps": lost}
                # Of the fewest steps from which on no more than half a point is lost.
                within = within and lost <= 0.5
                needed = additions if within else needed
                if not name:
                    found["most spikes of a neuron"] = max(most, found.get("most spikes of a neuron", 0.0))
            found[f"additions{name}"] = needed
        return found | {"additions over those of rates": found["additions"] / found["additions, rates"]}


def shown(model: nn.Module, data: Digits, code: sl.conversion.Method, steps: int) -> tuple[Tensor, float, float]:
    """Outputs for the test digits, additions for one of them, and the most spikes of a neuron, inputs among them."""
    x = code.encode(data.test, steps)
    counts = counted(sl.convert(model, data.inputs, code, steps=steps), x, encoded=True)
    layers = [(x != 0).sum(0), *counts.sites.values()]
    fan_out = (*HIDDEN, 10)
    spikes = sum(float(each.double().sum(1).mean()) * after for each, after in zip(layers, fan_out, strict=True))
    return counts.output, spikes + steps * sum(fan_out), float(max(each.max() for each in layers))
