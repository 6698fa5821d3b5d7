"""Conversion of deep Q-networks, read out robustly: counts of output spikes, and what is left in the potentials."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import digits, trained

# Steps of digits and of the cart, percentiles, and the share of random actions in the paper's play.
DIGITS, STEPS, PERCENTS, RANDOM = (4, 8, 32), (8, 16, 32, 64, 128, 256), (99.0, 99.5, 99.9, 100.0), 0.05
SCORE = "score at T = 64, of the DQN's"


class DqnConversion(Recipe):
    row, family = "A06", "conversion"
    title = "Robust firing rates of a converted network"
    reference = Reference(
        "Tan, Patel and Kozma",
        2021,
        "Strategy and Benchmark for Converting Deep Q-Networks to Event-Driven Spiking Neural Networks",
        "AAAI",
        arxiv="2009.14456",
    )
    claim = (
        "A converted deep Q-network plays as well as the original. Few steps are enough to decide as it does if "
        "outputs are the number of output spikes and the potential that is left, not the number alone, which many "
        "share."
    )
    shown = (
        "A perceptron of 64-100-100-10 learns digits and is converted with thresholds at the largest activation, and "
        "at the 99th percentile. Agreement is the share of inputs that get the original's answer: by counts of output "
        "spikes, of which ties go to the first class, and robustly, by the mean output. Then a network of 4-64-64-2 "
        "learns by deep Q-learning to balance a pole, and is converted with thresholds at percentiles of each neuron's "
        "activations in play; scores are steps until the pole falls, at most 500. Of 2000 states from "
        "play with random actions among the rest, most have two actions of almost the same value. Rates of a bias are "
        "in all outputs, so that none is below 0, for counts."
    )
    stand_in = "Digits of scikit-learn and a pole on a cart in place of games of Atari."
    chance, control = 0.1, "agreement at T = 4, counts"

    updates: int = setting(3000, "batches of deep Q-learning", at_least=1)
    longest: int = setting(500, "steps of an episode", at_least=1)
    episodes: int = setting(32, "episodes of each player", at_least=1)

    quick = full = Form(
        Bar("agreement at T = 4, robust", at_least=0.75, why="0.846 in the survey, one seed, less 0.1"),
        Bar("gain at T = 4", at_least=0.3, why="0.461 there, less 0.16 for nets that differ"),
        Bar("agreement at T = 8, robust", at_least=0.97, why="0.992 there, less 0.02"),
        Bar("gain at T = 8", at_least=0.0, why="the claim: counts alone are never better"),
        Bar("agreement at T = 4, percentile, robust", at_least=0.95, why="0.982 there, less 0.03"),
        Bar("agreement at T = 32, robust", at_least=0.99, why="with time the original's answers come back"),
        Bar(SCORE, at_least=0.95, why="the row: within 5 %"),
        Bar("gain on the cart at T = 64", at_least=0.0, why="the claim, of the mean over seeds"),
        Bar("score, DQN", at_least=475.0, why="where the benchmark counts as solved"),
        Bar("largest fall of agreement, robust", at_most=0.02, why="the row: monotone in T; 1.3 standard errors"),
        Bar("largest fall of agreement, counts", at_most=0.02, why="the row: monotone in T; 1.3 standard errors"),
    )
    smoke = Form(
        *quick.bars[:8],
        seeds=(0,),
        settings={"updates": 200, "longest": 100, "episodes": 8},
        few_seeds="for every test run",
    )

    def measure(self, run: Run) -> Figures:
        return told_digits(run.seed) | self.balanced(run)

    def balanced(self, run: Run) -> dict[str, float]:
        """Figures of the pole."""
        task, net = sl.control.CartPole(), self.learnt(run)
        act = sl.control.greedy(net)
        wandering = partial(wander, net, generator=run.generator)
        frames, states = (
            evenly(
                sl.control.play(
                    task, wandering, episodes=self.episodes, limit=self.longest, seed=run.seed + part
                ).observed,
                count,
            )
            for part, count in ((1, 4000), (2, 2000))
        )
        net[-1].bias.data -= net(frames).min()
        figures = {"score, DQN": self.score(act, run.seed)}
        for percent in PERCENTS:
            method = sl.conversion.RateCode(sl.conversion.Percentile(percent), channelwise=True, start=0.0)
            spiking = sl.convert(net, frames, method, steps=64, images=len(frames))
            name = f"percentile {percent:g}"
            figures[f"agreement at T = 64, {name}"] = agreement(spiking(states), net(states))
            figures[f"score at T = 64, {name}"] = self.score(sl.control.greedy(spiking), run.seed)
            if percent == 99.9:
                figures |= over_time(spiking, net, states, highest=float(net(frames).max()))
                figures[SCORE] = figures[f"score at T = 64, {name}"] / figures["score, DQN"]
        return figures

    def learnt(self, run: Run) -> nn.Sequential:
        """The deep Q-network."""
        net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
        # From anywhere on the rail: an untrained pole falls before the cart gets far.
        wide = sl.control.CartPole(first_position=2.0, first_speed=1.0)
        track = partial(run.track, what="batches of deep Q-learning")
        sl.control.deep_q(wide, net, updates=self.updates, seed=run.seed, track=track)
        return net.requires_grad_(False)

    def score(self, act: Callable[[Tensor], Tensor], seed: int) -> float:
        """Mean steps of an episode."""
        played = sl.control.play(sl.control.CartPole(), act, episodes=self.episodes, limit=self.longest, seed=seed)
        return float(played.steps.double().mean())


def told_digits(seed: int) -> dict[str, float]:
    """Figures of digits."""
    data = digits()
    model = trained(data, 100, 100, seed=seed)
    wanted, seen = model(data.test), model(data.inputs).relu()
    figures = {}
    for name, percent in (("", 100.0), (", percentile", 99.0)):
        method = sl.conversion.RateCode(sl.conversion.Percentile(percent), start=0.0)
        spiking = sl.convert(model, data.inputs, method, steps=32, images=len(data.inputs))
        limit = float(sl.conversion.Percentile(percent).of(seen.flatten(), seen.max()))
        counts = sl.coding.running_count(sl.conversion.output_spikes(spiking, data.test, threshold=limit))
        robust = spiking.over_time(data.test)
        for steps in DIGITS:
            for kind, scores in (("counts", counts), ("robust", robust)):
                figures[f"agreement at T = {steps}{name}, {kind}"] = agreement(scores[steps - 1], wanted)
    for steps in DIGITS[:2]:
        at = f"agreement at T = {steps}, "
        figures[f"gain at T = {steps}"] = figures[at + "robust"] - figures[at + "counts"]
    return figures


def over_time(spiking: sl.conversion.Converted, net: nn.Module, x: Tensor, *, highest: float) -> dict[str, float]:
    """Agreement on the cart after so many steps, and by how much it ever falls from one number to its double."""
    counts = sl.coding.running_count(sl.conversion.output_spikes(spiking, x, threshold=highest, steps=STEPS[-1]))
    wanted = net(x)
    figures: dict[str, float] = {}
    for kind, scores in (("robust", spiking.over_time(x, steps=STEPS[-1])), ("counts", counts)):
        rising = [agreement(scores[steps - 1], wanted) for steps in STEPS]
        figures |= {f"agreement on the cart, T = {T}, {kind}": a for T, a in zip(STEPS, rising, strict=True)}
        figures[f"largest fall of agreement, {kind}"] = max(before - after for before, after in pairwise(rising))
    at = "agreement on the cart, T = 64, "
    return figures | {"gain on the cart at T = 64": figures[at + "robust"] - figures[at + "counts"]}


def wander(net: nn.Module, seen: Tensor, *, generator: torch.Generator) -> Tensor:
    """The actions of the network, with some at random among them."""
    best = net(seen).argmax(1)
    drawn = torch.randint(2, best.shape, generator=generator)
    return torch.where(torch.rand(best.shape, generator=generator) < RANDOM, drawn, best)


def evenly(x: Tensor, n: int) -> Tensor:
    """About n of them."""
    return x[:: max(1, len(x) // n)]


def agreement(scores: Tensor, wanted: Tensor) -> float:
    return float((scores.argmax(1) == wanted.argmax(1)).double().mean())
