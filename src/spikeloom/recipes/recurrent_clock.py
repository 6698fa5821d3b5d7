"""A recurrent network learns to tell the time: clusters that were stimulated in turn take turns by themselves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Form, Recipe, Reference, Run, setting

CLUSTERS, SIZE, INHIBITORY, DENSITY = 8, 30, 60, 0.5
EXCITATORY = CLUSTERS * SIZE
# What is to be read out while each cluster is active, as ABCBA; neurons for each symbol.
SYMBOLS, WORD, READERS = np.array([0, 1, 1, 2, 2, 1, 1, 0]), [0, 1, 2, 1, 0], 15
# Milliseconds: a stimulus, the gap after it, between normalisations; one turn of all clusters.
STIMULUS, GAP, NORMALISED = 10.0, 2.0, 24.0
TURN = CLUSTERS * (STIMULUS + GAP)
# Rise and decay of conductances, ms.
EXC, INH = (1.0, 6.0), (0.5, 2.0)
REPLAYED = "cycles replayed"


class Replay(NamedTuple):
    """Of spontaneous activity: shares of cycles in order, and with the word; ms from cluster to cluster; weights."""

    cycles: float
    words: float
    lag: float
    weights: np.ndarray
    spikes: Any


class RecurrentClock(Recipe):
    row, family = "P28", "sequences"
    title = "Recurrent clock network"
    reference = Reference(
        "Maes, Barahona and Clopath",
        2020,
        "Learning spatiotemporal signals using a recurrent spiking network that discretizes time",
        "PLoS Computational Biology 16, e1007606",
        doi="10.1371/journal.pcbi.1007606",
    )
    claim = (
        "Stimulated in turn, clusters of neurons with voltage-based STDP, normalisation and inhibitory plasticity "
        "become a chain that later runs by itself; read-out neurons learn any sequence from it."
    )
    shown = (
        "8 clusters of 30 excitatory and 60 inhibitory neurons, half of all pairs connected; after training the "
        "network has noise only, and read-out neurons, taught with the clusters, are to spell ABCBA in each cycle. In "
        "the control the clusters are stimulated in another order each time. The paper has 30 clusters of 80 and "
        "trains for an hour. The smaller network has weaker and shorter adaptation, as a cycle is shorter, spikes 1 ms "
        "wide, faster plasticity, a trace of presynaptic spikes of 7 instead of 3.5 ms and gaps of 2 instead of 5 ms "
        "between stimuli; sums of weights are ours. All these numbers were chosen with seeds 0 to 2."
    )
    chance, control = Absent("there is none for an order of eight"), f"{REPLAYED}, shuffled"

    seconds: float = setting(12.0, "time of training", "s", at_least=1.0)
    speed: float = setting(6.0, "factor on the paper's amplitudes of excitatory plasticity", at_least=0.0)
    heard: float = setting(1.5, "time of teaching the read-out", "s", at_least=0.1)
    tested: float = setting(3.0, "time of spontaneous activity", "s", at_least=0.5)

    quick = Form(
        Bar(REPLAYED, at_least=0.8, why="the row's mark: all eight in order in four of five cycles"),
        Bar("lag", between=(10.0, 20.0), unit="ms", why="the row's mark for the way from cluster to cluster"),
        Bar("words read out", at_least=0.8, why="the row's mark: ABCBA in four of five cycles"),
        # Not those with which the numbers were chosen.
        seeds=(10, 11, 12),
    )
    smoke = Form(
        Bar(REPLAYED, at_least=0.6, why="single seeds scatter around the row's mark; without order there is none"),
        quick.bars[1],
        Bar("words read out", at_least=0.6, why="single seeds scatter around the row's mark"),
        seeds=(0,),
        few_seeds="for every test run",
    )
    full = Form(*quick.bars, seeds=(10, 11, 12), settings={"seconds": 60.0, "speed": 1.2, "tested": 10.0})

    def measure(self, run: Run) -> dict[str, float]:
        found, shuffled = (self.trained(run, shuffled) for shuffled in (False, True))
        run.draw("replay", lambda axes: plot(axes, found.spikes))
        onward, back, others = (mean_weight(found.weights, steps) for steps in ((1,), (7,), (2, 3, 4, 5, 6)))
        return {
            REPLAYED: found.cycles,
            f"{REPLAYED}, shuffled": shuffled.cycles,
            "lag": found.lag,
            "words read out": found.words,
            "words read out, shuffled": shuffled.words,
            "weight within, pF": mean_weight(found.weights, (0,)),
            "weight onward, pF": onward,
            "weight back, pF": back,
            "weight of others, pF": others,
            "weight onward, shuffled, pF": mean_weight(shuffled.weights, (1,)),
        }

    def trained(self, run: Run, shuffled: bool) -> Replay:
        """Train, teach the read-out, then let it run."""
        nw, turns = sl.network, round(self.seconds * 1e3 / TURN)
        taught = turns + round(self.heard * 1e3 / TURN)
        order = np.tile(np.arange(CLUSTERS), (taught, 1))
        if shuffled:
            order[:turns] = np.random.default_rng(run.seed).permuted(order[:turns], axis=1)
        net = nw.Network(dt=0.1, seed=run.seed, threads=1)
        cells, recurrent, inhibition = self.recurrent(net)
        stimulate(net, cells, order.ravel())
        readers, read = self.read_out(net, cells, order.ravel(), turns * CLUSTERS)
        read.learning.on = False
        total = float(recurrent.synapses().weight.sum() / EXCITATORY)
        what = "turns, shuffled" if shuffled else "turns"
        for _ in run.track(range(round(turns * TURN / NORMALISED)), what):
            net.run(NORMALISED, progress=False)
            recurrent.learning.normalise(total)
        recurrent.learning.on = inhibition.learning.on = False
        read.learning.on = True
        net.run((taught - turns) * TURN, progress=False)
        read.learning.on = False
        net.record(cells)
        net.record(readers)
        result = net.run(1e3 * self.tested, progress=False)
        spikes = result["E"].spikes, result["readers"].spikes
        weights = matrix(recurrent) / peak(*EXC)
        return Replay(*judged(*spikes, result.start, 1e3 * self.tested), weights, spikes[0])

    def recurrent(self, net: Any) -> tuple[Any, Any, Any]:
        """The network with its plastic synapses, of E on E and of I on E."""
        nw, exc, inh = sl.network, peak(*EXC), peak(*INH)
        adex = sl.neurons.WideSpikeAdEx.preset(
            "clock network", b=350.0, tau_w=60.0, integrator=sl.neurons.SequentialEuler()
        )
        lif = sl.LIF(
            tau_mem=20.0, r=1 / 15.0, v_rest=-62.0, v_reset=-60.0, v_th=-52.0, integrator=sl.neurons.SequentialEuler()
        )
        start = {"v": nw.Uniform(-60.0, -52.0)}
        e = net.population(EXCITATORY, receptors(adex), name="E", initial=start)
        i = net.population(INHIBITORY, sl.Refractory(receptors(lif), t_ref=5.0), name="I", initial=start)
        inputs, inhibitors = round(DENSITY * EXCITATORY), round(DENSITY * INHIBITORY)
        some = nw.rules.FixedInDegree(inputs, autapses=False, multapses=False)
        plastic = net.connect(e, e, some, weight=7.5 * exc, receptor="exc", plasticity=rule(self.speed, tau_x=7.0))
        vogels = sl.plasticity.InhibitorySTDP(eta=0.2 * inh, rho=11.0, tau=20.0, w_max=1000.0 * inh)
        few = nw.rules.FixedInDegree(inhibitors)
        balance = net.connect(i, e, few, weight=168.0 * inh, receptor="inh", plasticity=vogels)
        net.connect(e, i, nw.rules.Bernoulli(DENSITY), weight=1.96 * exc, receptor="exc")
        net.connect(i, i, nw.rules.Bernoulli(DENSITY, autapses=False), weight=84.0 * inh, receptor="inh")
        net.connect(nw.Poisson(2250.0), i, weight=1.52 * exc, receptor="exc")
        return e, plastic, balance

    def read_out(self, net: Any, cells: Any, clusters: np.ndarray, first: int) -> tuple[Any, Any]:
        """Neurons for each symbol, whose teacher speaks from the `first` stimulus on, and their plastic synapses."""
        nw, exc = sl.network, peak(*EXC)
        adex = sl.neurons.WideSpikeAdEx.preset(
            "clock network", b=0.0, t_ref=1.0, integrator=sl.neurons.SequentialEuler()
        )
        readers = net.population(3 * READERS, receptors(adex), name="readers")
        hebbian = rule(2.0, tau_x=5.0, w_min=0.0, w_max=12.0)
        read = net.connect(cells, readers, nw.rules.AllToAll(), weight=0.0, receptor="exc", plasticity=hebbian)
        times = (STIMULUS + GAP) * np.arange(len(clusters) + 1)
        spoken, silent = np.zeros((2, len(times), 3))
        silent[first:-1] = 4500.0
        place = np.arange(first, len(clusters)), SYMBOLS[clusters[first:]]
        spoken[place], silent[place] = 22_500.0, 0.0
        for rates, weight, receptor in ((spoken, 1.6 * exc, "exc"), (silent, 6.0 * peak(*INH), "inh")):
            teacher = nw.Poisson(nw.devices.Piecewise(times.astype(float), np.repeat(rates, READERS, axis=1)))
            net.connect(teacher, readers, weight=weight, receptor=receptor)
        return readers, read


def stimulate(net: Any, cells: Any, clusters: np.ndarray) -> None:
    """One cluster after the other for STIMULUS ms while the others are inhibited; noise alone when all is over."""
    nw, count = sl.network, len(clusters)
    begin = (STIMULUS + GAP) * np.arange(count + 1)
    times = np.append(np.stack([begin[:-1], begin[:-1] + STIMULUS], axis=1), begin[-1])
    driven, held = np.full((count, 2, CLUSTERS), 4500.0), np.full((count, 2, CLUSTERS), 4500.0)
    driven[np.arange(count), 0, clusters] += 18_000.0
    held[np.arange(count), 0, clusters] = 0.0
    for rates, after, weight, receptor in (
        (driven, 4500.0, 1.6 * peak(*EXC), "exc"),
        (held, 0.0, 10.0 * peak(*INH), "inh"),
    ):
        values = np.concatenate([rates.reshape(-1, CLUSTERS), np.full((1, CLUSTERS), after)])
        device = nw.Poisson(nw.devices.Piecewise(times.astype(float), np.repeat(values, SIZE, axis=1)))
        net.connect(device, cells, weight=weight, receptor=receptor)


def rule(speed: float, **given: float) -> Any:
    """The paper's voltage-based STDP, `speed` times as fast; weights, given in pF, are conductances."""
    paper = {"a_ltp": 8e-4 * speed, "a_ltd": 14e-5 * speed, "w_min": 1.45, "w_max": 32.68}
    scaled = {name: given.pop(name, value) * peak(*EXC) for name, value in paper.items()}
    return sl.plasticity.ClopathSTDP.preset("clock network", every=1.0, **scaled, **given)


