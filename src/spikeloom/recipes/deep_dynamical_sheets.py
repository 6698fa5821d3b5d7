"""Sheets of neurons behind one another that learn by STDP, and answer to the timing of their input."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

SHEETS, SIDE, PATTERNS, PERIOD = 5, 20, 3, 200.0
# Width of the neighbourhood, highest probability, weight at the start, whether it learns.
FORWARD, NEAR, WIDE = (2.0, 0.5, 18.0, True), (2.0, 0.2, 4.0, True), (4.0, 0.3, -6.0, False)


class Found(NamedTuple):
    """Of the last sheet after learning."""

    told_apart: float
    entropy: float
    rate: float


class DeepDynamicalSheets(Recipe):
    row, family = "A23", "networks of the brain"
    title = "Deep two-dimensional dynamical network with STDP"
    reference = Reference(
        "Evanusa, Fermüller and Aloimonos",
        2020,
        "A deep 2-dimensional dynamical spiking neuronal network for temporal encoding trained with STDP",
        arxiv="2009.00581",
    )
    claim = (
        "In many sheets of spiking neurons with local connections, delays and STDP, input with exact timing makes "
        "groups spike together; the entropy of the spikes tells how well the network has settled on its input."
    )
    shown = (
        "Five sheets of 400 Izhikevich neurons; three patterns of the same input neurons, which differ in times only, "
        "are told from the spikes of the fifth sheet by their likeness to former answers. In the control times are "
        "drawn anew for each showing. Sizes, weights and the measure are ours, as the paper gives no figure."
    )
    chance, control = 1 / PATTERNS, "told apart, times scrambled"

    turns: int = setting(100, "showings of each pattern while it learns", at_least=1)
    tested: int = setting(20, "showings afterwards, with weights frozen", at_least=4)

    quick = Form(
        Bar("told apart", at_least=0.9, why="nearly always, where chance is a third"),
        Bar(
            "entropy, scrambled less repeated", at_least=0.0, unit="bit", why="exact times leave fewer kinds of answer"
        ),
        settings={"turns": 10},
    )
    smoke = Form(*quick.bars, seeds=(0,), few_seeds="for every test run", settings=quick.settings)
    full = Form(*quick.bars)

    def measure(self, run: Run) -> dict[str, float]:
        repeated = self.learnt(run)
        scrambled, frozen = self.learnt(run, scrambled=True), self.learnt(run, learns=False)
        return {
            "told apart": repeated.told_apart,
            "told apart, times scrambled": scrambled.told_apart,
            "told apart, no learning": frozen.told_apart,
            "entropy, scrambled less repeated": scrambled.entropy - repeated.entropy,
            "entropy": repeated.entropy,
            "entropy, no learning": frozen.entropy,
            "rate of the last sheet": repeated.rate,
            "rate of the last sheet, no learning": frozen.rate,
        }

    def learnt(self, run: Run, *, scrambled: bool = False, learns: bool = True) -> Found:
        """What the last sheet does after learning."""
        nw, random = sl.network, np.random.default_rng(run.seed)
        net = nw.Network(dt=0.5, seed=run.seed, threads=1)
        total = self.turns + self.tested
        times = 5.0 + 0.5 * random.integers(0, 100, (1, PATTERNS, SIDE * SIDE))
        anew = 5.0 + 0.5 * random.integers(0, 100, (total, PATTERNS, SIDE * SIDE))
        begin = PERIOD * np.arange(total * PATTERNS).reshape(total, PATTERNS, 1)
        shown = (begin + (anew if scrambled else times)).reshape(-1, SIDE * SIDE)
        before: Any = net.population(SIDE * SIDE, nw.SpikeTimes(list(shown.T)), name="input")
        cell = sl.Noisy(sl.neurons.Izhikevich(dt=0.5), sigma=1.0)
        plastic = []
        for depth in range(SHEETS):
            sheet = net.population(neuron=cell, shape=(SIDE, SIDE), name=f"sheet {depth + 1}")
            for source, (width, chance, weight, changes) in ((before, FORWARD), (sheet, NEAR), (sheet, WIDE)):
                pre, post, delay = local(width, chance, random)
                rule = sl.plasticity.STDP(a_plus=0.002, a_minus=0.0021, w_max=1.5 * weight) if changes else None
                pairs = nw.rules.Explicit(pre, post)
                made: Any = net.connect(source, sheet, pairs, weight=weight, delay=delay, plasticity=rule)
                plastic += [made.learning] if changes else []
            before = sheet
        for each in plastic:
            each.on = learns
        net.run(self.turns * PATTERNS * PERIOD, progress=False)
        for each in plastic:
            each.on = False
        net.record(before)
        spikes = net.run(self.tested * PATTERNS * PERIOD, progress=False)[before.name].spikes
        return judged(spikes, self.tested)


def local(width: float, chance: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Synapses whose probability falls with the distance as a Gaussian; 1 ms, and half a millisecond for each place."""
    x, y = np.divmod(np.arange(SIDE * SIDE), SIDE)
    distance = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    near = random.random(distance.shape) < chance * np.exp(-(distance**2) / (2 * width**2))
    pre, post = np.nonzero(near & (distance > 0))
    return pre, post, 1.0 + 0.5 * np.rint(distance[pre, post])


def judged(spikes: Any, turns: int) -> Found:
    """Spikes by block of 5 x 5 neurons and 10 ms: are those of the second half most like the right mean of the first?

    The entropy is that of whether there is a spike, in bits for each block and 10 ms of a pattern, over its showings.
    """
    bins = int(PERIOD / 10.0)
    x, y = np.divmod(spikes.neurons, SIDE)
    when = np.ceil((spikes.times - spikes.start) / 10.0).astype(int) - 1
    count = np.zeros((turns * PATTERNS, bins, 16))
    np.add.at(count, (when // bins, when % bins, x // 5 * 4 + y // 5), 1)
    found = count.reshape(turns, PATTERNS, -1)
    known = found[: turns // 2].mean(axis=0)
    likeness = [[[np.corrcoef(a, k)[0, 1] for k in known] for a in turn] for turn in found[turns // 2 :]]
    p = np.clip((found > 0).mean(axis=0), 1e-12, 1 - 1e-12)
    entropy = -(p * np.log2(p) + (1 - p) * np.log2(1 - p)).mean()
    right = np.argmax(likeness, axis=2) == np.arange(PATTERNS)
    return Found(float(right.mean()), float(entropy), spikes.rate)
