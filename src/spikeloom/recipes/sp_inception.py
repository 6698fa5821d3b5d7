"""Digits learnt without labels along parallel pathways that see the whole image and parts of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting
from spikeloom.recipes._competing_digits import Digits, Votes, layer_for_digits, learn


class SpInception(Recipe):
    row, family = "P14", "plasticity"
    title = "Parallel pathways with receptive fields"
    reference = Reference(
        "Meng, Yang, Xiao and Yu", 2020, "Spiking Inception module for multi-layer unsupervised spiking neural "
        "networks", "IJCNN", "10.1109/IJCNN48605.2020.9207161",
    )  # fmt: skip
    claim = (
        "Neurons that see parts of an image, and compete only where they see the same part, learn digits better "
        "together with such that see all of it than as many neurons that all see all of it, and are more robust."
    )
    shown = (
        "The digits of scikit-learn in place of MNIST: one pathway of neurons that see 8 x 8 pixels and one of maps "
        "that see 4 x 4 at 3 x 3 places, all neurons vote for all classes; beside one full pathway with as many "
        "neurons, the control. Half of the synapses are then deleted in both. One module; pooling and stacking of "
        "modules are not shown."
    )
    chance, control = 0.1, "accuracy, one full pathway"

    whole: int = setting(36, "neurons that see all", at_least=10, at_most=400)
    maps: int = setting(6, "neurons that see each part", at_least=2, at_most=100)
    images: int = setting(1437, "training digits", at_least=100, at_most=1437)

    quick = Form(
        Bar(
            "accuracy",
            at_least=0.813,
            why="one pathway of 50 neurons, one pass, in a NumPy program written apart",
            missed="0.80; two standard errors of 360 digits are 4 points",
        ),
        Bar(
            "points gained by pathways",
            at_least=3.0,
            why="three points more than one pathway, from the survey",
            missed="0.3; parts of 4 x 4 of 8 x 8 pixels may say little by themselves",
        ),
        Bar("points kept more, half of synapses deleted", at_least=0.0, why="robustness: it must lose less"),
        seeds=(1,),
        few_seeds="a seed takes about 30 s, as there are three networks",
    )
    full = Form(
        Bar("accuracy", at_least=0.813, why="one pathway of 50 neurons, one pass, in a NumPy program written apart"),
        Bar("points gained by pathways", at_least=3.0, why="three points more than one pathway, from the survey"),
        quick.bars[2],
        settings={"whole": 90, "maps": 10},
    )
    smoke = Form(
        Bar("accuracy", at_least=0.3, why="three times chance after a few hundred digits"),
        seeds=(1,),
        few_seeds="it only shows that all works",
        settings={"whole": 20, "maps": 2, "images": 400},
    )

    def measure(self, run: Run) -> dict[str, float]:
        digits = Digits.of(run, self.images)
        both = [layer_for_digits(run, self.whole), self.parts(run)]
        single = [layer_for_digits(run, self.whole + 9 * self.maps)]
        found: dict[str, float] = {}
        for pathways, what in ((both, ""), (single, ", one full pathway")):
            for number, layer in enumerate(pathways):
                learn(run, layer, digits.images, f"learning, pathway {number + 1}{what}")
            votes = Votes.named(respond(run, pathways, digits.images[-400:]), digits.labels[-400:])
            kept = votes.accuracy(respond(run, pathways, digits.test), digits.answers, every=True)
            for layer in pathways:
                layer.weights = layer.weights * (run.random.random(layer.weights.shape) >= 0.5)
            lost = votes.accuracy(respond(run, pathways, digits.test), digits.answers, every=True)
            found |= {f"accuracy{what}": kept, f"accuracy, half of synapses deleted{what}": lost}
        gained = {
            w: found[f"accuracy{w}"] - found[f"accuracy{w}, one full pathway"]
            for w in ("", ", half of synapses deleted")
        }
        found["points gained by pathways"] = 100 * gained[""]
        found["points kept more, half of synapses deleted"] = 100 * (gained[", half of synapses deleted"] - gained[""])
        return found

    def parts(self, run: Run) -> Any:
        """A layer of which each neuron sees 4 x 4 pixels, at places two pixels apart."""
        connected, groups = np.zeros((8, 8, 9 * self.maps), dtype=bool), np.repeat(np.arange(9), self.maps)
        for place in range(9):
            top, left = 2 * (place // 3), 2 * (place % 3)
            connected[top : top + 4, left : left + 4, groups == place] = True
        # A quarter of the synapses: half of the sum of weights and twice the spikes give as much drive.
        given = {"total": 4.0, "rate": 1400.0, "connected": connected.reshape(64, -1), "groups": groups}
        return layer_for_digits(run, 9 * self.maps, **given)


def respond(run: Run, pathways: list[Any], images: np.ndarray) -> np.ndarray:
    """Spike counts of the neurons of all pathways."""
    return np.hstack([layer.respond(images, track=partial(run.track, what="responses")) for layer in pathways])
