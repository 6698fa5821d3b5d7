"""Oja's rule: a Hebbian neuron that forgets finds the first principal component; without forgetting it saturates."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

P = sl.plasticity
AXIS = torch.tensor([0.8, 0.6])
# Steps of 1 ms between updates of the mean weight; output spikes for one of the input, through its kernel.
CHUNK, GAIN = 20, 4.0


class OjaPrincipalComponent(Recipe):
    row, family = "S01", "plasticity"
    title = "Oja's rule finds the first principal component"
    reference = Reference(
        "Oja", 1982, "A simplified neuron model as a principal component analyzer", "J. Mathematical Biology 15",
        doi="10.1007/BF00275687",
    )  # fmt: skip
    claim = (
        "Hebbian growth with a decay in proportion to the square of the output turns the weights of a linear neuron to "
        "the first principal component of its inputs, with a length of 1."
    )
    shown = (
        "Poisson neurons with two Poisson inputs, whose rates go up and down together along one axis; traces of spikes "
        "stand for rates. The control is Hebb's rule, which has no decay."
    )
    chance, control = "cosine before", "cosine, Hebb's rule"

    chunks: int = setting(250, "pieces of 20 ms, each seen by 50 copies of a neuron", at_least=10)

    quick = Form(
        Bar("cosine", at_least=0.98, why="the survey's mark, for the worst of four neurons"),
        Bar("length / that of theory", between=(0.95, 1.05), why="1 with a late trace counted, see `theory`"),
        Bar("weights at their bound, Hebb's rule", at_least=1.0, why="nothing else stops it"),
    )
    full = Form(*quick.bars, seeds=range(10), settings={"chunks": 1000})

    def measure(self, run: Run) -> dict[str, Tensor]:
        begin = torch.tensor([[0.05, 0.4], [0.4, 0.05], [0.1, 0.1], [0.6, 0.6]])
        w = self.learned(P.Oja(eta=0.01), begin, run, self.chunks)
        hebb = self.learned(P.Hebb(eta=0.01), begin, run, 50)
        run.draw("weights", lambda axes: plot(axes, begin, w, hebb), width=3.5)
        return {
            "cosine": cosine(w).min(),
            "cosine before": cosine(begin).min(),
            "cosine, Hebb's rule": cosine(hebb).min(),
            "length / that of theory": (w.norm(dim=1) / theory()).mean(),
            "weights at their bound, Hebb's rule": (hebb == 1.0).float().mean(),
        }

    def learned(self, rule: P.Rule, w: Tensor, run: Run, chunks: int) -> Tensor:
        """Weights of neurons with the rate GAIN max(0, w x) / tau, x the input through the rule's kernel."""
        tau, copies = float(rule.param_values()["tau"]), 50
        x, state = torch.zeros(1), None
        for chunk in run.track(range(chunks), type(rule).__name__):
            if chunk % 50 == 0:
                amplitude = torch.rand(copies, 1, generator=run.generator)
                rates = 0.15 * amplitude * AXIS + 0.01 * torch.rand(copies, 2, generator=run.generator)
            pre = (torch.rand(CHUNK, copies, 2, generator=run.generator) < rates).float()
            drive = []
            for spikes in pre:
                x = x * math.exp(-1.0 / tau) + spikes
                drive.append(x @ w.T)
            chance = GAIN * torch.stack(drive).clamp(min=0.0) / tau
            post = (torch.rand(chance.shape, generator=run.generator) < chance).float()
            after = P.learn(rule, w, pre, post, state=state)
            w, state = after.w.mean(0), after.state
        return w


def cosine(w: Tensor) -> Tensor:
    """Of weights and axis."""
    found: Tensor = (w @ AXIS).abs() / w.norm(dim=1)
    return found


def theory() -> float:
    """Length of the weights: of <x x'> along the axis, 9 <a^2> is that of rates, 10 * 0.15 <a> (0.8^3 + 0.6^3) shot
    noise, half of which is left in y, as y is late.
    """
    slow, shot = 3.0, 10 * 0.15 * 0.5 * (0.8**3 + 0.6**3)
    return math.sqrt((slow + shot) / (slow + shot / 2) / GAIN)


def plot(axes: Any, begin: Tensor, oja: Tensor, hebb: Tensor) -> None:
    for w, label in ((begin, "before"), (oja, "Oja"), (hebb, "Hebb")):
        axes.plot(w[:, 0], w[:, 1], "o", label=label)
    axes.plot([0.0, AXIS[0]], [0.0, AXIS[1]], color="0.7")
    axes.set_xlabel("first weight")
    axes.set_ylabel("second weight")
    axes.legend(frameon=False)
