"""Reward-modulated STDP: four cells learn which of them is to answer where the ball comes down."""

from __future__ import annotations

from typing import Any

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

PLACES, FIBRES, RATE, HIGHEST = 4, 25, 80.0, 0.15
# Milliseconds: the ball is seen, the reward comes, and nothing happens until the next trial.
SEEN, PAUSE = 40.0, 60.0


class RewardSTDPChoice(Recipe):
    name = "reward-stdp-choice"
    row, family = "S05", "plasticity"
    title = "Choice learnt by reward-modulated STDP"
    reference = Reference(
        "Frémaux, Sprekeler and Gerstner",
        2010,
        "Functional requirements for reward-modulated spike-timing-dependent plasticity",
        "Journal of Neuroscience 30, 13326-13337",
        doi="10.1523/JNEUROSCI.6249-09.2010",
    )
    claim = (
        "Spike pairs that leave a fading mark on synapses, turned into weights by a reward less its mean, suffice to "
        "learn which answer to which stimulus is rewarded."
    )
    shown = (
        "One step of Pong: the ball comes down at one of four places, seen by 25 Poisson fibres each; of four cells "
        "that inhibit each other the one with most spikes moves the paddle. In the control the same rewards come in "
        "another order. Task and cells are ours."
    )
    chance, control = 1 / PLACES, "hits, rewards shuffled"

    trials: int = setting(5000, "balls", at_least=100)
    learning_rate: float = setting(0.02, "change by a reward of 1 above the mean at an eligibility of 1")

    quick = Form(
        Bar("hits", at_least=0.8, why="the row's mark, in the last fifth of the trials"),
        settings={"trials": 1000},
    )
    full = Form(*quick.bars)

    def measure(self, run: Run) -> dict[str, float]:
        hits = self.played(run, None)
        shuffled = self.played(run, run.random.permutation(hits))
        run.draw("hits", lambda axes: plot(axes, hits, shuffled))
        late = slice(-len(hits) // 5, None)
        return {
            "hits": hits[late].mean(),
            "hits, rewards shuffled": shuffled[late].mean(),
            "hits, first 20 trials": hits[:20].mean(),
        }

    def played(self, run: Run, rewards: Any) -> np.ndarray:
        """Whether each ball was hit, where that or the given rewards teach."""
        nw = sl.network
        net = nw.Network(dt=1.0, seed=run.seed, threads=1)
        seen = net.population(PLACES * FIBRES, nw.Poisson(np.zeros(PLACES * FIBRES)), name="seen")
        lif = sl.Noisy(sl.LIF(tau_mem=20.0), sigma=0.05)
        cell = sl.synapses.Receptors(lif, exc=sl.synapses.Delta(), inh=sl.synapses.Delta())
        moves = net.population(PLACES, cell, name="moves")
        rule = sl.plasticity.RewardSTDP(
            eta=self.learning_rate, a_minus=0.0, tau_plus=10.0, tau_e=50.0, tau_reward=5000.0, w_max=HIGHEST
        )
        start, every = nw.Uniform(0.04, 0.06), nw.rules.AllToAll()
        synapses: Any = net.connect(seen, moves, every, weight=start, receptor="exc", plasticity=rule)
        net.connect(moves, moves, nw.rules.AllToAll(autapses=False), weight=-1.5, receptor="inh")
        net.record(moves)
        hits = np.zeros(self.trials)
        for trial in run.track(range(self.trials), "balls" if rewards is None else "balls, rewards shuffled"):
            place = run.random.integers(PLACES)
            seen["rate"] = np.repeat(np.where(np.arange(PLACES) == place, RATE, 0.0), FIBRES)
            counts = np.bincount(net.run(SEEN, progress=False)["moves"].neurons, minlength=PLACES)
            hits[trial] = run.random.choice(np.flatnonzero(counts == counts.max())) == place
            seen["rate"] = 0.0
            synapses.learning.give("outcome", 1.0)
            synapses.learning.give("reward", hits[trial] if rewards is None else rewards[trial])
            net.run(PAUSE, progress=False)
        return hits


def plot(axes: Any, *hits: np.ndarray) -> None:
    for each, name in zip(hits, ("rewarded", "rewards shuffled"), strict=True):
        width = max(20, len(each) // 50)
        axes.plot(np.convolve(each, np.ones(width) / width, "valid"), label=name)
    axes.axhline(1 / PLACES, color="grey", linewidth=0.8)
    axes.set_xlabel("ball")
    axes.set_ylabel("share of balls that are hit")
    axes.legend(frameon=False)
