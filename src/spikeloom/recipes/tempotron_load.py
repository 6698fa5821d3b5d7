"""The tempotron: how many patterns of spike times a neuron learns to tell apart, for each of its synapses."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

# Milliseconds: the step, the pattern, and what follows it.
DT, PATTERN, AFTER = 2.0, 500.0, 30.0


class TempotronLoad(Recipe):
    row, family = "L06", "local learning"
    title = "The tempotron learns patterns of spike times"
    reference = Reference(
        "Gütig and Sompolinsky",
        2006,
        "The tempotron: a neuron that learns spike timing-based decisions",
        "Nature Neuroscience 9, 420-428",
        doi="10.1038/nn1643",
    )
    claim = (
        "A neuron that learns whether to spike, by the inputs before its highest potential, divides patterns of spike "
        "times into two classes at random, as many as about three for each synapse."
    )
    claimed = "about 3 patterns per synapse"
    shown = (
        "50 synapses with one spike each at a random time in 500 ms, half of the patterns to be answered. Load is the "
        "greatest number of patterns per synapse, in steps of 0.5 from 0.5 on, that is learned without error. In the "
        "control all spikes of a pattern come at once, so that only their number could tell."
    )
    chance, control = "load before training", "load, no times"

    synapses: int = setting(50, "synapses of the neuron", at_least=1)
    epochs: int = setting(300, "presentations of all patterns at most", at_least=1)
    lr: float = setting(0.01, "learning rate", at_least=0.0)
    highest: float = setting(1.5, "highest load to try", "patterns per synapse", at_least=0.5, at_most=4.0)

    quick = Form(
        Bar("load", at_least=1.0, unit="patterns per synapse", why="1 to 1.5 in a program of ours written apart"),
    )
    full = Form(
        Bar("load", at_least=1.5, unit="patterns per synapse", why="1 to 1.5 in a program of ours written apart"),
        settings={"epochs": 5000, "highest": 3.0},
    )

    def measure(self, run: Run) -> Figures:
        rule = sl.plasticity.Tempotron(lr=self.lr, dt=DT, shunt=False)
        loads = [0.5 * (k + 1) for k in range(round(2 * self.highest))]
        before, learned = [], []
        for load in run.track(loads, "loads"):
            x, target, w = self.patterns(load, run.generator)
            before.append(right(rule, w, x, target))
            learned.append(self.learned(rule, w, x, target, run.seed))
            if learned[-1] < 1:
                break
        x, target, w = self.patterns(loads[0], run.generator)
        at_once = torch.zeros_like(x).index_fill(0, torch.tensor(0), 1.0)
        return {
            "load": reached(loads, learned),
            "load before training": reached(loads, before),
            "load, no times": reached(loads, [self.learned(rule, w, at_once, target, run.seed)]),
            "right before training": before[0],
            "right at the last load": learned[-1],
        }

    def patterns(self, load: float, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Spikes, whether to answer them, and weights to begin with."""
        n = round(load * self.synapses)
        # Above 0, which would be no spike.
        values = 1.0 - torch.rand(n, self.synapses, generator=generator)
        spikes = sl.coding.linear_latency(values, round(PATTERN / DT))
        x = torch.cat([spikes, spikes.new_zeros(round(AFTER / DT), n, self.synapses)])
        w = torch.randn(1, self.synapses, generator=generator) / math.sqrt(self.synapses)
        return x, (torch.arange(n) % 2).float().unsqueeze(1), w

    def learned(self, rule: Any, w: Tensor, x: Tensor, target: Tensor, seed: int) -> float:
        """Share of patterns that are right after training."""
        trained = rule.train(w, x, target, epochs=self.epochs, momentum=0.9, seed=seed)
        return right(rule, trained.w, x, target)


def right(rule: Any, w: Tensor, x: Tensor, target: Tensor) -> float:
    return float((rule.respond(w, x).sum(0) == target).float().mean())


def reached(loads: list[float], shares: list[float]) -> float:
    """The last load up to which all patterns are right."""
    return max([0.0, *(load for k, load in enumerate(loads[: len(shares)]) if min(shares[: k + 1]) == 1)])
