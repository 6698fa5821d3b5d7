"""One, two and three layers that learn by local STDP: whether depth helps what a linear classifier reads."""

from __future__ import annotations

from typing import Any

from torch import nn

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes.kheradpisheh_2018 import chosen, convolutions, learn

# Of the second and the third layer: as low as leaves enough spikes for the layer above.
V_TH = (8.0, 8.0)


class STDPDepth(Recipe):
    name = "stdp-depth"
    row, family = "L45", "plasticity"
    title = "Layers of local STDP, one on the other"
    reference = Reference(
        "Kheradpisheh, Ganjtabesh, Thorpe and Masquelier", 2018,
        "STDP-based spiking deep convolutional neural networks for object recognition", "Neural Networks 99, 56-67",
        arxiv="1611.01421", doi="10.1016/j.neunet.2017.12.005",
    )  # fmt: skip
    claim = (
        "STDP needs nothing but what is at the synapse, and so no error that is sent back; layer upon layer, each "
        "learning on the finished ones below, it can be deep."
    )
    shown = (
        "The convolutions of the recipe kheradpisheh-2018 and 100 maps of 3 x 3 above, on digits. Of each depth a "
        "linear support vector machine reads the greatest potential in each quarter of a map. In the control the "
        "learnt weights of each map of the third layer are in random order."
    )
    chance, control = 0.1, "three layers, third in random order"

    images: int = setting(5000, "training images", at_least=100, at_most=60_000)
    tested: int = setting(2000, "test images", at_least=100, at_most=10_000)
    passes: int = setting(1, "passes of each layer over them", at_least=1, at_most=100)

    quick = Form(
        Bar("three layers", at_least=0.85, why="as two layers in the quick form of kheradpisheh-2018"),
        Bar("two layers, less one", at_least=0.0, why="accuracy must not fall with depth"),
        Bar(
            "three layers, less two",
            at_least=0.0,
            why="accuracy must not fall with depth",
            missed="the third layer sees 4 x 4 places with few spikes, each neuron nearly the whole digit; STDP makes "
            "templates of what is common there, and what tells digits apart is lost",
        ),
        settings={"images": 400, "tested": 400, "passes": 3},
    )
    full = Form(*quick.bars)
    smoke = Form(
        Bar("three layers", at_least=0.3, why="three times chance after a few images"),
        quick.bars[2],
        seeds=(0,),
        few_seeds="it only shows that all works",
        settings={"images": 200, "tested": 100, "passes": 2},
    )

    def measure(self, run: Run) -> Figures:
        train, labels, test, answers = chosen(sl.datasets.mnist(download=False), self.images, self.tested, run)
        third = sl.nn.STDPConvolution(100, 100, 3, v_th=V_TH[1], padding=1, winners=8, radius=0, seed=run.seed)
        net: Any = nn.Sequential(*convolutions(run.seed, v_th=V_TH[0]), sl.nn.FirstSpikePool(2), third)
        net[4].inhibits = False
        places = [place for place, layer in enumerate(net) if isinstance(layer, sl.nn.STDPConvolution)]

        def accuracy(place: int) -> float:
            learnt, seen = (sl.nn.pooled_potentials(net[: place + 1], x, grid=2) for x in (train, test))
            return sl.training.linear_probe(learnt, labels, seen, answers, c=0.003)

        found = []
        for place in places:
            learn(net, train, run, passes=self.passes, place=place)
            found.append(accuracy(place))
        third.shuffle(run.seed)
        run.draw("accuracy by depth", lambda axes: axes.plot([1, 2, 3], found, "o-"), width=3.0)
        return {
            "three layers": found[2],
            "two layers": found[1],
            "one layer": found[0],
            "two layers, less one": found[1] - found[0],
            "three layers, less two": found[2] - found[1],
            "three layers, third in random order": accuracy(places[-1]),
            "mean w (1 - w), third layer": third.convergence,
        }
