"""Back-propagation for TrueNorth: spikes and connections are probabilities in training, and drawn afterwards."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, digits

CLASSES = 10
# Output neurons of a class.
VOTES = 20


class TrueNorthBackprop(Recipe):
    row, family = "L27", "binary and low precision"
    title = "Back-propagation through probabilities of connections"
    reference = Reference(
        "Esser, Appuswamy, Merolla, Arthur and Modha", 2015,
        "Backpropagation for energy-efficient neuromorphic computing", "NeurIPS",
    )  # fmt: skip
    claim = (
        "If spikes and connections are taken for probabilities, networks of binary connections and one spike or none "
        "per neuron can be trained by back-propagation; what is run is drawn from the probabilities, once, or several "
        "times as an ensemble that is more accurate."
    )
    claimed = "MNIST 99.42 % with an ensemble of 64 networks, 92.7 % with one"
    shown = (
        "Digits of scikit-learn, each pixel a spike with the probability of its brightness, 64-256-200, twenty output "
        "neurons for each class, one step. Cores and their limits of fan-in are left away. The control is one network "
        "with connections drawn from probabilities before training; eight networks see draws of their own of the "
        "input."
    )
    chance, control = 0.1, "accuracy, ensemble of 8, not trained"

    hidden: int = setting(256, "hidden neurons", at_least=1)
    epochs: int = setting(25, "passes over the training digits", at_least=1)

    draws: int = setting(8000, "samples of which frequencies are counted", at_least=1)

    quick = Form(
        Bar("accuracy, ensemble of 8", at_least=0.9, why="the digits of scikit-learn in place of MNIST's"),
        Bar("points gained by 8 networks", at_least=1.1, why="the row: better; by a standard error of 360 digits"),
        Bar("error of probability, first layer", at_most=0.01, why="the row: less than 1 % from what is sampled"),
        Bar("error of probability, trained layer", at_most=0.01, why="the same, as the layer is after training"),
    )
    full = Form(
        Bar("accuracy, ensemble of 64", at_least=0.94, why="within two points of the network of probabilities"),
        *quick.bars, seeds=range(10), settings={"hidden": 512, "epochs": 40},
    )  # fmt: skip

    smoke = Form(
        Bar("accuracy, ensemble of 8", at_least=0.7, why="seven times chance after four passes"),
        seeds=(0,), few_seeds="it only shows that all works", settings={"hidden": 64, "epochs": 4, "draws": 500},
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        found = digits()
        torch.manual_seed(run.seed)
        model = nn.Sequential(
            sl.nn.SampledLinear(64, self.hidden, seed=run.seed),
            sl.nn.SampledLinear(self.hidden, CLASSES * VOTES, seed=run.seed + 1000),
        )
        figures = {"error of probability, first layer": error_of_probability(model[0], found.test[:8], self.draws)}
        figures["accuracy, ensemble of 8, not trained"] = ensemble(model, found, 8)
        self.train(model, found, run)
        with torch.no_grad():
            figures["accuracy, probabilities"] = found.accuracy(votes(model(found.test)))
        figures["error of probability, trained layer"] = error_of_probability(model[0], found.test[:8], self.draws)
        alone = [ensemble(model, found, 1) for _ in range(8)]
        figures["accuracy, 1 network"] = sum(alone) / len(alone)
        for number in (8, 64):
            figures[f"accuracy, ensemble of {number}"] = ensemble(model, found, number)
        gained = 100 * (figures["accuracy, ensemble of 8"] - figures["accuracy, 1 network"])
        sample = sl.nn.sample_connections(model)
        there = sum(int((weight != 0).sum()) for weight in sample.buffers() if weight.dim() == 2)
        return figures | {"points gained by 8 networks": gained, "connections of a network": there}

    def train(self, model: nn.Module, found: Digits, run: Run) -> None:
        """All output neurons of a class shall spike, and no others."""
        optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
        wanted = nn.functional.one_hot(found.labels, CLASSES).repeat_interleave(VOTES, 1).float()
        for _ in run.track(range(self.epochs), "passes"):
            for some in torch.split(torch.randperm(len(found.inputs)), 48):
                loss = binary_cross_entropy(model(found.inputs[some]).clamp(1e-6, 1 - 1e-6), wanted[some])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()


def votes(y: Tensor) -> Tensor:
    """Sums over the output neurons of each class."""
    return y.reshape(len(y), CLASSES, VOTES).sum(2)


@torch.no_grad()
def ensemble(model: nn.Module, found: Digits, networks: int) -> float:
    """Accuracy of the sum of so many sampled networks, each with its own draw of input spikes."""
    total = torch.zeros(len(found.test), CLASSES)
    for _ in range(networks):
        total += votes(sl.nn.sample_connections(model)(found.test.bernoulli()))
    return found.accuracy(total)


@torch.no_grad()
def error_of_probability(layer: nn.Module, x: Tensor, draws: int, neurons: int = 24) -> float:
    """Of the first neurons, mean difference of probabilities and frequencies over draws of connections and spikes."""
    some = copy.deepcopy(layer)
    assert isinstance(some, sl.nn.SampledLinear)
    some.hidden.data, some.hidden_bias.data = some.hidden.data[:neurons], some.hidden_bias.data[:neurons]
    some.signs = some.signs[:neurons]
    told = torch.zeros(len(x), neurons)
    for _ in range(draws):
        told += some.sample()(x.bernoulli())
    return float((told / draws - some(x)).abs().mean())