def receptors(neuron: Any) -> Any:
    """With the paper's conductances."""
    kinds: dict[str, Any] = {
        name: sl.synapses.Conductance(sl.synapses.DoubleExponential(tau_rise=rise, tau_decay=decay), e_rev=e_rev)
        for name, (rise, decay), e_rev in (("exc", EXC, 0.0), ("inh", INH, -75.0))
    }
    return sl.synapses.Receptors(neuron, **kinds)


def peak(rise: float, decay: float) -> float:
    """Peak of (exp(-t/decay) - exp(-t/rise)) / (decay - rise), in 1/ms: nS for one pF."""
    t = rise * decay / (decay - rise) * np.log(decay / rise)
    return float((np.exp(-t / decay) - np.exp(-t / rise)) / (decay - rise))


def matrix(projection: Any) -> np.ndarray:
    """Mean weight from cluster to cluster."""
    synapses = projection.synapses()
    pair = synapses.pre // SIZE * CLUSTERS + synapses.post // SIZE
    return (np.bincount(pair, synapses.weight) / np.bincount(pair)).reshape(CLUSTERS, CLUSTERS)


def mean_weight(weights: np.ndarray, steps: tuple[int, ...]) -> float:
    """Mean weight onto clusters so many steps further in the order."""
    further = (np.arange(CLUSTERS) - np.arange(CLUSTERS)[:, None]) % CLUSTERS
    return float(weights[np.isin(further, steps)].mean())


