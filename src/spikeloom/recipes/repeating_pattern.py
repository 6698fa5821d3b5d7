"""STDP that finds a pattern of spikes which repeats at random times among spikes that are as frequent."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.parameters import Input, Param, State
from spikeloom.recipes import Absent, Bar, Form, Recipe, Reference, Run, setting

# Milliseconds and Hz: length and share of time of the pattern, rates of all and of what is not repeated, jitter.
LENGTH, SHARE, RATE, OTHER, JITTER = 50.0, 0.25, 64.0, 10.0, 1.0
# Threshold by afferents, in peaks of postsynaptic potentials; weight at the start.
THRESHOLD, START = 550.0 / 2000.0, 0.475


class ForgettingSRM(sl.neurons.Neuron):
    """v = gain (slow - fast), a spike where v >= v_th; it ends all potentials and leaves -2 and 4 v_th of its own.

    Source: Masquelier, Guyonneau and Thorpe 2008, eqs. 1-3: K1 = 2, K2 = 4. The spike itself, its first 3 ms, is a
    refractory period to be wrapped around.
    """

    tau_mem = Param(10.0, "ms", "membrane time constant", low=0.0)
    tau_syn = Param(2.5, "ms", "synaptic time constant", low=0.0)
    gain = Param(2.1165, "1", "that gives postsynaptic potentials a peak of 1")
    v_th = Param(550.0, "1", "spike threshold")
    i = Input("1", "weights of spikes that arrive")
    slow = State(0.0, "1", "decaying with the membrane")
    fast = State(0.0, "1", "decaying with the synapses")

    def charge(self) -> dict[str, Tensor]:
        return {
            "slow": self.slow * torch.exp(-self.dt / self.tau_mem) + self.i,
            "fast": self.fast * torch.exp(-self.dt / self.tau_syn) + self.i,
        }

    def threshold(self) -> Tensor:
        return self.gain * (self.slow - self.fast) - self.v_th

    def reset(self) -> dict[str, Tensor]:
        return {"slow": -2.0 * self.v_th / self.gain, "fast": -4.0 * self.v_th / self.gain}


class Found(NamedTuple):
    """For each tenth of the time: share of patterns with a spike, mean ms until it, and other spikes per second."""

    hits: np.ndarray
    latency: np.ndarray
    others: np.ndarray

    @property
    def found(self) -> bool:
        """Whether the neuron answers to the pattern, and to nothing else, in the end."""
        return bool(self.hits[-1] >= 0.95 and self.others[-1] <= 0.1)


class RepeatingPattern(Recipe):
    row, family = "S02", "plasticity"
    title = "A repeating spike pattern found by STDP"
    reference = Reference(
        "Masquelier, Guyonneau and Thorpe",
        2008,
        "Spike timing dependent plasticity finds the start of repeating patterns in continuous spike trains",
        "PLoS ONE 3, e1377",
        doi="10.1371/journal.pone.0001377",
    )
    claim = (
        "One neuron with STDP becomes selective to a pattern of 50 ms that half of its afferents repeat at random "
        "times, though rates tell nothing of it, and comes to answer near its beginning."
    )
    claimed = "hits above 98 %, no false alarms, in 96 % of runs"
    shown = (
        "The paper's neuron, rule and proportions; afferents are Poisson with a constant rate. Neurons whose weights "
        "begin at 0.425 to 0.525 count if they miss fewer than 5 % of the patterns of the last tenth of the time and "
        "spike besides less than once in 10 s. In the control nothing repeats. The quick form has half as many "
        "afferents and an easier pattern, of 70 % of them."
    )
    chance = Absent("a neuron that spikes at random has false alarms")
    control = "neurons that find it, no pattern"

    afferents: int = setting(2000, "afferents", at_least=100)
    participating: float = setting(0.5, "share of them that take part in the pattern", at_least=0.0, at_most=1.0)
    neurons: int = setting(4, "that do not know of each other", at_least=1)
    seconds: int = setting(150, "time of learning", "s", at_least=10)

    quick = Form(
        Bar("neurons that find it", at_least=0.85, why="96 % of the paper's runs, less two standard errors with 12"),
        settings={"afferents": 1000, "participating": 0.7, "seconds": 40},
    )
    smoke = Form(
        Bar("neurons that find it", at_least=1.0, why="of two, both, as nearly always"),
        seeds=(0,),
        few_seeds="for every test run; quick has three",
        settings={"afferents": 1000, "participating": 0.7, "seconds": 20, "neurons": 2},
    )
    full = Form(
        *quick.bars,
        Bar("latency, end / beginning", at_most=1.0, why="the answer moves towards the beginning of the pattern"),
    )

    def measure(self, run: Run) -> dict[str, float]:
        learnt = self.learnt(run, repeated=True, neurons=self.neurons)
        absent = self.learnt(run, repeated=False, neurons=1)
        right = [each for each in learnt if each.found] or learnt
        run.draw("time to the spike", lambda axes: plot(axes, right))
        first, last = (np.nanmean([each.latency[k] for each in right]) for k in (3, -1))
        return {
            "neurons that find it": float(np.mean([each.found for each in learnt])),
            "neurons that find it, no pattern": float(np.mean([each.found for each in absent])),
            "hits": float(np.mean([each.hits[-1] for each in right])),
            "latency": float(last),
            "latency, end / beginning": float(last / first),
        }

    def learnt(self, run: Run, *, repeated: bool, neurons: int) -> list[Found]:
        """What each neuron does."""
        nw = sl.network
        duration = 1e3 * self.seconds
        channels, times, onsets = afferent_spikes(
            self.afferents, round(repeated * self.participating * self.afferents), duration, run.random
        )
        net = nw.Network(dt=1.0, seed=run.seed, threads=1)
        inputs = net.population(self.afferents, nw.SpikeTimes(times, channels=channels), name="afferents")
        cell = sl.Refractory(ForgettingSRM(v_th=THRESHOLD * self.afferents), t_ref=3.0)
        cells = net.population(neurons, cell, name="neurons")
        rule = sl.plasticity.STDP(
            a_plus=2**-5, a_minus=0.85 * 2**-5, tau_plus=16.8, tau_minus=33.7, pairing=sl.plasticity.Reduced()
        )
        start = nw.Uniform(START - 0.05, START + 0.05)
        net.connect(inputs, cells, nw.rules.AllToAll(), weight=start, delay=1.0, plasticity=rule)
        net.record(cells)
        trains = net.run(duration, progress=False)["neurons"].spikes.trains()
        return [judged(np.asarray(train), onsets, duration) for train in trains]


def judged(train: np.ndarray, onsets: np.ndarray, duration: float) -> Found:
    """The first spike of each pattern, and those outside of patterns; a late one has 5 ms more."""
    tenth = np.minimum((onsets / duration * 10).astype(int), 9)
    padded = np.append(train, np.inf)
    wait = padded[np.searchsorted(train, onsets, side="right")] - onsets
    hit = wait <= LENGTH
    since = train - np.append(-np.inf, onsets)[np.searchsorted(onsets, train, side="right")]
    outside = train[since > LENGTH + 5.0]
    patterns, hits, waits = (
        np.bincount(tenth, weights, minlength=10) for weights in (np.ones(len(onsets)), hit, np.where(hit, wait, 0.0))
    )
    others = np.histogram(outside, bins=10, range=(0.0, duration))[0] / (duration * 1e-4)
    with np.errstate(invalid="ignore"):
        return Found(hits / patterns, waits / hits, others)


def plot(axes: Any, found: list[Found]) -> None:
    for each in found:
        axes.plot(np.arange(1, 11) / 10, each.latency)
    axes.set_xlabel("share of the time")
    axes.set_ylabel("spike after the pattern begins, ms")
    axes.set_ylim(0.0, LENGTH)


def afferent_spikes(
    count: int, participating: int, duration: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Channels and times of spikes, one a millisecond at most, and when the pattern begins.

    The first channels repeat the same spikes there, with jitter, and have others besides; never twice in a row.
    """
    slots = int(duration / LENGTH)
    shown = random.random(slots) < SHARE / (1 - SHARE)
    for slot in range(1, slots):
        shown[slot] &= not shown[slot - 1]
    onsets = LENGTH * np.flatnonzero(shown)
    rates = np.full(count, RATE)
    channels, times = poisson(rates, duration, random)
    free = ~((channels < participating) & shown[np.minimum((times / LENGTH).astype(int), slots - 1)])
    who, when = poisson(np.full(participating, RATE - OTHER), LENGTH, random)
    again = (onsets[:, None] + when).ravel() + JITTER * random.standard_normal(len(onsets) * len(when))
    besides, at = poisson(np.full(participating, OTHER), LENGTH * len(onsets), random)
    at = onsets[(at / LENGTH).astype(int)] + at % LENGTH
    channels = np.concatenate([channels[free], np.tile(who, len(onsets)), besides])
    times = np.concatenate([times[free], again, at])
    steps = np.clip(np.rint(times), 1, duration).astype(np.int64)
    once = np.unique(channels * (1 << 32) + steps)
    return once >> 32, (once & 0xFFFFFFFF).astype(float), onsets


def poisson(rates: np.ndarray, duration: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Channels and times of spikes."""
    counts = random.poisson(rates * duration * 1e-3)
    return np.repeat(np.arange(len(rates)), counts), random.random(counts.sum()) * duration
