"""Eedn: convolutions with weights of -1, 0 and 1 and neurons that spike or do not."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, digits

CLASSES = 10
# Output channels of a class.
VOTES = 12


class Eedn(Recipe):
    row, family = "L28", "binary and low precision"
    title = "Convolutions of trinary weights and binary neurons"
    reference = Reference(
        "Esser et al.", 2016, "Convolutional networks for fast, energy-efficient neuromorphic computing",
        "PNAS 113(41)", arxiv="1603.08270",
    )  # fmt: skip
    claim = (
        "Convolutional networks whose weights are -1, 0 and 1, whose neurons spike or do not, and whose filters see "
        "few channels each, so that they fit on cores, are trained by back-propagation almost as well as others."
    )
    claimed = "CIFAR-10 87.50 %, CIFAR-100 63.05 %"
    shown = (
        "Digits of scikit-learn, a convolution on the image, two in four groups with strides, and one of 1 x 1 in four "
        "groups; twelve output channels for each class. Hidden weights with hysteresis 0.1, slopes max(0, 1 - |r|), "
        "batch normalisation. The other network has the same layers with real weights and rectifiers. In the control "
        "its weights are rounded to -1, 0 and 1 after training, and its neurons spike."
    )
    chance, control = 0.1, "accuracy, rounded after training"

    channels: int = setting(32, "channels of the first convolutions", at_least=4)
    epochs: int = setting(20, "passes over the training digits", at_least=1)

    quick = Form(
        Bar("accuracy", at_least=0.93, why="two points below some 0.97 of real weights, and two standard errors"),
        Bar(
            "points below real weights",
            at_most=2.0,
            why="the row: within two points",
            missed="With three times the channels and twice the passes, in the full form, it is reached.",
        ),
        Bar("share of weights that are 0", between=(0.05, 0.95), why="three values are used, not two or one"),
        Bar("switches without hysteresis over those with", at_least=1.0, why="what hysteresis is for"),
    )
    full = Form(
        *quick.bars_but({"points below real weights": ""}),
        seeds=range(10),
        settings={"channels": 96, "epochs": 40},
    )
    smoke = Form(
        Bar("accuracy", at_least=0.6, why="six times chance after three passes"),
        seeds=(0,), few_seeds="it only shows that all works", settings={"channels": 16, "epochs": 3},
    )  # fmt: skip

    def measure(self, run: Run) -> Figures:
        found, figures = digits(), dict[str, float]()
        switches = []
        for share in (0.0, 0.1):
            torch.manual_seed(run.seed)
            switches.append(train(network(self.channels, share), found, run, 2, f"hysteresis {share}"))
        for name, hysteresis in (("", 0.1), (", real weights", None)):
            torch.manual_seed(run.seed)
            net = network(self.channels, hysteresis)
            train(net, found, run, self.epochs, f"passes{name}")
            figures[f"accuracy{name}"] = accuracy(net, found)
            if not name:
                weights = torch.cat([w.detach().flatten() for w in weights_of(net)])
                figures["share of weights that are 0"] = float((weights == 0).double().mean())
        rounded = network(self.channels, None, binary=True)
        rounded.load_state_dict(net.state_dict())
        for weight in weights_of(rounded):
            weight.data = (weight.data * 0.5 / weight.data.std()).clamp(-1, 1).round() * weight.data.std()
        figures["accuracy, rounded after training"] = accuracy(rounded, found)
        return figures | {
            "points below real weights": 100 * (figures["accuracy, real weights"] - figures["accuracy"]),
            "switches without hysteresis over those with": switches[0] / max(switches[1], 1e-9),
        }


def network(channels: int, hysteresis: float | None, *, binary: bool = False) -> nn.Module:
    """Trinary weights and binary neurons, or without hysteresis given real weights and rectifiers."""
    wide = 2 * channels
    shapes = (
        (1, channels, 3, 1, 1),
        (channels, wide, 3, 2, 4),
        (wide, wide, 3, 2, 4),
        (wide, CLASSES * VOTES, 1, 1, 4),
    )
    layers: list[nn.Module] = [nn.Unflatten(1, (1, 8, 8))]
    for number, (inputs, outputs, size, stride, groups) in enumerate(shapes):
        layer: nn.Module = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
        spikes = hysteresis is not None or binary
        neuron = sl.neurons.ThresholdUnit(v_th=0.0, surrogate=sl.surrogate.Triangle(height=1.0))
        if hysteresis is not None:
            layer = sl.nn.trinary(layer, hysteresis=hysteresis)
        layers += [layer, nn.BatchNorm2d(outputs)]
        if number < len(shapes) - 1:
            layers.append(neuron if spikes else nn.ReLU())
    return sl.nn.Sequential(*layers)


def train(net: nn.Module, found: Digits, run: Run, epochs: int, what: str) -> float:
    """The share of weights that are others after a pass, summed over passes."""
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-2)
    switched, last = 0.0, [w.detach().clone() for w in weights_of(net)]
    for epoch in run.track(range(epochs), what):
        optimiser.param_groups[0]["lr"] = 3e-2 * (1 + math.cos(math.pi * epoch / epochs)) / 2
        for some in torch.split(torch.randperm(len(found.inputs)), 48):
            loss = cross_entropy(scores(net, found.inputs[some]), found.labels[some])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            sl.nn.clip_hidden(net)
        now = [w.detach().clone() for w in weights_of(net)]
        changed = torch.cat([(a != b).flatten() for a, b in zip(now, last, strict=True)])
        switched, last = switched + float(changed.double().mean()), now
    net.eval()
    return switched


def scores(net: nn.Module, x: Tensor) -> Tensor:
    """Mean over the channels of each class, and over places, in one step of time."""
    return net(x[None])[0].flatten(2).mean(2).unflatten(1, (CLASSES, VOTES)).mean(2)  # type: ignore[no-any-return]


def weights_of(net: nn.Module) -> list[Tensor]:
    """Of all convolutions, as they are used."""
    return [layer.weight for layer in net.modules() if isinstance(layer, nn.Conv2d)]


@torch.no_grad()
def accuracy(net: nn.Module, found: Digits) -> float:
    net.eval()
    return found.accuracy(scores(net, found.test))
