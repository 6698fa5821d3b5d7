"""Backward residual connections, stochastic softmax, and a first layer without spikes: three checks of one paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, digits

CHANNELS = 8


class BackwardResidualRecipe(Recipe):
    row, family = "P37", "gradient learning"
    title = "Backward residual connections, stochastic softmax, hybrid networks"
    reference = Reference(
        "Panda, Aketi and Roy", 2020,
        "Toward scalable, efficient, and accurate deep spiking neural networks with backward residual connections, "
        "stochastic softmax, and hybridization", "Frontiers in Neuroscience 14:653", arxiv="1910.13931",
    )  # fmt: skip
    claim = (
        "A block that runs several times on its own output is as good as a deeper network with its own weights; a "
        "softmax whose classes drop out, and a first layer without spikes, save passes and steps."
    )
    shown = (
        "Digits of scikit-learn, a convolution, a block of one, pooling and a linear layer, leaky neurons, surrogate "
        "gradients, 4 steps. The block runs three times; beside it are networks in which it runs once, and in which "
        "there are three blocks. Then the softmax is a stochastic one, or the first neurons are rectifiers. The "
        "control is the network whose block runs once."
    )
    chance, control = 0.1, "accuracy, block once"

    epochs: int = setting(5, "passes over the training digits", at_least=2)
    steps: int = setting(4, "time steps in training", at_least=1)

    quick = Form(
        Bar("accuracy, first layer without spikes", at_least=0.93, why="some 0.95, two standard errors of 360 digits"),
        Bar("accuracy, block three times", at_least=0.9, why="that it learns at all, with gradients of all passes"),
        Bar(
            "points gained by running three times",
            at_least=0.0,
            why="the row: not below the plain network",
            missed="No gain at this scale: one network of three gains, nor do three blocks gain in the mean.",
        ),
        Bar("weights more than with the block once", at_most=0.0, why="the block's weights are shared"),
        Bar(
            "passes more to 95 % with stochastic softmax",
            at_most=0.0,
            why="the row: not later than with softmax",
            missed="No gain at this scale: two networks need as many passes, one needs one more.",
        ),
        Bar(
            "points gained by a first layer without spikes, 1 step",
            at_least=0.0,
            why="the row: fewer steps needed",
            missed="No gain at this scale: one network of three gains; one step is enough with spikes, too.",
        ),
    )
    full = Form(
        *quick.bars_but(
            {
                "points gained by running three times": "No gain at this scale, nor do three blocks gain.",
                "passes more to 95 % with stochastic softmax": "",
                "points gained by a first layer without spikes, 1 step": "",
            }
        ),
        seeds=range(10),
        settings={"epochs": 16},
    )
    smoke = Form(
        Bar("accuracy, first layer without spikes", at_least=0.3, why="three times chance after two passes"),
        seeds=(0,), few_seeds="it only shows that all works", settings={"epochs": 2, "steps": 2},
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        found, trials = digits(), dict[str, Trial]()
        kinds: dict[str, dict[str, Any]] = {
            "block once": {}, "block three times": {"passes": 3}, "three blocks": {"blocks": 3},
            "stochastic softmax": {"stochastic": True}, "first layer without spikes": {"hybrid": True},
        }  # fmt: skip
        for name, options in kinds.items():
            torch.manual_seed(run.seed)
            trials[name] = self.trial(network(**options), found, run, name)
        figures = {f"accuracy, {name}": trial.by_pass[-1] for name, trial in trials.items()}
        figures |= {f"passes to 95 %, {name}": trial.needed for name, trial in trials.items()}
        once = trials["block once"]
        for steps in (1, 2, 4):
            for name in ("block once", "first layer without spikes"):
                figures[f"accuracy, {name}, {steps} steps"] = trials[name].accuracy(found, steps)
        back, weights = trials["block three times"], once.weights
        gained = figures["accuracy, first layer without spikes, 1 steps"] - figures["accuracy, block once, 1 steps"]
        return figures | {
            "points gained by running three times": 100 * (back.by_pass[-1] - once.by_pass[-1]),
            "points gained by three blocks": 100 * (trials["three blocks"].by_pass[-1] - once.by_pass[-1]),
            "weights more than with the block once": back.weights - weights,
            "weights more with three blocks": trials["three blocks"].weights - weights,
            "passes more to 95 % with stochastic softmax": trials["stochastic softmax"].needed - once.needed,
            "points gained by a first layer without spikes, 1 step": 100 * gained,
        }

    def trial(self, net: nn.Module, found: Digits, run: Run, name: str) -> Trial:
        """After training."""
        optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
        trial = Trial(net, [])
        for _ in run.track(range(self.epochs), name):
            net.train()
            for some in torch.split(torch.randperm(len(found.inputs)), 48):
                loss = nll_loss(told(net, found.inputs[some], self.steps), found.labels[some])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            trial.by_pass.append(trial.accuracy(found, self.steps))
        return trial


@dataclass(frozen=True)
class Trial:
    """A network and its accuracy after each pass."""

    net: nn.Module
    by_pass: list[float]

    @property
    def needed(self) -> int:
        """Passes after which it has 95 % of its last accuracy."""
        return next(n for n, value in enumerate(self.by_pass, 1) if value >= 0.95 * self.by_pass[-1])

    @property
    def weights(self) -> int:
        return sum(values.numel() for values in self.net.parameters())

    @torch.no_grad()
    def accuracy(self, found: Digits, steps: int) -> float:
        """Of test digits."""
        self.net.eval()
        return found.accuracy(told(self.net, found.test, steps))


def told(net: nn.Module, x: Tensor, steps: int) -> Tensor:
    """Logarithms of probabilities, for images that stand still."""
    body, head = net.children()
    return head(body(x.view(-1, 1, 8, 8).expand(steps, -1, -1, -1, -1)))  # type: ignore[no-any-return]


def network(*, passes: int = 1, blocks: int = 1, stochastic: bool = False, hybrid: bool = False) -> nn.Module:
    """A body, which counts spikes, and a head."""

    def layer(inputs: int, neuron: nn.Module | None = None) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, CHANNELS, 3, 1, 1, bias=False)
        nn.init.kaiming_normal_(convolution.weight)
        # None within the block: its statistics are not the same in each pass.
        norm = [nn.BatchNorm2d(CHANNELS)] if inputs == 1 else []
        return [convolution, *norm, neuron or sl.LIF(tau_mem=2.0, decay_input=False)]

    first = layer(1, nn.ReLU() if hybrid else None)
    repeated = [sl.nn.BackwardResidual(*layer(CHANNELS), passes=passes) for _ in range(blocks)]
    body = sl.nn.Sequential(*first, *repeated, nn.MaxPool2d(2), nn.Flatten(), sl.nn.Rate())
    plain = nn.Sequential(nn.Linear(16 * CHANNELS, 10), nn.LogSoftmax(-1))
    head = sl.nn.Stochmax(16 * CHANNELS, 10) if stochastic else plain
    return nn.Sequential(body, head)
