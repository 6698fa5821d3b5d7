"""Conversion read out robustly: counts of output spikes, and what is left in the potentials."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting


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
        "A converted network decides as the original far sooner if its output is the number of output spikes and the "
        "potential that is left, instead of the number alone, which many outputs share."
    )
    shown = (
        "A perceptron of 64-100-100-10 learns digits and is converted with thresholds at the largest activation, and "
        "at the 99th percentile. Agreement is the share of test images that get the original's answer: by counts of "
        "output spikes, of which ties go to the first class, and robustly, by the mean output."
    )
    stand_in = "Digits of scikit-learn in place of games of Atari: rows of Q-values are classes, states are images."
    chance, control = 0.1, "agreement at T = 4, counts"

    epochs: int = setting(40, "passes over the training images", at_least=1)

    quick = full = Form(
        Bar("agreement at T = 4, robust", at_least=0.75, why="0.846 in the survey, one seed, less 0.1"),
        Bar("gain at T = 4", at_least=0.3, why="0.461 there, less 0.16 for nets that differ"),
        Bar("agreement at T = 8, robust", at_least=0.97, why="0.992 there, less 0.02"),
        Bar("gain at T = 8", at_least=0.0, why="the claim: counts alone are never better"),
        Bar("agreement at T = 4, percentile, robust", at_least=0.95, why="0.982 there, less 0.03"),
        Bar("agreement at T = 32, robust", at_least=0.99, why="with time the original's answers come back"),
    )

    def measure(self, run: Run) -> Figures:
        data = sl.datasets.digits()
        (x, y), (tested, _) = data.train[:], data.test[:]
        model = self.trained(x, y, run)
        wanted = model(tested).argmax(1)
        figures: dict[str, float] = {}
        for name, method in (("", sl.conversion.Maximum()), (", percentile", sl.conversion.Percentile(99.0))):
            spiking = sl.convert(model, x, sl.conversion.RateCode(method, start=0.0), steps=32, images=len(x))
            highest = model(x).detach()
            limit = highest.max() if not name else torch.quantile(highest.relu(), 0.99)
            counts = sl.coding.running_count(sl.conversion.output_spikes(spiking, tested, threshold=float(limit)))
            robust = spiking.over_time(tested).detach()
            for steps in (4, 8, 32):
                for kind, scores in (("counts", counts), ("robust", robust)):
                    figures[f"agreement at T = {steps}{name}, {kind}"] = _agreement(scores[steps - 1], wanted)
        for steps in (4, 8):
            at = f"agreement at T = {steps}, "
            figures[f"gain at T = {steps}"] = figures[at + "robust"] - figures[at + "counts"]
        return figures

    def trained(self, x: Tensor, y: Tensor, run: Run) -> nn.Module:
        """The original network."""
        torch.manual_seed(run.seed)
        model = nn.Sequential(
            nn.Flatten(), nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10)
        )
        optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
        for _ in run.track(range(self.epochs), "epochs"):
            for batch in torch.randperm(len(x), generator=run.generator).split(64):  # type: ignore[no-untyped-call]
                optimiser.zero_grad()
                cross_entropy(model(x[batch]), y[batch]).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
        return model.eval()


def _agreement(scores: Tensor, wanted: Tensor) -> float:
    return float((scores.argmax(1) == wanted).double().mean())