def judged(spikes: Any, read: Any, start: float, duration: float) -> tuple[float, float, float]:
    """Shares of cycles in order and of words that are right, and ms from cluster to cluster where in order."""
    which, when = runs(busiest(spikes, CLUSTERS, SIZE, start, duration, 5))
    good, lags = [False], [np.nan]
    for first, last in pairwise(np.flatnonzero(which == 0)):
        good.append(list(which[first:last]) == list(range(CLUSTERS)))
        lags.append((when[last] - when[first]) / CLUSTERS if good[-1] else np.nan)
    symbols, _ = runs(busiest(read, 3, READERS, start, duration, 10))
    symbols = symbols[np.diff(symbols, prepend=-1) != 0]
    words = [False, *(list(symbols[a : b + 1]) == WORD for a, b in pairwise(np.flatnonzero(symbols == 0)))]
    lag = float(np.nanmean(lags)) if any(good) else float("nan")
    return float(np.mean(good[1:] or good)), float(np.mean(words[1:] or words)), lag


def busiest(spikes: Any, groups: int, size: int, start: float, duration: float, width: int) -> np.ndarray:
    """At each ms the group of neurons that is the most active in `width` ms; -1 where none is above 60 Hz."""
    counts = np.zeros((groups, round(duration)))
    at = np.minimum((spikes.times - start).astype(int), counts.shape[1] - 1)
    np.add.at(counts, (spikes.neurons // size, at), 1)
    rates = np.array([np.convolve(each, np.ones(width), "same") for each in counts]) / (1e-3 * width * size)
    return np.where(rates.max(0) >= 60.0, rates.argmax(0), -1)


def runs(busy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Groups one after the other, and when in the mean, ms; those below 3 ms do not count."""
    active = np.flatnonzero(busy >= 0)
    groups = busy[active]
    # Another group, or the same one after a while, begins a run.
    edges = np.flatnonzero((np.diff(groups) != 0) | (np.diff(active) > 15)) + 1
    found = [time for time in np.split(active, edges) if len(time) >= 3]
    return np.array([busy[time[0]] for time in found], dtype=int), np.array([time.mean() for time in found])


def plot(axes: Any, spikes: Any) -> None:
    first = spikes.times.min() if len(spikes.times) else 0.0
    shown = spikes.times < first + 500.0
    axes.plot(spikes.times[shown] - first, spikes.neurons[shown], "k.", markersize=1.5)
    axes.set_yticks(SIZE * np.arange(CLUSTERS + 1))
    axes.set_xlabel("time after training, ms")
    axes.set_ylabel("excitatory neuron, by cluster")
