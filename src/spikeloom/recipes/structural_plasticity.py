"""Structural plasticity: few synapses per neuron are enough for iris if they may look for their inputs."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

P = sl.plasticity
# Receptive fields for each of four values; flowers to learn from.
FIELDS, TRAIN = 6, 100


class StructuralPlasticity(Recipe):
    row, family = "P24", "plasticity"
    title = "Structural plasticity with a fixed number of synapses"
    reference = Reference(
        "Billaudelle, Cramer, Petrovici, Schreiber, Kappel, Schemmel and Meier",
        2021,
        "Structural plasticity on an accelerated analog neuromorphic hardware system",
        "Neural Networks 133",
        arxiv="1912.12047",
    )
    claim = (
        "Where a neuron has room for few synapses only, cutting weak ones and drawing new inputs for them at random, "
        "time and again, fits the connections to the data; receptive fields organise themselves."
    )
    shown = (
        "A neuron for each of three kinds of iris has 6 synapses, or 3, from 24 inputs with Gaussian receptive fields "
        "that spike at random; a teacher says which neuron learns, by the instar rule. The control keeps the synapses "
        "that were drawn first. The rule stands for the chip's correlation term, decay and homeostasis; there is no "
        "random walk of weights."
    )
    chance, control = 1 / 3, "accuracy, wired at random"

    copies: int = setting(10, "networks of three neurons, wired differently", at_least=1)
    epochs: int = setting(60, "passes of the flowers", at_least=3)

    quick = Form(
        Bar("accuracy", at_least=0.9, why="0.915 in a NumPy program written apart, less a standard error"),
        Bar("gain by rewiring", at_least=0.1, why="0.125 in the same program, less its standard error"),
        Bar("accuracy, 3 synapses", at_least=0.74, why="0.745 in the same program"),
        Bar("gain by rewiring, 3 synapses", at_least=0.1, why="0.155 in the same program"),
        Bar("largest change of the number of synapses", at_most=0.0, why="a neuron has as many as ever"),
    )
    full = Form(*quick.bars, seeds=range(20))

    def measure(self, run: Run) -> dict[str, float | Tensor]:
        counts, kinds = flowers(run)
        order = torch.randperm(len(kinds), generator=run.generator)
        figures: dict[str, float | Tensor] = {}
        for fan_in, label in ((6, ""), (3, ", 3 synapses")):
            weights = [
                self.learned(counts[order[:TRAIN]], kinds[order[:TRAIN]], fan_in, rewired, run)
                for rewired in (True, False)
            ]
            found, fixed = (accuracy(w, counts[order[TRAIN:]], kinds[order[TRAIN:]]) for w in weights)
            figures |= {
                f"accuracy{label}": found,
                f"accuracy, wired at random{label}": fixed,
                f"gain by rewiring{label}": found - fixed,
                f"largest change of the number of synapses{label}": float(
                    ((weights[0] > 0).sum(1) - fan_in).abs().max()
                ),
            }
        run.draw("weights of three neurons with 3 synapses", partial(plot, w=weights[0][:3]), height=1.5)
        return figures

    def learned(self, counts: Tensor, kinds: Tensor, fan_in: int, rewired: bool, run: Run) -> Tensor:
        """Weights after learning; the teacher lets the neurons of the kind spike once a trial."""
        inputs = counts.shape[1]
        rule, rewiring = P.Instar(eta=0.05), P.Rewiring(threshold=0.5, w_new=0.55)
        wiring = rewiring.start(outputs=3 * self.copies, fan_in=fan_in, n_sources=inputs, seed=run.seed)
        teacher = torch.nn.functional.one_hot(kinds, 3).float().repeat(1, self.copies)
        for epoch in range(1, self.epochs + 1):
            for first in range(0, len(counts), 10):
                given = {"m": counts[first : first + 10], "n": teacher[first : first + 10]}
                w = wiring.dense(inputs)
                change = (P.end_trial(rule, w, given).w - w).sum(0)
                wiring.w = wiring.w + change.gather(1, wiring.sources)
            if rewired and epoch % 3 == 0 and epoch < self.epochs:
                wiring = rewiring.update(wiring, n_sources=inputs, seed=run.seed, step=epoch)
        return wiring.dense(inputs)


def accuracy(w: Tensor, counts: Tensor, kinds: Tensor) -> float:
    """Of all networks; the answer is the neuron with the largest drive, w m / |w|."""
    drive = counts @ (w / w.norm(dim=1, keepdim=True)).T
    answers = drive.view(len(counts), -1, 3).argmax(2)
    return float((answers == kinds.unsqueeze(1)).float().mean())


def plot(axes: Any, w: Tensor) -> None:
    axes.imshow(w, aspect="auto")
    axes.set_xlabel("input")
    axes.set_ylabel("kind")


def flowers(run: Run) -> tuple[Tensor, Tensor]:
    """Spike counts of 24 inputs as shares of ten spikes, the most expected of one; kinds."""
    from sklearn.datasets import load_iris

    data = load_iris()
    x, kinds = torch.tensor(data.data, dtype=torch.float32), torch.tensor(data.target)
    low, high = x.min(0).values, x.max(0).values
    centres = torch.linspace(0.0, 1.0, FIELDS)
    away = ((x - low) / (high - low)).unsqueeze(-1) - centres
    rates = torch.exp(-(away**2) / (2 * 0.12**2)).flatten(1)
    return torch.poisson(10.0 * rates, generator=run.generator) / 10.0, kinds
