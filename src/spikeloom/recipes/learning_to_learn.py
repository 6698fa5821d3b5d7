"""Learning to learn: with fixed weights, a network of spiking neurons learns a new sine from examples of it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._lsnn import LSNN, train

# Milliseconds that a place is shown before its value comes, and together with it.
SHOWN = 20.0
TUNED = 20


class LearningToLearn(Recipe):
    row, family = "P36", "gradient learning"
    title = "Learning to learn sines in networks of spiking neurons"
    reference = Reference(
        "Bellec, Salaj, Subramoney, Legenstein and Maass", 2018,
        "Long short-term memory and learning-to-learn in networks of spiking neurons", "NeurIPS 31",
        arxiv="1803.09574",
    )  # fmt: skip
    claim = (
        "A recurrent network with adaptive thresholds, trained on many tasks of a family, learns a new one of them "
        "from few examples while its weights stay as they are: the inner loop is in its dynamics."
    )
    shown = (
        "An episode is a sine a sin(pi x + phase), a of 0.2 to 1, any phase, that has not been seen before. Place x is "
        "shown for 20 ms, in which the read-out has to tell the value, then for 20 ms together with the value; both by "
        "currents that are tuned to them. Half of the neurons adapt. The error of the second half of an episode is "
        "compared with that of the first. In the control values are not shown. Thresholds that "
        "do not adapt do as well, as a figure shows. The paper's tasks are random networks of one hidden layer, "
        "learnt by 300 neurons."
    )
    chance, control = 1.0, "second half over first, values not shown"

    neurons: int = setting(60, "neurons", at_least=2)
    examples: int = setting(20, "examples of an episode", at_least=2)
    steps: int = setting(1000, "batches of 64 episodes", at_least=1)
    dt: float = setting(4.0, "step", "ms", at_least=0.5, at_most=10.0)
    lr: float = setting(0.003, "learning rate", at_least=0.0)
    cost: float = setting(1e-5, "cost of rates other than 10 spikes per second", at_least=0.0)

    quick = Form(
        Bar("second half over first", at_most=0.95, why="less than 1, by more than the control differs from it"),
        Bar("error, second half, share of variance", at_most=0.7, why="a third is learnt from three examples and more"),
        settings={"neurons": 40, "examples": 6, "steps": 400, "dt": 5.0, "lr": 0.005},
    )
    full = Form(
        Bar("second half over first", at_most=0.9, why="the error falls within the episode"),
        Bar("error, second half, share of variance", at_most=0.5, why="half is learnt from ten examples and more"),
    )
    smoke = Form(quick.bars[0], settings=quick.settings, seeds=(0,), few_seeds="it only shows that all works")

    def measure(self, run: Run) -> Figures:
        found = self.trained(run)
        blind, fixed = self.trained(run, shows=False), self.trained(run, beta=0.0)
        half = self.examples // 2
        run.draw("error by example", lambda axes: plot(axes, found, fixed, blind))
        first, second = found[:half].mean(), found[half:].mean()
        return {
            "second half over first": second / first,
            "second half over first, values not shown": blind[half:].mean() / blind[:half].mean(),
            "error, first half, share of variance": first,
            "error, second half, share of variance": second,
            "error, second half, thresholds fixed, share of variance": fixed[half:].mean(),
            "error, values not shown, share of variance": blind.mean(),
        }

    def trained(self, run: Run, *, shows: bool = True, beta: float = 1.7) -> Tensor:
        """Squared error of each example in 1024 new episodes, as a share of the variance of values."""
        torch.manual_seed(run.seed)
        generator = torch.Generator().manual_seed(run.seed)
        net = LSNN(2 * TUNED + 1, self.neurons, 1, beta=beta, tau_adapt=400.0, dt=self.dt)
        torch.nn.init.normal_(net.inputs.weight, std=0.1)
        net.outputs.weight.data *= 0.1
        held = round(SHOWN / self.dt)

        def errors(n: int) -> tuple[Tensor, Tensor, Tensor]:
            x, y = sines(self.examples, n, generator)
            told, spikes = net(currents(x, y, shows).repeat_interleave(held, 0))
            # Of the second half of the time in which the place is shown alone.
            answer = told.view(self.examples, 2, held, n)[:, 0, held // 2 :].mean(1)
            return (answer - y).square(), y, spikes

        def loss() -> tuple[Tensor, Tensor]:
            error, _, spikes = errors(64)
            return error.mean(), spikes

        what = f"{'learning to learn' if shows else 'values not shown'}, beta {beta:g}"
        train(net, run.track(range(self.steps), what), loss, lr=self.lr, every=self.steps, cost=self.cost)
        with torch.no_grad():
            error, y, _ = errors(1024)
        return error.mean(1) / y.square().mean(1)


def sines(examples: int, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Places and values of n sines, [examples, n] each."""
    a, phase = 0.2 + 0.8 * torch.rand(n, generator=generator), 2 * math.pi * torch.rand(n, generator=generator)
    x = 2 * torch.rand(examples, n, generator=generator) - 1
    return x, a * torch.sin(math.pi * x + phase)


def currents(x: Tensor, y: Tensor, shows: bool) -> Tensor:
    """Places alone, then places with values, and an input that tells which of both it is, [2 * examples, n, inputs]."""
    place, value = tuned(x), tuned(y) * float(shows)
    asked = torch.ones_like(x).unsqueeze(2)
    alone = torch.cat([place, torch.zeros_like(value), asked], 2)
    return torch.stack([alone, torch.cat([place, value, 0 * asked], 2)], 1).flatten(0, 1)


def tuned(x: Tensor) -> Tensor:
    """Gaussian tuning curves over -1 ... 1; their width is 1.5 times the distance of their centres."""
    centres = torch.linspace(-1.0, 1.0, TUNED)
    width = 1.5 * 2.0 / (TUNED - 1)
    return torch.exp(-0.5 * ((x.unsqueeze(-1) - centres) / width).square())


def plot(axes: Any, found: Tensor, fixed: Tensor, blind: Tensor) -> None:
    """Errors by the number of examples that have been seen."""
    axes.plot(found, color="black", label="values shown")
    axes.plot(fixed, color="grey", label="thresholds fixed")
    axes.plot(blind, color="grey", linestyle="--", label="values not shown")
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("examples seen")
    axes.set_ylabel("error, share of variance")
    axes.legend()
