"""Soft LIF: a network that learns with the rates of leaky neurons as activations runs on these neurons."""

from __future__ import annotations

import torch
from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, digits, trained

STEPS = 100
EARLY = 20


class TrainedWithSoftLIF(Recipe):
    name = "soft-lif"
    row, family, title = "V13, V14, L26", "conversion", "Training with the rates of leaky neurons"
    reference = Reference(
        "Hunsberger and Eliasmith", 2015, "Spiking deep networks with LIF neurons", arxiv="1510.08829",
    )  # fmt: skip
    claim = (
        "With the firing rate of a leaky neuron, made smooth, as activation, and with noise as irregular as that of "
        "spikes, networks learn as with any other; leaky neurons with the same constants then take the activations' "
        "place and little is lost."
    )
    claimed = "MNIST 98.37 %, CIFAR-10 82.95 %, with alpha synapses and average pooling"
    shown = (
        "Digits of scikit-learn, two hidden layers, tau = 20 ms, t_ref = 2 ms, alpha synapses of 5 ms, 100 steps of "
        "1 ms. The control is a network that has learnt with rectifiers, of which these neurons take the place as they "
        "are, a spike worth tau; with a constant current of half the threshold beside, their rate is nearly linear."
    )
    chance, control = 0.1, "accuracy, neurons in place of rectifiers"

    networks: int = setting(3, "networks with and without noise, whose spread is compared", at_least=2)
    epochs: int = setting(8, "passes over the training digits", at_least=1)
    noise: float = setting(0.3, "standard deviation of the noise on activations", at_least=0.0)

    quick = Form(
        Bar("accuracy", at_least=0.945, why="two standard errors of 360 digits below a rectifier network's 0.965"),
        Bar("points lost", at_most=0.5, why="the row: at most half a point at 100 ms"),
        Bar("points lost, neurons in place of rectifiers", at_least=5.0, why="the row: naive loses five points"),
        Bar("points lost, matched current", at_most=1.0, why="the row: constants chosen so that rates are activations"),
        Bar("spread without noise over that with, 20 ms", at_least=1.0, why="the row: without noise it varies more"),
        Bar("largest error of a rate, gamma = 0.0001", at_most=0.001, why="a spike in 1000 ms may be missing"),
    )
    full = Form(*quick.bars, seeds=range(10), settings={"networks": 5})
    smoke = Form(
        Bar("accuracy", at_least=0.7, why="seven times chance after two passes"),
        seeds=(0,), few_seeds="it only shows that all works", settings={"networks": 2, "epochs": 2},
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        found = digits()
        model = trained(found, seed=run.seed, epochs=self.epochs)
        exact = found.accuracy(model)
        figures: dict[str, float] = {"accuracy, rectifiers": exact}
        for name, current in (("neurons in place of rectifiers", 0.0), ("matched current", 0.5)):
            placed = nn.Sequential(*(neuron(current) if isinstance(each, nn.ReLU) else each for each in model)).eval()
            figures[f"accuracy, {name}"] = converted(found, placed)[STEPS]
            figures[f"points lost, {name}"] = 100 * (exact - figures[f"accuracy, {name}"])
        for name, sigma in (("", self.noise), (", without noise", 0.0)):
            figures |= self.learnt(found, run, sigma, name)
        spreads = figures["spread of points lost, 20 ms, without noise"], figures["spread of points lost, 20 ms"]
        # Both may be 0 by chance.
        ratio = (spreads[0] + 1e-9) / (spreads[1] + 1e-9)
        return figures | {
            "spread without noise over that with, 20 ms": ratio,
            "largest error of a rate, gamma = 0.0001": largest_error(),
        }

    def learnt(self, found: Digits, run: Run, sigma: float, name: str) -> dict[str, float]:
        """Of several networks with soft LIF."""

        def activation() -> nn.Module:
            return nn.Sequential(neuron(1.0), sl.conversion.ActivationNoise(sigma))

        rates, spikes, early = [], [], []
        for number in run.track(range(self.networks), f"networks{name}"):
            torch.manual_seed(run.seed * 100 + number)
            model = trained(found, seed=run.seed * 100 + number, activation=activation, epochs=self.epochs)
            told = converted(found, model)
            rates.append(found.accuracy(model))
            spikes.append(told[STEPS])
            early.append(told[EARLY])
        a, s, e = (torch.tensor(values) for values in (rates, spikes, early))
        return {
            f"accuracy{name}": float(s.mean()),
            f"accuracy, soft LIF{name}": float(a.mean()),
            f"points lost{name}": 100 * float((a - s).mean()),
            f"points lost, 20 ms{name}": 100 * float((a - e).mean()),
            f"spread of points lost, 20 ms{name}": 100 * float((a - e).std()),
        }


def neuron(current: float) -> nn.Module:
    return sl.conversion.SoftLIF(current=current, tau_syn=5.0)


def converted(found: Digits, model: nn.Module) -> dict[int, float]:
    """Accuracy by steps."""
    net = sl.convert(model, found.inputs, sl.conversion.RateCode(), steps=STEPS)
    over_time = net.over_time(found.test)
    return {steps: found.accuracy(over_time[steps - 1]) for steps in (EARLY, STEPS)}


def largest_error(steps: int = 1000) -> float:
    """Between activation and the rate of its neuron, in spikes per ms."""
    x = torch.cat([torch.linspace(-2.0, -0.02, 50), torch.linspace(0.02, 8.0, 150)])
    soft = sl.conversion.SoftLIF(gamma=0.0001, amplitude=1.0)
    rate = soft.as_site(steps)(x.expand(steps, 1, -1)).mean(0)[0]
    return float((rate - soft(x)).abs().max())
