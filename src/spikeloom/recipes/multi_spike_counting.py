"""Multi-spike learning: a neuron answers each pattern with its own number of spikes, and finds a feature by a count."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

INPUTS, RATE = 200, 5.0


class MultiSpikeCounting(Recipe):
    row, family = "M11", "local learning"
    title = "Numbers of spikes, learned from the membrane potential"
    reference = Reference(
        "Yu, Li, Tang, Wang, Dang and Tan",
        2020,
        "Towards efficient processing and learning with spikes: new approaches for multi-spike learning",
        "IEEE Transactions on Cybernetics",
        arxiv="2005.00723",
    )
    claim = (
        "One neuron learns how many spikes to answer each pattern with; instead of searching the threshold at which "
        "the number would be right, it is enough to change weights at the highest potential below the threshold, or at "
        "the weakest spike. From counts alone it finds features that are hidden in noise."
    )
    shown = (
        "10 patterns of 200 Poisson trains of 5 spikes per second and 300 ms, 0 to 4 spikes at random for each, by the "
        "rule with the potential and by the one with the threshold; then a feature of 50 ms, up to four times in "
        "500 ms of noise, taught by its number of occurrences and tested on new noise. The control learns in the same "
        "way only whether to spike."
    )
    chance, control = 0.2, "right, taught whether to spike"

    patterns: int = setting(10, "patterns to count for", at_least=1)
    epochs: int = setting(60, "presentations of all patterns at most", at_least=1)

    quick = Form(
        Bar("right", at_least=1.0, why="all patterns, as in a program of ours written apart"),
        Bar("epochs", at_most=20.0, why="10 to 14 in that program, with one time constant"),
        Bar("epochs, two time constants", at_most=20.0, why="6 to 13 in that program"),
        Bar("right, by the threshold", at_least=1.0, why="the paper's first rule learns the same"),
        Bar("new streams right", at_least=0.9, why="the number of features, 0 to 4, nearly always"),
        Bar("spikes at features", at_least=0.9, why="it is the feature that the neuron answers"),
    )
    full = Form(*quick.bars, seeds=range(10))

    def measure(self, run: Run) -> Figures:
        rules = sl.plasticity
        x, target, w = counting(self.patterns, run.generator)
        single, double = rules.MembraneDriven(lr=0.01), rules.MembraneDriven(lr=0.01, tau_syn=5.0)

        def learned(rule: Any, target: Tensor) -> Any:
            return rule.train(w, x, target, epochs=self.epochs, seed=run.seed)

        counted, threshold = learned(single, target), rules.ThresholdDriven(lr=0.01)
        return {
            "right": right(single, counted.w, x, target),
            "right, taught whether to spike": right(single, learned(single, target.clamp(max=1.0)).w, x, target),
            "right before": right(single, w, x, target),
            "epochs": float(len(counted.wrong)),
            "epochs, two time constants": float(len(learned(double, target).wrong)),
            "right, by the threshold": right(threshold, learned(threshold, target).w, x, target),
            **self.feature(run, rules.MembraneDriven(lr=0.003, tau_syn=5.0), w),
        }

    def feature(self, run: Run, rule: Any, w: Tensor) -> Figures:
        """Streams with a feature at random times: those for training, and new ones."""
        pattern = poisson(1, 50, run.generator).movedim(1, 0)
        x, count, _ = sl.datasets.feature_streams(pattern, 50, rate=RATE, generator=run.generator)
        new, wanted, where = sl.datasets.feature_streams(pattern, 50, rate=RATE, generator=run.generator)
        trained = rule.train(w, x, count, epochs=self.epochs, seed=run.seed)
        spikes = rule.respond(trained.w, new)[:, :, 0]
        # The potential has its peak some milliseconds after the spikes that cause it.
        near = where >= 0
        near[10:] |= where[:-10] >= 0
        run.draw("a new stream", lambda axes: plot(axes, rule, trained.w, new, where))
        return {
            "new streams right": right(rule, trained.w, new, wanted),
            "new streams right before": right(rule, w, new, wanted),
            "spikes at features": float(spikes[near].sum() / spikes.sum()),
            "time of features": float(near.float().mean()),
        }


def poisson(n: int, steps: int, generator: torch.Generator) -> Tensor:
    return sl.coding.poisson(torch.full((n, INPUTS), RATE), steps, generator=generator)


def counting(patterns: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Patterns, the numbers of spikes to answer them with, and weights to begin with."""
    target = torch.randint(0, 5, (patterns, 1), generator=generator).float()
    return poisson(patterns, 300, generator), target, 0.01 * torch.randn(1, INPUTS, generator=generator)


def right(rule: Any, w: Tensor, x: Tensor, target: Tensor) -> float:
    """Share of trials with the right number of spikes."""
    return float((rule.respond(w, x).sum(0) == target).float().mean())


def plot(axes: Any, rule: Any, w: Tensor, x: Tensor, where: Tensor) -> None:
    axes.plot(rule.potential(w, x[:, :1])[:, 0, 0], "k", linewidth=0.8)
    axes.fill_between(range(len(x)), 0, 1, where=where[:, 0] >= 0, color="0.85", transform=axes.get_xaxis_transform())
    axes.set_xlabel("ms")
    axes.set_ylabel("potential")
