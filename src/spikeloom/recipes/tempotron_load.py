"""The tempotron: how many patterns of spike times a neuron learns to tell apart, for each of its synapses."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

# Milliseconds.
PATTERN = 500.0


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
        "100 synapses, in the full form 200, one spike of each at a random time in 500 ms, half of the patterns to be "
        "answered. Load is the greatest number of patterns per synapse, in steps of 0.5 from 0.5 to 3, that is learned "
        "without error, in the full form from one of at most three sets of first weights. Highest potentials are those "
        "of continuous time, momentum is 0.99, and the learning rate falls to a tenth. In the control all spikes of a "
        "pattern come at once, so that nothing could tell."
    )
    chance, control = "load before training", "load, no times"

    synapses: int = setting(100, "synapses of the neuron", at_least=1)
    epochs: int = setting(5000, "presentations of all patterns at most", at_least=1)
    lr: float = setting(0.001, "learning rate in the beginning", at_least=0.0)
    momentum: float = setting(0.99, "share of the change before that is added", at_least=0.0, at_most=0.999)
    cooling: float = setting(0.1, "learning rate in the end, as a share", at_least=0.001, at_most=1.0)
    tries: int = setting(1, "sets of first weights, at most", at_least=1)
    highest: float = setting(3.0, "highest load to try", "patterns per synapse", at_least=0.5, at_most=4.0)

    quick = Form(
        Bar("load", at_least=2.5, unit="patterns per synapse", why="a step below the paper's, for few synapses"),
    )
    full = Form(
        Bar("load", at_least=3.0, unit="patterns per synapse", why="the paper's, about 3"),
        seeds=range(5),
        settings={"synapses": 200, "epochs": 20_000, "tries": 3},
    )

    def measure(self, run: Run) -> Figures:
        rule = sl.plasticity.Tempotron(lr=self.lr, shunt=False)
        loads = [0.5 * (k + 1) for k in range(round(2 * self.highest))]
        before, learned, epochs, first = [], [], [], 0
        for load in run.track(loads, "loads"):
            times, target, w = self.patterns(load, run.generator)
            before.append(right(rule, w, times, target))
            for number in range(self.tries):
                w = w if number == 0 else self.weights(run.generator)
                trained = self.trained(rule, w, times, target, run.seed)
                if trained.solved:
                    first += number == 0
                    break
            learned.append(right(rule, trained.w, times, target))
            epochs.append(len(trained.wrong))
            if learned[-1] < 1:
                break
        times, target, w = self.patterns(loads[0], run.generator)
        at_once = torch.full_like(times, PATTERN / 2)
        controlled = right(rule, self.trained(rule, w, at_once, target, run.seed).w, at_once, target)
        run.draw("Epochs to learn", lambda axes: curve(axes, loads, learned, epochs))
        return {
            "load": reached(loads, learned),
            "load before training": reached(loads, before),
            "load, no times": reached(loads, [controlled]),
            "right before training": before[0],
            "right at the last load": learned[-1],
            "loads learned from the first weights": first,
        }

    def patterns(self, load: float, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Spike times, whether to answer them, and weights to begin with."""
        n = round(load * self.synapses)
        times = PATTERN * torch.rand(n, self.synapses, 1, generator=generator)
        return times, (torch.arange(n) % 2).float().unsqueeze(1), self.weights(generator)

    def weights(self, generator: torch.Generator) -> Tensor:
        """Weights to begin with."""
        return torch.randn(1, self.synapses, generator=generator) / math.sqrt(self.synapses)

    def trained(self, rule: Any, w: Tensor, times: Tensor, target: Tensor, seed: int) -> Any:
        """Weights after training."""
        given = {"epochs": self.epochs, "momentum": self.momentum, "cooling": self.cooling, "seed": seed}
        return rule.train_on_times(w, times, target, **given)


def right(rule: Any, w: Tensor, times: Tensor, target: Tensor) -> float:
    """Share of patterns whose answer is right."""
    return float(((rule.highest(w, times).v >= float(rule.v_th)) == target).float().mean())


def reached(loads: list[float], shares: list[float]) -> float:
    """The last load up to which all patterns are right."""
    return max([0.0, *(load for k, load in enumerate(loads[: len(shares)]) if min(shares[: k + 1]) == 1)])


def curve(axes: Any, loads: list[float], learned: list[float], epochs: list[int]) -> None:
    """Epochs until all patterns were right, for each load that was reached."""
    done = [(load, n) for load, n, share in zip(loads, epochs, learned, strict=False) if share == 1]
    axes.semilogy([load for load, _ in done], [n for _, n in done], "o-")
    axes.set_xlabel("patterns per synapse")
    axes.set_ylabel("epochs until no error")
