"""AMOS: units of a trained network become circuits whose neurons spike at most once."""

from __future__ import annotations

from torch import Tensor, nn

import spikeloom as sl
from spikeloom.conversion import AMOSCode, AMOSGate, Converted
from spikeloom.conversion._sites import Site
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, digits, trained

BITS = (3, 4, 5, 8)


class AMOSConversion(Recipe):
    name = "amos-conversion"
    row, family = "P17", "conversion"
    title = "At most one spike per neuron"
    reference = Reference(
        "Stoeckl and Maass", 2020, "Recognizing images with at most one spike per neuron", arxiv="2001.01682"
    )
    claim = (
        "A circuit of a few neurons that fire one after the other, each at most once, stands for a unit with any "
        "activation, and takes a new image in every step. Networks keep almost all of their accuracy."
    )
    claimed = "ImageNet 80.97 % of 85.0 %, against 74.60 % before"
    shown = (
        "Digits of scikit-learn, 64-100-100-10. Rectifiers: circuits of K neurons against few-spike neurons with K "
        "steps. Swish and sigmoid: networks trained with them, whose gates of eight neurons are fitted to the inputs "
        "of each layer. In the control a rate code tells the rectifiers in as many steps."
    )
    chance, control = 0.1, "accuracy, rate code, 4 steps"

    quick = full = Form(
        Bar("accuracy, 4 neurons", at_least=0.96, why="0.976 in the survey for few spikes, less two standard errors"),
        Bar("difference from few spikes", at_most=0.0, why="the same numbers, exactly"),
        Bar("most spikes of a neuron", at_most=1.0, why="by construction"),
        Bar("points lost, swish", at_most=1.0, why="the row: within a point"),
        Bar("largest error, sigmoid", at_most=0.03, why="the row: with 8 to 12 neurons"),
        Bar(
            "largest error, swish",
            at_most=0.03,
            why="the row: with 8 to 12 neurons",
            missed="Swish falls before it rises, and thresholds depend on earlier neurons by sums only. Eight neurons, "
            "fitted within a second, leave 0.25; minutes of random search leave 0.05 with twelve between -4 and 4, as "
            "evolution does for few-spike neurons with sixteen steps. The networks lose nothing by it.",
        ),
    )
    smoke = Form(
        Bar("accuracy, 4 neurons", at_least=0.8, why="a few passes"),
        *quick.bars[1:3],
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"epochs": 4, "restarts": 2},
    )

    epochs: int = setting(25, "passes of training", at_least=1)
    restarts: int = setting(16, "beginnings of a gate's fit", at_least=1)

    def measure(self, run: Run) -> Figures:
        data = digits()
        model = trained(data, 100, 100, seed=run.seed, epochs=self.epochs)
        found = {"accuracy, original": data.accuracy(model)} | rectifiers(model, data)
        for name, activation in (("swish", nn.SiLU), ("sigmoid", nn.Sigmoid)):
            model = trained(data, 100, 100, seed=run.seed, activation=activation, epochs=self.epochs)
            net = sl.convert(model, data.inputs, AMOSCode(restarts=self.restarts), steps=8)
            lost = data.accuracy(model) - data.accuracy(net)
            found |= {f"accuracy, {name}": data.accuracy(net), f"points lost, {name}": 100 * lost}
            found[f"largest error, {name}"] = largest_error(net, activation(), data)
        return found


def rectifiers(model: nn.Module, data: Digits) -> dict[str, float]:
    """Circuits against few spikes and rates."""
    found, apart, most = {}, 0.0, 0.0
    for bits in BITS:
        net = sl.convert(model, data.inputs, "amos", steps=bits)
        few = sl.convert(model, data.inputs, "few-spikes", steps=bits)
        apart = max(apart, float((net.sequence(data.test) - few.sequence(data.test)).abs().max()))
        y, trains = trains_of(net, data)
        # Each step of a window is another neuron.
        most = max(most, *(float((s != 0).view(-1, bits, *s.shape[1:]).sum(0).max()) for s in trains))
        found[f"accuracy, {bits} neurons"] = data.accuracy(y)
        rates = sl.convert(model, data.inputs, "percentile", steps=bits)
        found[f"accuracy, rate code, {bits} steps"] = data.accuracy(rates(data.test))
    return found | {"difference from few spikes": apart, "most spikes of a neuron": most}


def trains_of(net: Converted, data: Digits) -> tuple[Tensor, list[Tensor]]:
    """The mean output for the test digits, and what each layer sends, [steps, n, neurons]."""
    trains: list[Tensor] = []

    def watch(node: object, site: nn.Module, i: Tensor) -> None:
        assert isinstance(site, Site)
        trains.append(site.spikes(i))

    return net.sequence(data.test, watch=watch).mean(0), trains


def largest_error(net: Converted, function: nn.Module, data: Digits) -> float:
    """Of any gate, for the inputs that its layer has of training digits."""
    errors: list[float] = []

    def watch(node: object, site: nn.Module, i: Tensor) -> None:
        gate, x = site.neuron, i.mean(0)
        assert isinstance(gate, AMOSGate)
        errors.append(float((gate.value(x) - function(x)).abs().max()))

    net.sequence(data.inputs, watch=watch)
    return max(errors)
