"""Learning while inferring: each digit is seen once, answered, learned from at once, and forgotten."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting
from spikeloom.recipes.erbp_digits import DIGIT, INPUT, LABEL, ERBPDigits


class LearningWhileInferring(Recipe):
    row, family = "T14", "online learning"
    title = "Learning while inferring, in one pass and with constant memory"
    reference = Reference(
        "Neftci, Augustine, Paul and Detorakis",
        2017,
        "Event-driven random back-propagation: enabling neuromorphic deep learning machines",
        "Frontiers in Neuroscience 11, 324",
        doi="10.3389/fnins.2017.00324",
    )
    claim = (
        "Brains learn in a single step while they act; back-propagation needs two phases and what was computed in the "
        "first one. A local rule updates synapses while the network infers, and keeps no history."
    )
    shown = (
        "One pass over digits of scikit-learn, each for 400 ms: eRBP in the simulator, 64 inputs, 100 hidden neurons, "
        "10 outputs. The answer is the output with most spikes in the first half; then the label comes and learning is "
        "switched on, while the network goes on answering. With labels drawn at random there is nothing to learn, and "
        "nothing of a label may be in its own answer. Memory is the size of a checkpoint, all that the network needs "
        "to go on. In the control learning is off."
    )
    chance, control = 0.1, "accuracy, last quarter, learning off"

    digits: int = setting(800, "digits of the pass", at_least=40, at_most=1437)
    eta: float = setting(0.02, "learning rate of the outputs, twice that of hidden neurons", at_least=0.0)

    quick = Form(
        Bar("accuracy, last quarter", at_least=0.5, why="five times chance, after 600 digits that are seen once"),
        Bar("rise from first to last quarter", at_least=0.1, why="three standard errors of a difference of quarters"),
        Bar(
            "agreement, random labels",
            at_most=0.2,
            why="chance, and three standard errors of a quarter: no label is in its answer",
        ),
        Bar("growth of memory", at_most=0.01, why="a share of it: only the number of spikes on their way differs"),
    )
    smoke = Form(*quick.bars, seeds=(0,), few_seeds="for every test run; quick has three")
    full = Form(
        Bar("accuracy, last quarter", at_least=0.6, why="six times chance, after a thousand digits that are seen once"),
        *quick.bars[1:],
        seeds=range(10),
        settings={"digits": 1437},
    )

    def measure(self, run: Run) -> Figures:
        right, early, late = self.answers(run)
        off, _, _ = self.answers(run, learns=False)
        leaked, _, _ = self.answers(run, random_labels=True)
        first, *_, last = np.array_split(right, 4)
        run.draw("answers while learning", lambda axes: plot(axes, right, off))
        return {
            "accuracy, last quarter": last.mean(),
            "accuracy, first quarter": first.mean(),
            "rise from first to last quarter": last.mean() - first.mean(),
            "accuracy, last quarter, learning off": np.array_split(off, 4)[-1].mean(),
            "agreement, random labels": np.array_split(leaked, 4)[-1].mean(),
            "memory, kB": late / 1000.0,
            "growth of memory": late / early - 1.0,
        }

    def answers(self, run: Run, *, learns: bool = True, random_labels: bool = False) -> tuple[np.ndarray, int, int]:
        """Which digits are answered as labelled, in order, and bytes of state after a tenth of them and after all."""
        data, random = sl.datasets.digits().train, np.random.default_rng(run.seed)
        recipe = ERBPDigits(eta=self.eta)  # type: ignore[call-arg]
        net, layers, inputs, labels = recipe.network(recipe.feedback, random, run.seed)
        for layer, share in zip(layers, (0.5, 1.0), strict=True):
            layer.learning.rule.eta = share * self.eta
        switch(layers, False)
        net.record(layers[-1].post)
        order = random.permutation(len(data))[: self.digits]
        images, told = data.inputs()[order].flatten(1).numpy(), data.labels[order].numpy()
        if random_labels:
            told = random.integers(0, 10, len(order))
        right, bytes_ = np.zeros(len(order), dtype=bool), []
        for k in run.track(range(len(order)), "digits"):
            inputs["rate"], labels["rate"] = INPUT * images[k], np.zeros(10)
            spikes = net.run(DIGIT, progress=False)["output"].spikes.neurons
            labels["rate"] = LABEL * np.eye(10)[told[k]]
            # Without a label every spike of an output would be an error.
            switch(layers, learns)
            net.run(DIGIT, progress=False)
            switch(layers, False)
            # Of outputs with as many spikes one is drawn.
            right[k] = (np.bincount(spikes, minlength=10) + 0.5 * random.random(10)).argmax() == told[k]
            if k + 1 in (len(order) // 10, len(order)):
                bytes_.append(size_of(net))
        return right, bytes_[0], bytes_[1]


def switch(layers: list[Any], on: bool) -> None:
    """Learning on or off."""
    for layer in layers:
        layer.learning.on = on


def size_of(net: Any) -> int:
    """Bytes of a checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.safetensors"
        net.save(path)
        return path.stat().st_size


def plot(axes: Any, right: np.ndarray, off: np.ndarray) -> None:
    """Running means over 100 digits."""
    for line, style, label in ((right, "black", "learning"), (off, "grey", "learning off")):
        axes.plot(np.convolve(line, np.full(100, 0.01), mode="valid"), color=style, label=label)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel("digits seen")
    axes.set_ylabel("share of answers that are right")
    axes.legend()
