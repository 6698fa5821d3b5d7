"""Adaptive thresholds let a network of spiking neurons keep a value for more than a second; fixed ones do not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._lsnn import LSNN, train

LENGTH, DELAY, GROUP, DURATION, NEURONS = 12, 6.0, 25, 200.0, 20


class LSNNMemory(Recipe):
    row, family = "P36", "gradient learning"
    title = "Long short-term memory in networks of spiking neurons: store and recall"
    reference = Reference(
        "Bellec, Salaj, Subramoney, Legenstein and Maass", 2018,
        "Long short-term memory and learning-to-learn in networks of spiking neurons", "NeurIPS 31",
        arxiv="1803.09574",
    )  # fmt: skip
    claim = (
        "With neurons whose threshold adapts, recurrent networks of spiking neurons learn by back-propagation through "
        "time to keep what they are told to keep, nearly as LSTM networks do."
    )
    claimed = "store and recall: error below 0.05, in the program of the authors"
    shown = (
        "10 leaky and 10 adaptive neurons see 12 symbols of 200 ms, spikes of 100 inputs, and recall a bit on command, "
        "6 symbols after it was stored on average. The sizes are those of the authors' program; batches are of 64 in "
        "place of 128 sequences, delays are one step, and there is no refractory period. Steps are of 10 ms in the "
        "quick form, of 1 ms in the full one. In the control thresholds do not adapt."
    )
    chance, control = 0.5, "error, thresholds fixed"

    dt: float = setting(1.0, "step", "ms", at_least=0.5, at_most=20.0)
    steps: int = setting(200, "batches of 64 sequences", at_least=1)
    beta: float = setting(1.7, "rise of a threshold, of adaptive neurons", at_least=0.0)
    lr: float = setting(0.01, "learning rate", at_least=0.0)
    cost: float = setting(1e-6, "cost of rates other than 10 spikes per second", at_least=0.0)

    quick = Form(
        Bar("error", at_most=0.15, why="three times the bar of the full form, with half of its batches"),
        Bar("error, thresholds fixed", at_least=0.2, why="the survey's mark: leaky neurons alone forget"),
        settings={"dt": 10.0, "steps": 100, "beta": 4.0, "lr": 0.02, "cost": 0.0},
    )
    full = Form(Bar("error", at_most=0.05, why="what the authors' program reaches, with the same sizes"), quick.bars[1])
    smoke = Form(*quick.bars, settings=quick.settings, seeds=(0,), few_seeds="it only shows that all works")

    def measure(self, run: Run) -> Figures:
        wrong, rate = self.trained(run, self.beta)
        fixed, other = self.trained(run, 0.0)
        return {
            "error": wrong,
            "error, thresholds fixed": fixed,
            "rate, spikes per second": rate,
            "rate, thresholds fixed, spikes per second": other,
        }

    def trained(self, run: Run, beta: float) -> tuple[float, float]:
        """Share of wrong answers in 512 new sequences, and the rate of neurons."""
        torch.manual_seed(run.seed)
        generator = torch.Generator().manual_seed(run.seed)
        net = LSNN(4 * GROUP, NEURONS, 2, beta=beta, tau_adapt=1200.0, dt=self.dt)
        torch.nn.init.normal_(net.inputs.weight, std=0.1)

        def answers(n: int) -> tuple[Tensor, Tensor, Tensor]:
            """Read-outs at recalls, what was to be recalled, and spikes."""
            duration = round(DURATION / self.dt)
            x, recall, value = sl.datasets.store_recall(
                n, length=LENGTH, delay=DELAY, duration=duration, group=GROUP, dt=self.dt, generator=generator
            )
            y, spikes = net(x)
            return y.view(LENGTH, duration, n, 2).mean(1)[recall], value[recall], spikes

        def loss() -> tuple[Tensor, Tensor]:
            y, value, spikes = answers(64)
            return cross_entropy(y, value), spikes

        what = "adaptive thresholds" if beta else "fixed thresholds"
        train(net, run.track(range(self.steps), what), loss, lr=self.lr, every=100, cost=self.cost)
        with torch.no_grad():
            y, value, spikes = answers(512)
        if beta:
            run.draw("spikes of a sequence", lambda axes: plot(axes, spikes[:, 0], self.dt))
        return float((y.argmax(1) != value).float().mean()), float(1000.0 / self.dt * spikes.mean())


def plot(axes: Any, spikes: Tensor, dt: float) -> None:
    """A row for each neuron; the adaptive ones are above."""
    step, neuron = spikes.nonzero(as_tuple=True)
    axes.plot(dt / 1000.0 * step, neuron, "|", color="black", markersize=4)
    axes.axhline(NEURONS / 2 - 0.5, color="grey", linewidth=0.5)
    axes.set_xlabel("time, s")
    axes.set_ylabel("neuron")
