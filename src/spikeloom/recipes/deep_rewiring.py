"""DEEP R: a layer with few connections trains better if connections may move; their number stays."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

HIDDEN, INPUTS, STEPS = 64, 64, 8


class DeepRewiring(Recipe):
    row, family = "P36", "plasticity"
    title = "Deep rewiring: training with a fixed number of connections"
    reference = Reference(
        "Bellec, Salaj, Subramoney, Legenstein and Maass", 2018,
        "Long short-term memory and learning-to-learn in networks of spiking neurons", "NeurIPS 31",
        arxiv="1803.09574",
    )  # fmt: skip
    claim = (
        "Recurrent networks of adaptive spiking neurons, trained by back-propagation with a number of connections that "
        "is fixed while connections move, come near to LSTM networks."
    )
    shown = (
        "Of the paper, its rewiring only (DEEP R): a layer of 64 leaky integrate-and-fire neurons with 2 % of its "
        "connections to the digits of scikit-learn and a dense read-out, trained by stochastic gradient descent. The "
        "control keeps the connections that were drawn first."
    )
    chance, control = 0.1, "accuracy, connections fixed"

    share: float = setting(0.02, "share of connections", at_least=0.001, at_most=1.0)
    steps: int = setting(300, "batches of 64 digits", at_least=1)

    quick = Form(
        Bar("accuracy", at_least=0.7, why="seven times chance, with 82 connections for 64 neurons"),
        Bar("largest change of the number of connections", at_most=0.0, why="constant to the synapse"),
    )
    full = Form(*quick.bars, seeds=range(10), settings={"steps": 1500})
    smoke = Form(
        Bar("accuracy", at_least=0.5, why="five times chance, after few steps"),
        seeds=(0,),
        few_seeds="a seed takes seconds",
        settings={"steps": 100},
    )

    def measure(self, run: Run) -> dict[str, float]:
        data = sl.datasets.digits()
        found, change = self.trained(data, run, moving=True)
        fixed, _ = self.trained(data, run, moving=False)
        return {
            "accuracy": found,
            "accuracy, connections fixed": fixed,
            "gain over fixed connections": found - fixed,
            "largest change of the number of connections": change,
            "connections": self.count,
        }

    @property
    def count(self) -> int:
        """Of the layer."""
        return round(self.share * HIDDEN * INPUTS)

    def trained(self, data: sl.datasets.Dataset, run: Run, *, moving: bool) -> tuple[float, int]:
        """Accuracy, and by how much the number of connections was another one at worst."""
        torch.manual_seed(run.seed)
        images, labels = data.train.inputs().flatten(1), data.train.labels
        layer, out = torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Linear(HIDDEN, 10)
        neuron = sl.LIF(tau_mem=2.0, decay_input=False)
        deep_r = sl.plasticity.DeepR(lr=0.01, l1=1e-3, temperature=1e-5)
        connections = deep_r.start(layer.weight, count=self.count, seed=run.seed)
        layer.weight.data = connections.w
        optimiser = torch.optim.SGD([*layer.parameters(), *out.parameters()], lr=0.3, momentum=0.9)
        change = 0

        def answers(x: Tensor) -> Tensor:
            scores: Tensor = out(neuron(layer(x).expand(STEPS, -1, -1)).mean(0)) * 3.0
            return scores

        for step in run.track(range(1, self.steps + 1), "DEEP R" if moving else "fixed connections"):
            rows = torch.randint(len(images), (64,), generator=run.generator)
            loss = cross_entropy(answers(images[rows]), labels[rows])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            if moving:
                connections = deep_r.update(connections, layer.weight, seed=run.seed, step=step)
                layer.weight.data = connections.w
            else:
                layer.weight.data = torch.where(connections.mask, layer.weight.data, 0.0)
            change = max(change, abs(int(layer.weight.count_nonzero()) - self.count))
        with torch.no_grad():
            right = answers(data.test.inputs().flatten(1)).argmax(1) == data.test.labels
        return float(right.float().mean()), change
