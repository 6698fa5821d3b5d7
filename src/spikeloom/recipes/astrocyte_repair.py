"""Digits learnt without labels by a network whose synapses then die, and what those that are left can restore."""

from __future__ import annotations

from typing import Any

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._competing_digits import Digits, accuracies, layer_for_digits, learn


class AstrocyteRepair(Recipe):
    row, family = "A24", "plasticity"
    title = "Self-repair by astrocytes"
    reference = Reference(
        "Rastogi, Lu, Islam and Sengupta", 2021, "On the self-repair role of astrocytes in STDP enabled unsupervised "
        "SNNs", "Frontiers in Neuroscience 14:603796", "10.3389/fnins.2020.603796",
    )  # fmt: skip
    claim = (
        "Where synapses are dead for good, astrocytes raise the strength of those that are left until their neuron "
        "is driven as before; with STDP on unlabelled images a network recovers most of what it had learnt."
    )
    claimed = "50 to 90 % of synapses dead, MNIST and Fashion-MNIST"
    shown = (
        "The digits of scikit-learn, with half and with four fifths of synapses dead after learning. Synapses that are "
        "left move, at spikes of their neuron, towards the weights that restore its sum of weights; then neurons are "
        "named anew. The same with plain STDP, with weight sums restored and no learning, and, as control, with "
        "plain STDP whose weight sums nothing restores."
    )
    chance, control = 0.1, "accuracy, half dead, no sums restored"

    neurons: int = setting(50, "excitatory neurons; 100 in the full form", at_least=10, at_most=400)
    images: int = setting(1200, "training digits", at_least=100, at_most=1437)
    repairing: int = setting(600, "digits shown for repair", at_least=10, at_most=1200)
    every_way: bool = setting(False, "compare all ways of repair at both shares of dead synapses")

    quick = Form(
        Bar(
            "accuracy, half dead, repaired",
            at_least=0.57,
            why="STDP of 100 neurons in a NumPy program written apart",
            missed="50 neurons in place of 100; two standard errors of 360 digits are 5 points",
        ),
        seeds=(1,),
        few_seeds="a seed takes about 15 s",
    )
    full = Form(
        Bar(
            "accuracy, half dead, repaired",
            at_least=0.57,
            why="STDP of 100 neurons in a NumPy program written apart",
            missed="0.50 of 0.75 when healthy, which is 0.83 in that program; plain STDP, whose "
            "sums of weights are restored before each digit, repairs as much",
        ),
        Bar("accuracy, 80 % dead, repaired", at_least=0.39, why="the same program"),
        seeds=(1,),
        few_seeds="a seed takes about two minutes, as there are nine networks",
        settings={"neurons": 100, "every_way": True},
    )
    smoke = Form(
        Bar("accuracy, half dead, repaired", at_least=0.3, why="three times chance after a few hundred digits"),
        seeds=(1,),
        few_seeds="it only shows that all works",
        settings={"neurons": 20, "images": 400, "repairing": 200},
    )

    def measure(self, run: Run) -> dict[str, float]:
        digits = Digits.of(run, self.images)
        healthy = layer_for_digits(run, self.neurons)
        learn(run, healthy, digits.images)
        found = {"accuracy, healthy": accuracies(run, healthy, digits)[0]}
        weights, thresholds = healthy.weights, healthy.cells["theta"].copy()
        for share, word in ((0.5, "half"), (0.8, "80 %"))[: 1 + self.every_way]:
            alive = run.random.random(weights.shape) >= share
            healthy.weights = weights * alive
            found[f"accuracy, {word} dead"] = accuracies(run, healthy, digits, what=f"{word} dead")[0]
            for way, given in self.ways().items():
                layer = layer_for_digits(run, self.neurons, connected=alive, **given)
                layer.weights, layer.cells["theta"] = weights * alive, thresholds
                self.repair(run, layer, weights, alive, digits, way)
                what = f"{word} dead, {way}"
                found[f"accuracy, {what}"] = accuracies(run, layer, digits, what=what)[0]
        return found

    def ways(self) -> dict[str, dict[str, Any]]:
        """What is done against faults, and the layer for it."""
        ways: dict[str, dict[str, Any]] = {
            "repaired": {"plasticity": sl.plasticity.AstrocyteSTDP(nu_post=0.04, nu_pre=0.0004)},
            "no sums restored": {"total": None},
        }
        more: dict[str, dict[str, Any]] = {"plain STDP": {}, "sums restored only": {}}
        return {**ways, **more} if self.every_way else ways

    def repair(self, run: Run, layer: Any, weights: np.ndarray, alive: np.ndarray, digits: Digits, way: str) -> None:
        """Show digits to a layer with dead synapses."""
        import torch

        if way == "sums restored only":
            layer.learning.normalise(layer.total)
            return
        if way == "repaired":
            target = sl.plasticity.repair_target(torch.from_numpy(weights.T.copy()), torch.from_numpy(alive.T.copy()))
            layer.learning.set_state("target", target.numpy().T[alive])
        learn(run, layer, digits.images[: self.repairing], way)
