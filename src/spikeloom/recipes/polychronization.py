"""A network with delays that learns: slow waves give way to gamma rhythms, and weights go to their bounds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Form, Recipe, Reference, Run, setting

SLOW, GAMMA = (1.0, 5.0), (30.0, 70.0)
# Milliseconds that are looked at.
PIECE = 10_000.0


class Activity(NamedTuple):
    """Of the excitatory neurons: rate, and power by frequency."""

    rate: float
    frequencies: np.ndarray
    power: np.ndarray

    def ratio(self) -> float:
        """Power in the gamma band over that of slow waves."""
        gamma, slow = (self.power[(self.frequencies >= a) & (self.frequencies < b)].sum() for a, b in (GAMMA, SLOW))
        return float(gamma / slow)


class Polychronization(Recipe):
    row, family = "2.7", "networks of the brain"
    title = "Polychronization with learning"
    reference = Reference(
        "Izhikevich",
        2006,
        "Polychronization: computation with spikes",
        "Neural Computation 18, 245-282",
        doi="10.1162/089976606775093882",
    )
    claim = (
        "A network of spiking neurons with delays begins with slow waves of 2 to 4 Hz; with STDP it comes to irregular "
        "activity with gamma rhythms, in which groups of neurons spike in patterns with exact times, and its weights "
        "become strong or weak."
    )
    shown = (
        "The paper's network of 1000 neurons: rhythms and weights before and after an hour of its time, 200 s in the "
        "quick form; groups are not looked for. The control does not learn."
    )
    chance, control = Absent("a ratio of powers has none"), "gamma / slow waves, no learning"

    seconds: int = setting(3600, "time of learning", "s", at_least=30)

    quick = Form(
        Bar("gamma / slow waves", at_least=1.0, why="30 to 70 Hz are stronger than 1 to 5 Hz in the end"),
        Bar("gamma / slow waves at first", at_most=1.0, why="it is the other way round in the first 10 s"),
        Bar(
            "weights near a bound",
            at_least=0.5,
            why="most weights are below 0.5 or above 9.5, from 6",
        ),
        Bar("rate", between=(1.0, 10.0), unit="Hz", why="a few Hz in the paper"),
        settings={"seconds": 200},
    )
    full = Form(*quick.bars)

    def measure(self, run: Run) -> dict[str, float]:
        first, last, weights = self.learnt(run)
        still = activity(sl.network.models.Polychronization().build(seed=run.seed, threads=1), PIECE)
        run.draw("rhythms and weights", lambda axes: plot(axes, first, last, weights), width=9.0, panels=2)
        return {
            "gamma / slow waves": last.ratio(),
            "gamma / slow waves, no learning": still.ratio(),
            "gamma / slow waves at first": first.ratio(),
            "weights near a bound": float(np.mean((weights < 0.5) | (weights > 9.5))),
            "weights near the highest": float(np.mean(weights > 9.5)),
            "rate": last.rate,
        }

    def learnt(self, run: Run) -> tuple[Activity, Activity, np.ndarray]:
        """Activity in the beginning and in the end, and weights then."""
        net = sl.network.models.Polychronization(learning=True).build(seed=run.seed, threads=1)
        first = activity(net, PIECE)
        pieces = int(self.seconds * 1e3 / PIECE) - 2
        for _ in run.track(range(pieces), "10 s"):
            net.run(PIECE, progress=False)
        last = activity(net, PIECE)
        plastic = [p.learning for p in net.projections if p.learning is not None]
        return first, last, np.concatenate([each.weights() for each in plastic])


def activity(net: Any, duration: float) -> Activity:
    """What a network does for some time."""
    spikes = net.run(duration, progress=False)["E"].spikes
    counts = np.bincount(np.ceil(spikes.times - spikes.start).astype(int) - 1, minlength=int(duration))
    power = np.abs(np.fft.rfft(counts - counts.mean())) ** 2
    return Activity(spikes.rate, np.fft.rfftfreq(len(counts), 1e-3), power)


def plot(axes: Any, first: Activity, last: Activity, weights: np.ndarray) -> None:
    width = 20
    for each, name in ((first, "at first"), (last, "in the end")):
        smooth = np.convolve(each.power, np.ones(width) / width, "same")
        near = (each.frequencies >= 1.0) & (each.frequencies <= 100.0)
        axes[0].semilogy(each.frequencies[near], smooth[near], label=name)
    axes[0].set_xlabel("frequency, Hz")
    axes[0].set_ylabel("power")
    axes[0].legend(frameon=False)
    axes[1].hist(weights, bins=np.linspace(0.0, 10.0, 41))
    axes[1].set_xlabel("weight")
    axes[1].set_ylabel("synapses")
