"""Augmented spikes: a coefficient that a spike carries tells patterns apart whose spike times are the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

INPUTS, RATE = 200, 5.0


class AugmentedSpikesPatterns(Recipe):
    row, family = "M15", "local learning"
    title = "Spikes that carry a coefficient"
    reference = Reference(
        "Yu, Song, Ma, Wei, Chen and Tan",
        2021,
        "Synaptic learning with augmented spikes",
        "IEEE Transactions on Neural Networks and Learning Systems",
        arxiv="2005.04820",
    )
    claim = (
        "Where spikes carry a coefficient beside their time, and learning takes it into account, a neuron uses both: "
        "it learns more than from times alone."
    )
    claimed = "MNIST 97.90 %"
    shown = (
        "Two patterns of 200 trains of 300 ms whose spikes come at the same times, with coefficients drawn from 0 to "
        "2, to be answered with 3 spikes and with none; then digits, 64 pixels with one spike each whose time falls "
        "with the pixel and whose coefficient is the pixel, one neuron for each class. The control has the same spikes "
        "without coefficients."
    )
    chance, control = 0.5, "right without coefficients"

    epochs: int = setting(200, "presentations of the two patterns at most", at_least=1)
    digits: int = setting(300, "training digits", at_least=10, at_most=1437)
    passes: int = setting(3, "presentations of the digits", at_least=1)

    quick = Form(
        Bar("right", at_least=1.0, why="both numbers of spikes; without coefficients the patterns are the same"),
        Bar("epochs", at_most=100.0, why="34 to 59 in a program of ours written apart"),
        Bar("difference of weights, all coefficients 1", at_most=0.0, why="ordinary spikes are the same to the bit"),
        Bar("digits, gained by coefficients", at_least=0.0, why="the coefficient adds to what the times say"),
    )
    full = Form(*quick.bars, seeds=range(10), settings={"digits": 1437, "epochs": 400})

    def measure(self, run: Run) -> Figures:
        rules = sl.plasticity
        plain = rules.MembraneDriven()
        rule = rules.AugmentedSpikes(rule=plain)
        spikes = sl.coding.poisson(torch.full((1, INPUTS), RATE), 300, generator=run.generator)
        x = spikes * 2 * torch.rand(len(spikes), 2, INPUTS, generator=run.generator)
        target, w = torch.tensor([[3.0], [0.0]]), 0.01 * torch.randn(1, INPUTS, generator=run.generator)
        same = spikes.expand_as(x)

        def learned(rule: Any, x: Tensor, epochs: int) -> Any:
            return rule.train(w, x, target, epochs=epochs, seed=run.seed)

        trained, blind = learned(rule, x, self.epochs), learned(plain, same, self.epochs // 4)
        ones = learned(rule, same, 3).w - learned(plain, same, 3).w
        accuracy = {flag: self.classified(run, flag) for flag in (True, False)}
        return {
            "right": right(rule, trained.w, x, target),
            "right without coefficients": right(plain, blind.w, same, target),
            "epochs": float(len(trained.wrong)),
            "difference of weights, all coefficients 1": float(ones.abs().max()),
            "digits": accuracy[True],
            "digits without coefficients": accuracy[False],
            "digits, gained by coefficients": accuracy[True] - accuracy[False],
        }

    def classified(self, run: Run, coefficients: bool) -> float:
        """Share of test digits at which the neuron of their class is the one with the highest potential."""
        data, generator = sl.datasets.digits(), torch.Generator().manual_seed(run.seed)
        chosen = torch.randperm(len(data.train), generator=generator)[: self.digits]
        rule = sl.plasticity.AugmentedSpikes(rule=sl.plasticity.Tempotron(shunt=False, lr=0.01), lr=0.01)

        def encoded(images: Tensor) -> Tensor:
            pixels = images.flatten(1)
            spikes = sl.coding.linear_latency(pixels, 30)
            spikes = torch.cat([spikes, torch.zeros_like(spikes[:15])])
            return spikes * pixels if coefficients else spikes

        target = torch.nn.functional.one_hot(data.train.labels[chosen], 10).float()
        x = encoded(data.train.inputs()[chosen])
        trained = rule.train(torch.zeros(10, 64), x, target, epochs=self.passes, seed=run.seed)
        answers = rule.potential(trained.w, encoded(data.test.inputs())).amax(0).argmax(1)
        return float((answers == data.test.labels).float().mean())


def right(rule: Any, w: Tensor, x: Tensor, target: Tensor) -> float:
    """Share of trials with the right number of spikes."""
    return float((rule.respond(w, x).sum(0) == target).float().mean())
