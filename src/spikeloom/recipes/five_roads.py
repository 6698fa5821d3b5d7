"""Five roads to a deep spiking network, on the same digits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

import spikeloom as sl
from spikeloom.conversion.measure import Shown
from spikeloom.recipes import Absent, Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._trained_digits import Digits, counted, digits, trained

HIDDEN = 100


@dataclass(frozen=True)
class Road:
    """What a network has come to: outputs so far, [times, n, 10], spikes of hidden neurons and operations of a digit.

    `shown` counts samples of training times their steps, and outputs are those after `every` so many steps.
    """

    over_time: Tensor
    spikes: float
    operations: float
    shown: float
    every: int = 1


class FiveRoads(Recipe):
    row, family = "V22", "conversion"
    title = "Five roads to deep spiking networks"
    reference = Reference(
        "Pfeiffer and Pfeil", 2018, "Deep learning with spiking neurons: opportunities and challenges",
        "Front. Neurosci. 12:774",
    )  # fmt: skip
    claim = (
        "Binarised networks, conversion, training of networks with the constraints of spikes, supervised learning with "
        "spikes and local rules each lead to deep spiking networks. Their answers come early and get better with time, "
        "and operations are done only where there are spikes; rates are what most of them compute."
    )
    shown = (
        "Digits of scikit-learn, 64-100-10. Binarised: neurons that spike or not in one step, weights of -1, 0 and 1. "
        "Conversion: rectifiers, the default method, 8 steps. Constrained: soft LIF and noise in training, LIF neurons "
        "for 100 ms. Supervised: leaky neurons, surrogate gradients through 8 steps. Local: STDP of the output neurons "
        "behind random hidden ones, which stay, 50 ms. Operations are additions for spikes and products for currents. "
        "Latency: steps from which on accuracy stays within a point of the last. Seconds of training are in the notes. "
        "Each road is the others' control."
    )
    chance, control = 0.1, Absent("each road is the others' control")

    quick = full = Form(
        Bar("accuracy, conversion", at_least=0.961, why="0.976 in the survey, less two standard errors of 360 digits"),
        Bar("accuracy, binarised", at_least=0.9, why="nine of ten, by weights of three values"),
        Bar("accuracy, constrained", at_least=0.945, why="as in the recipe of soft LIF, rectifiers less two errors"),
        Bar("accuracy, supervised", at_least=0.95, why="the bar of the survey's tutorial"),
        Bar("accuracy, local", at_least=0.85, why="nine of ten, less five points, for one layer that learns"),
        Bar("largest fall over time, conversion", at_most=0.015, why="rising, but for two standard errors"),
        Bar("rise from the first step, conversion", at_least=0.015, why="two standard errors: the first is an answer"),
    )
    smoke = Form(
        Bar("accuracy, conversion", at_least=0.7, why="a few passes"),
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"epochs": 2, "passes": 1},
    )

    epochs: int = setting(20, "passes of training by gradients", at_least=1)
    passes: int = setting(3, "passes of local learning", at_least=1)

    def measure(self, run: Run) -> Figures:
        data = digits()
        found: dict[str, float] = {}
        roads: dict[str, Callable[[Digits, int, int], Road]] = {
            "binarised": binarised, "conversion": conversion, "constrained": constrained, "supervised": supervised,
            "local": local,
        }  # fmt: skip
        for name, road in run.track(roads.items(), "roads"):
            begun = time.process_time()
            made = road(data, run.seed, self.passes if road is local else self.epochs)
            run.note(f"{name}: {time.process_time() - begun:.1f} s of one core for training and test, seed {run.seed}")
            curve = torch.tensor([data.accuracy(y) for y in made.over_time])
            found |= {
                f"accuracy, {name}": float(curve[-1]),
                f"spikes, {name}": made.spikes,
                f"operations, {name}": made.operations,
                f"latency, {name}": float(latency(curve) * made.every),
                f"samples times steps of training, {name}": made.shown,
            }
            if len(curve) > 1:
                found[f"largest fall over time, {name}"] = max(float(-curve.diff().min()), 0.0)
                found[f"rise from the first step, {name}"] = float(curve[-1] - curve[0])
        return found


def latency(curve: Tensor) -> int:
    """Steps from which on accuracy stays within a point of the last."""
    far = (curve < curve[-1] - 0.01).nonzero()
    return int(far.max()) + 2 if len(far) else 1


def binarised(data: Digits, seed: int, epochs: int) -> Road:
    def made() -> sl.nn.Sequential:
        hidden, output = sl.nn.trinary(nn.Linear(64, HIDDEN)), sl.nn.trinary(nn.Linear(HIDDEN, 10))
        return sl.nn.Sequential(hidden, nn.BatchNorm1d(HIDDEN), sl.IF(), output, nn.BatchNorm1d(10))

    return by_gradients(made, data, seed, epochs, steps=1)


def supervised(data: Digits, seed: int, epochs: int) -> Road:
    def made() -> sl.nn.Sequential:
        return sl.nn.Sequential(nn.Linear(64, HIDDEN), sl.LIF(tau_mem=4.0), nn.Linear(HIDDEN, 10))

    return by_gradients(made, data, seed, epochs // 2 or 1, steps=8)


def by_gradients(make: Callable[[], sl.nn.Sequential], data: Digits, seed: int, epochs: int, *, steps: int) -> Road:
    """Of the mean output over time."""
    torch.manual_seed(seed)
    net = make()
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(epochs):
        for some in torch.split(torch.randperm(len(data.inputs)), 48):
            x = data.inputs[some].expand(steps, -1, -1)
            loss = cross_entropy(net(x).mean(0), data.labels[some])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            sl.nn.clip_hidden(net)
    net.eval().requires_grad_(False)
    x = data.test.expand(steps, -1, -1)
    spikes: list[Tensor] = []
    neuron = next(layer for layer in net if isinstance(layer, sl.neurons.Neuron))
    with torch.no_grad():
        hook = neuron.register_forward_hook(lambda layer, given, s: spikes.append(s))
        y = net(x).cumsum(0)
        hook.remove()
        operations = sl.training.count_operations(net, x)
    each = float(spikes[0].sum()) / len(data.test)
    return Road(y, each, operations.synaptic + operations.dense, float(epochs * len(data.inputs) * steps))


def conversion(data: Digits, seed: int, epochs: int) -> Road:
    model = trained(data, HIDDEN, seed=seed, epochs=epochs)
    return converted(data, sl.convert(model, data.inputs, steps=8), epochs)


def constrained(data: Digits, seed: int, epochs: int) -> Road:
    def activation() -> nn.Module:
        return nn.Sequential(sl.conversion.SoftLIF(), sl.conversion.ActivationNoise(0.1))

    torch.manual_seed(seed)
    model = trained(data, HIDDEN, seed=seed, epochs=epochs, activation=activation)
    return converted(data, sl.convert(model, data.inputs, steps=100), epochs)


def converted(data: Digits, net: sl.conversion.Converted, epochs: int) -> Road:
    counts = counted(net, data.test)
    spikes = float(sum(each.sum() for each in counts.sites.values())) / len(data.test)
    operations = sl.training.count_operations(Shown(net), data.test[:64].expand(net.steps, -1, -1))
    total = operations.synaptic + operations.dense
    return Road(net.over_time(data.test), spikes, total, float(epochs * len(data.inputs)))


def local(data: Digits, seed: int, passes: int, *, steps: int = 50) -> Road:
    generator = torch.Generator().manual_seed(seed)
    weights = [
        0.25 * torch.randn(HIDDEN, 64, generator=generator),
        torch.randn(10, HIDDEN, generator=generator) / HIDDEN**0.5,
    ]
    x, target = sl.coding.regular(0.25 * data.inputs, steps), one_hot(data.labels, 10).float()
    for number in range(passes):
        rule = sl.plasticity.BPSTDP(lr=0.1 * 0.7**number)
        for some in torch.split(torch.randperm(x.shape[1], generator=generator), 20):
            weights[1] = rule.update(weights, x[:, some], target[some]).weights[1]
    tests, parts = sl.coding.regular(0.25 * data.test, steps), range(5, steps + 1, 5)
    answers = [rule.respond(weights, tests[:end]) for end in parts]
    # Hidden neurons as outputs, which have thresholds of their own.
    hidden = sl.plasticity.BPSTDP(v_th_out=rule.v_th).respond(weights[:1], tests).counts
    each, inputs = float(hidden.sum()) / len(data.test), float(tests.sum()) / len(data.test)
    over_time = torch.stack([answer.counts + 0.5 * answer.potential.softmax(-1) for answer in answers])
    samples = float(passes * len(data.inputs) * steps)
    return Road(over_time, each, inputs * HIDDEN + each * 10, samples, every=parts.step)
