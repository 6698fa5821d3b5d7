"""One trained network in five codes: how many steps and spikes each needs."""

from __future__ import annotations

from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run
from spikeloom.recipes._trained_digits import Digits, digits, run_and_count, trained

STEPS = (2, 3, 4, 5, 6, 8, 12, 16, 24)


class CodesOfConversion(Recipe):
    row, family = "V19", "conversion"
    title = "Alternative codes for conversion"
    reference = Reference(
        "Park, Kim, Choe and Yoon",
        2019,
        "Fast and efficient information transmission with burst spikes in deep spiking neural networks",
        arxiv="1809.03142",
    )
    claim = (
        "Where spikes tell values by their phase, their place in a burst or their time, converted networks need fewer "
        "steps or fewer spikes than with rates."
    )
    shown = (
        "Digits of scikit-learn, 64-100-100-10, inputs as constant currents: rates (soft reset, 99.9th percentile), "
        "weighted spikes by a clock of periods of eight steps, bursts whose spikes double, few spikes, first spikes. "
        "For each the fewest steps of a layer from which on accuracy stays within a point of the original, and the "
        "spikes of a digit there; layers of the last two wait for each other. The control is rates, in as few steps."
    )
    chance, control = 0.1, "accuracy, rates, 4 steps"

    quick = full = Form(
        Bar("accuracy, few spikes, 4 steps", at_least=0.96, why="0.976 in the survey, less two standard errors"),
        Bar("steps, few spikes", at_most=8.0, why="8 to 16 in the survey"),
        Bar("steps, phase", at_most=16.0, why="8 to 16 in the survey"),
        Bar("most spikes of a neuron, first spikes", at_most=1.0, why="by construction"),
        Bar("spikes, few spikes, over rates", at_most=1.0, why="two spikes for a neuron against a rate"),
        Bar(
            "spikes, first spikes, over rates",
            at_most=0.5,
            why="one spike for a neuron against a rate",
            missed="So close to the original rates need no more than 5 to 12 steps on these digits, in which most "
            "neurons send no more than two spikes.",
        ),
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        codes: dict[str, sl.conversion.Method] = {
            "rates": sl.conversion.METHODS["percentile"],
            "phase": sl.conversion.PhaseCode(),
            "bursts": sl.conversion.BurstCode(),
            "few spikes": sl.conversion.FewSpikeCode(),
            "first spikes": sl.conversion.FirstSpikeCode(optimised=60),
        }
        data = digits()
        model = trained(data, 100, 100, seed=run.seed)
        found = {"accuracy, original": data.accuracy(model)}
        for name, code in codes.items():
            found |= {f"{what}, {name}": value for what, value in needed(model, data, code).items()}
            if name in ("rates", "few spikes"):
                net = sl.convert(model, data.inputs, code, steps=4)
                found[f"accuracy, {name}, 4 steps"] = data.accuracy(net(data.test))
        for name in ("phase", "bursts", "few spikes", "first spikes"):
            found[f"spikes, {name}, over rates"] = found[f"spikes, {name}"] / found["spikes, rates"]
        return found


def needed(model: nn.Module, data: Digits, code: sl.conversion.Method) -> dict[str, float]:
    """Of the fewest steps with accuracy within a point of the original, also for more; 999 where 24 are too few."""
    found = {"steps": 999.0, "latency": 999.0, "spikes": float("nan"), "most spikes of a neuron": float("nan")}
    for steps in reversed(STEPS):
        if isinstance(code, sl.conversion.PhaseCode) and steps > code.period and steps % code.period:
            continue
        net = sl.convert(model, data.inputs, code, steps=steps)
        y, spikes, most = run_and_count(net, data.test)
        if data.accuracy(y) < data.accuracy(model) - 0.01:
            break
        found = {
            "steps": float(steps), "latency": float(net.latency()), "spikes": spikes,
            "most spikes of a neuron": float(most),
        }  # fmt: skip
    return found
