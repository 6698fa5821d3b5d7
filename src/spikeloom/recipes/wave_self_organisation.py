"""Waves of activity that a sheet of neurons makes by itself teach the next sheet compact receptive fields."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Figures, Form, Recipe, Reference, Run, setting

Array = NDArray[Any]

# Radius of excitation, radius from which on there is inhibition, strength of both; the lower sheet, those above.
LOWER, UPPER = (3.0, 5.0, 0.5, 0.2), (2.0, 3.0, 0.5, 0.3)
# Sum of the weights on a neuron; time in which a spike makes a neuron active; time between normalisations, ms.
TOTAL, ACTIVE, CHUNK = 15.0, 10.0, 500.0


class WaveSelfOrganisation(Recipe):
    row, family = "M01", "plasticity"
    title = "Sheets that self-organise by waves"
    reference = Reference(
        "Raghavan, Lin and Thomson", 2020, "Self-organization of multi-layer spiking neural networks",
        arxiv="2006.06902",
    )  # fmt: skip
    claim = (
        "Waves that arise by themselves in a layer, from excitation nearby, inhibition afar and thresholds that rise "
        "with activity, trigger waves in the next; STDP between the layers makes them a network that pools, and a "
        "linear classifier on top knows digits of MNIST."
    )
    shown = (
        "(a) A sheet of 20 x 20 noisy neurons on a torus: one bump of activity wanders over all of it. Visited is the "
        "share of neurons to which its centre has come, active who spikes within 10 ms; in the control thresholds do "
        "not adapt. (b) A sheet of 10 x 10 that is driven by it through random weights: weights of neurons that "
        "spiked within 10 ms before gain, others lose, and their sum is kept. The radius is the root of the mean "
        "squared distance from the centre, by weight; the control has the weights of each neuron in random order. (c) "
        "In the full form, sheets of 28 x 28, 20 x 20 and 14 x 14 learn from waves; then, without lateral "
        "connections, MNIST as Poisson spikes of the lowest, and a linear classifier of the spikes of the highest in "
        "200 ms: better than with weights not learnt, worse than of the pixels, as pooling blurs. Strengths, times, "
        "sizes and the torus are ours."
    )
    chance = Absent("it is a share of places, not of answers")
    control = "visited, no adaptation"

    duration: float = setting(30_000.0, "ms of waves", at_least=1000.0)
    images: int = setting(0, "training images of MNIST; 0 leaves part (c) away", at_least=0, at_most=60_000)
    tested: int = setting(2000, "test images", at_least=10, at_most=10_000)

    quick = Form(
        Bar("visited", at_least=0.9, why="the bump is to come everywhere"),
        Bar("most active at once", at_most=0.2, why="a bump, not a sheet that is all active"),
        Bar(
            "visited, no adaptation",
            at_most=0.1,
            why="without it the bump stays: a bump that wanders a little covers 40 of 400",
        ),
        Bar("radius / shuffled", at_most=0.5, why="compact is half the width of weights in random order, or less"),
    )
    full = Form(
        *quick.bars,
        Bar("accuracy, gain over untrained", at_least=0.0, why="the waves have taught it something about images"),
        settings={"duration": 100_000.0, "images": 5000},
    )

    def measure(self, run: Run) -> Figures:
        found: dict[str, float] = {}
        paths = {}
        for part, beta in (("", 0.1), (", no adaptation", 0.0)):
            active, path = self.wave(run, beta)
            paths[f"adaptation {beta:g}"] = path
            found[f"visited{part}"] = len(np.unique(np.rint(path).astype(int) % 20, axis=0)) / 400
            found[f"most active at once{part}"] = float(active.max())
        run.draw("Centre of activity", partial(draw_paths, paths=paths), width=7.5, panels=2)
        ((before, weights),) = self.learnt(run, (20, 10))
        fields, shuffled = Fields.of(weights), Fields.of(run.random.permuted(weights, axis=0))
        run.draw("Receptive fields of the second sheet", partial(draw_fields, weights=weights), width=5.0, height=5.0)
        found |= {
            "radius / shuffled": fields.radius / shuffled.radius,
            "radius": fields.radius,
            "radius, shuffled": shuffled.radius,
            "radius, before learning": Fields.of(before).radius,
            "distance of neighbours' fields": fields.between_neighbours,
            "distance of neighbours' fields, before learning": Fields.of(before).between_neighbours,
        }
        return found | self.digits(run) if self.images else found

    def wave(self, run: Run, beta: float) -> tuple[Array, Array]:
        """Share of active neurons and centre of activity, where there is one, in each 10 ms."""
        net = sl.network.Network(dt=1.0, seed=run.seed, threads=1)
        sheet = add_sheet(net, 20, LOWER, beta=beta)
        net.record(sheet)
        spikes = net.run(self.duration, progress=False)[sheet.name].spikes
        counts = np.zeros((int(self.duration / ACTIVE), 400))
        np.add.at(counts, (np.ceil(spikes.times / ACTIVE).astype(int) - 1, spikes.neurons), 1)
        place, certain = centre(counts.T)
        return (counts > 0).mean(axis=1), place[certain > 0.5]

    def learnt(self, run: Run, sides: tuple[int, ...]) -> list[tuple[Array, Array]]:
        """Weights [lower, upper] between sheets, before and after learning."""
        net = sl.network.Network(dt=1.0, seed=run.seed, threads=1)
        rule = sl.plasticity.SimplifiedSTDP(
            a_plus=0.01, a_minus=0.005, window=ACTIVE, dependence=sl.plasticity.Additive()
        )
        sheets = [add_sheet(net, side, UPPER if n else LOWER) for n, side in enumerate(sides)]
        before, ways = [], list[Any]()
        for lower, upper in pairwise(sheets):
            weights = run.random.random((len(lower), len(upper)))
            before.append(TOTAL * weights / weights.sum(axis=0))
            ways.append(net.connect(lower, upper, sl.network.rules.AllToAll(), weight=before[-1], plasticity=rule))
        for _ in run.track(range(round(self.duration / CHUNK)), f"waves in {len(sides)} sheets"):
            net.run(CHUNK, progress=False)
            for way in ways:
                way.learning.normalise(TOTAL)
        return [(w, way.learning.weights().reshape(w.shape)) for w, way in zip(before, ways, strict=True)]

    def digits(self, run: Run) -> dict[str, float]:
        """What a linear classifier makes of MNIST, given the stack, or what is compared with it."""
        from spikeloom.recipes.kheradpisheh_2018 import chosen

        train, labels, test, answers = chosen(sl.datasets.mnist(download=False), self.images, self.tested, run)
        x, y = train.flatten(1), test.flatten(1)
        ways = self.learnt(run, (28, 20, 14))
        random = torch.randn(784, 196, generator=run.generator)
        codes = {
            "": [self.answers(run, images, [w for _, w in ways]) for images in (x, y)],
            ", untrained": [self.answers(run, images, [w for w, _ in ways]) for images in (x, y)],
            ", pixels": [x, y],
            ", random projection": [x @ random, y @ random],
        }
        found = {
            f"accuracy{name}": sl.training.linear_probe(known, labels, asked, answers, c=0.01)
            for name, (known, asked) in codes.items()
        }
        return found | {"accuracy, gain over untrained": found["accuracy"] - found["accuracy, untrained"]}

    def answers(self, run: Run, images: torch.Tensor, weights: list[Array]) -> torch.Tensor:
        """Spikes of the highest sheet, [image, neuron], in 200 ms; 50 images at a time."""
        nw = sl.network
        net = nw.Network(dt=1.0, seed=run.seed, batch=50, threads=1)
        channels = before = net.population(784, nw.Poisson(np.zeros(784)), name="pixels")
        sheets = []
        for n, w in enumerate(weights):
            sheets.append(net.population(w.shape[1], cell(0.1), name=f"sheet {n + 2}"))
            net.connect(before, sheets[-1], nw.rules.AllToAll(), weight=w)
            before = sheets[-1]
        net.record(before)
        counts = []
        for part in run.track(torch.split(images, 50), "digits"):
            for sheet in sheets:
                for name in sheet.states:
                    sheet[name] = 0
            rates = np.zeros((50, 784))
            rates[: len(part)] = 100.0 * part.numpy()
            channels["rate"] = rates
            spikes = net.run(200.0, progress=False)[before.name].spikes
            found = np.zeros((50, len(before)), dtype=np.float32)
            np.add.at(found, (spikes.runs, spikes.neurons), 1)
            counts.append(torch.as_tensor(found[: len(part)]))
        return torch.cat(counts)


def cell(beta: float) -> sl.Neuron:
    """A leaky neuron with a threshold that adapts in 200 ms."""
    leaky = sl.synapses.Receptors(sl.LIF(tau_mem=10.0), all=sl.synapses.Exponential(tau_syn=5.0))
    return sl.Refractory(sl.AdaptiveThreshold(leaky, beta=beta, tau_adapt=200.0), t_ref=2.0)


def add_sheet(net: Any, side: int, lateral: tuple[float, ...], *, beta: float = 0.1) -> Any:
    """Noisy neurons on a torus, with excitation nearby and inhibition from some distance on."""
    near, far, excitation, inhibition = lateral
    sheet = net.population(neuron=sl.Noisy(cell(beta), sigma=0.5), shape=(side, side), name=f"sheet of {side}")
    way = distances(side)
    weights = excitation * (way < near) - inhibition * (way > far)
    net.connect(sheet, sheet, sl.network.rules.AllToAll(autapses=False), weight=weights)
    return sheet


def around(ways: Array, side: int) -> Array:
    """Lengths of ways on a torus, [..., 2]; the shorter way round."""
    way = np.abs(ways) % side
    shorter = np.minimum(way, side - way)
    lengths: Array = np.sqrt((shorter**2).sum(axis=-1))
    return lengths


def places(side: int) -> Array:
    """Row and column of each neuron."""
    return np.stack(np.divmod(np.arange(side * side), side), axis=1).astype(float)


def distances(side: int) -> Array:
    """Between any two neurons."""
    return around(places(side)[:, None] - places(side), side)


def centre(weights: Array) -> tuple[Array, Array]:
    """Circular means [n, 2] of distributions over a sheet, [neurons, n], and how sure the less sure of both is."""
    side = round(len(weights) ** 0.5)
    turned = np.exp(2j * np.pi * places(side) / side)
    mean = weights.T @ turned / np.maximum(weights.sum(axis=0), 1e-12)[:, None]
    return np.angle(mean) % (2 * np.pi) * side / (2 * np.pi), np.abs(mean).min(axis=1)


class Fields(NamedTuple):
    """Receptive fields: mean radius, and mean distance of the centres of neighbours, in neurons of the lower sheet."""

    radius: float
    between_neighbours: float

    @classmethod
    def of(cls, weights: Array) -> Fields:
        """Of weights [lower, upper]."""
        lower, upper = (round(size**0.5) for size in weights.shape)
        middle, _ = centre(weights)
        square = around(places(lower)[:, None] - middle, lower) ** 2
        radius = np.sqrt((weights * square).sum(axis=0) / weights.sum(axis=0)).mean()
        apart = around(middle[:, None] - middle, lower)[np.isclose(distances(upper), 1.0)].mean()
        return cls(float(radius), float(apart))


def draw_paths(panels: Any, *, paths: dict[str, Array]) -> None:
    """The centre in each 10 ms of the first 5 s, from dark to light."""
    for axes, (name, path) in zip(panels, paths.items(), strict=True):
        axes.scatter(*path[:500].T, c=np.arange(len(path[:500])), s=6, cmap="viridis")
        axes.set(title=name, xlabel="row", ylabel="column", xlim=(0, 20), ylim=(0, 20), aspect="equal")


def draw_fields(axes: Any, *, weights: Array) -> None:
    sheets = weights.reshape(20, 20, 10, 10).transpose(2, 0, 3, 1)
    axes.imshow(np.pad(sheets, ((0, 0), (0, 2), (0, 0), (0, 2))).reshape(220, 220), cmap="viridis")
    axes.set_axis_off()
