"""Files sorted by spikes: similar metadata make correlated trains, which a competing layer finds by STDP."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

CLASSES, KEYS, VALUES = 5, 8, 6
# Spikes/s of a volley of files with one value in common; probability that a file takes part; spread in ms.
RATE, SHARE, JITTER = 2.0, 0.5, 2.0
# ms of a trial of the supervised network, and when its target spikes.
TRIAL, TARGET = 100.0, 20.0


class Trains(NamedTuple):
    """Times, ms, and channels of spikes."""

    times: NDArray[Any]
    channels: NDArray[Any]


class FileClassification(Recipe):
    row, family = "M26", "plasticity"
    title = "File classification by correlated spike trains"
    reference = Reference(
        "Stanojevic, Cherubini, Moraitis and Sebastian", 2020, "File classification based on spiking neural networks",
        "IEEE Int. Symposium on Circuits and Systems", arxiv="2004.03953",
    )  # fmt: skip
    claim = (
        "Files whose metadata are alike, coded as spike trains that are correlated, are grouped without labels by a "
        "competing layer with STDP; with labels, errors of spikes train a network about as well as logistic regression."
    )
    shown = (
        "Each file is an input that spikes with others of the same value of a key; which of five neurons has its "
        "strongest synapse is its group. With labels, values are inputs that spike in the order of keys, and the "
        "Widrow-Hoff rule for spikes learns a spike of the right neuron; four bits and noise stand for a memristive "
        "device. The control does not learn; chance are shuffled labels."
    )
    stand_in = "Metadata are synthetic: five classes, eight keys, of which a fifth has a value at random."
    chance, control = "purity, labels shuffled", "purity, no learning"

    files: int = setting(400, "files", at_least=50)
    seconds: int = setting(60, "time for which trains are seen", "s", at_least=1)
    noise: float = setting(0.2, "share of values at random", at_least=0.0, at_most=1.0)

    quick = Form(
        Bar("purity", at_least=0.9, why="near that of k-means on the metadata"),
        Bar("correlation of trains / similarity of files", between=(0.475, 0.525), why="files in a volley: one half"),
        Bar("accuracy, less that of logistic regression", at_least=-0.03, why="the survey's mark"),
        Bar("accuracy with 4-bit noisy weights, less that", at_least=-0.05, why="the survey's mark"),
    )
    full = Form(*quick.bars, seeds=range(5), settings={"files": 2000, "noise": 0.3})

    def measure(self, run: Run) -> dict[str, float]:
        found, labels = sl.datasets.metadata(self.files, noise=self.noise, generator=run.generator)
        values, kinds = found.numpy(), labels.numpy()
        trains = correlated(values, self.seconds, run.random)
        groups, plain = (self.grouped(trains, run.seed, learns=learns) for learns in (True, False))
        run.draw("weights of the first 60 files", lambda axes: axes.imshow(groups[:60].T, aspect="auto"), height=1.5)
        exact, device, regression = self.supervised(values, kinds, run)
        return {
            "purity": purity(groups.argmax(1), kinds),
            "purity, no learning": purity(plain.argmax(1), kinds),
            "purity, labels shuffled": purity(groups.argmax(1), run.random.permutation(kinds)),
            "purity, k-means": purity(k_means(values, run.seed), kinds),
            "correlation of trains / similarity of files": slope(trains, values, self.seconds),
            "accuracy": exact,
            "accuracy, logistic regression": regression,
            "accuracy, less that of logistic regression": exact - regression,
            "accuracy with 4-bit noisy weights, less that": device - regression,
        }

    def grouped(self, trains: Trains, seed: int, *, learns: bool) -> NDArray[Any]:
        """Weights [file, neuron] after competing for volleys of spikes."""
        nw, every = sl.network, sl.network.rules.AllToAll
        volley = self.files / CLASSES * SHARE * (1.0 - self.noise)
        net = nw.Network(dt=0.5, seed=seed, threads=1)
        source = net.population(self.files, nw.SpikeTimes(*trains), name="files")
        lif = sl.LIF(tau_mem=5.0, decay_input=False, v_th=0.15 * volley)
        cell = sl.Refractory(sl.AdaptiveThreshold(lif, beta=0.01 * volley, tau_adapt=5000.0), t_ref=3.0)
        cells = net.population(CLASSES, cell, name="groups")
        rule = sl.plasticity.SimplifiedSTDP(
            a_plus=0.01, a_minus=0.01, window=8.0, dependence=sl.plasticity.Multiplicative()
        )
        synapses: Any = net.connect(source, cells, every(), weight=nw.Uniform(0.3, 0.7), plasticity=rule)
        synapses.learning.on = learns
        net.connect(cells, cells, every(autapses=False), weight=-3.0 * volley)
        net.run(1000.0 * self.seconds, progress=False)
        found: NDArray[Any] = synapses.matrix().toarray()
        return found

    def supervised(self, values: NDArray[Any], kinds: NDArray[Any], run: Run) -> tuple[float, float, float]:
        """Accuracy for files not learned: of the network, with weights of a device, of logistic regression."""
        from sklearn.linear_model import LogisticRegression

        nw, every = sl.network, sl.network.rules.AllToAll
        half = len(values) // 2
        order = np.concatenate([run.random.permutation(half) for _ in range(8)])
        tests = np.arange(half, len(values))
        channels = values + VALUES * np.arange(KEYS)
        net = nw.Network(dt=1.0, seed=run.seed, threads=1)
        shown = np.concatenate([order, tests, tests])
        begin: NDArray[Any] = TRIAL * np.arange(len(shown))
        # One key after the other, 2 ms apart.
        times = begin[:, None] + 2.0 * np.arange(KEYS) + 1.0
        source = net.population(KEYS * VALUES, nw.SpikeTimes(times.ravel(), channels=channels[shown].ravel()))
        told = nw.SpikeTimes(begin[: len(order)] + TARGET - 1.0, channels=kinds[order])
        teacher = net.population(CLASSES, told, name="teacher")
        cells = net.population(CLASSES, sl.LIF(tau_mem=20.0, decay_input=False), name="classes")
        # The more trials, the slower.
        rule = sl.plasticity.WidrowHoff(eta=32.0 / len(order), tau=20.0, w_min=-1.0, w_max=1.0)
        synapses: Any = net.connect(source, cells, every(), weight=0.05, plasticity=rule)
        net.connect(teacher, cells, nw.rules.OneToOne(), receptor=synapses.learning.receptor("teacher"))
        net.run(TRIAL * len(order), progress=False)
        synapses.learning.on = False
        # The answer is the highest potential at the time of the target.
        cells["v_th"] = np.inf
        exact = [answer(net, cells) == kinds[test] for test in tests]
        synapses.set_weights(of_device(synapses.synapses().weight, run.random))
        device = [answer(net, cells) == kinds[test] for test in tests]
        coded = np.eye(KEYS * VALUES)[channels].sum(1)
        regression = LogisticRegression(max_iter=1000).fit(coded[:half], kinds[:half])
        return float(np.mean(exact)), float(np.mean(device)), float(regression.score(coded[half:], kinds[half:]))


def correlated(values: NDArray[Any], seconds: int, random: np.random.Generator) -> Trains:
    """Trains of files: each value of each key has Poisson volleys, in which a file that has it spikes with SHARE.

    Counts of two files are correlated by SHARE times the share of keys with equal values.
    """
    times, channels = [], []
    for key in values.T:
        for value in range(VALUES):
            having = np.flatnonzero(key == value)
            volleys = random.uniform(0.0, 1000.0 * seconds, random.poisson(RATE * seconds))
            volley, file = np.nonzero(random.random((len(volleys), len(having))) < SHARE)
            times.append(volleys[volley] + random.normal(0.0, JITTER, len(volley)))
            channels.append(having[file])
    steps = np.clip(np.rint(2.0 * np.concatenate(times)), 1, 2000 * seconds)
    both = np.unique(np.stack([steps, np.concatenate(channels)]), axis=1)
    return Trains(both[0] / 2.0, both[1].astype(int))


def slope(trains: Trains, values: NDArray[Any], seconds: int) -> float:
    """Correlation of counts in 250 ms, long against JITTER, by similarity, fitted to pairs of the first 100 files."""
    few = trains.channels < 100
    bins = (np.minimum(trains.times[few] / 250.0, 4 * seconds - 1)).astype(int)
    counts = np.zeros((100, 4 * seconds))
    np.add.at(counts, (trains.channels[few], bins), 1)
    pairs = np.triu_indices(100, 1)
    similar = (values[:100, None] == values[:100]).mean(2)[pairs]
    return float(similar @ np.asarray(np.corrcoef(counts))[pairs] / (similar @ similar))


def purity(groups: NDArray[Any], kinds: NDArray[Any]) -> float:
    """Share of files of the commonest class of their group."""
    table = np.zeros((CLASSES, CLASSES))
    np.add.at(table, (groups, kinds), 1)
    return float(table.max(1).sum() / len(kinds))


def k_means(values: NDArray[Any], seed: int) -> NDArray[Any]:
    """Groups of the metadata themselves."""
    from sklearn.cluster import KMeans

    coded = np.eye(KEYS * VALUES)[values + VALUES * np.arange(KEYS)].sum(1)
    found: NDArray[Any] = KMeans(CLASSES, n_init=10, random_state=seed).fit_predict(coded)
    return found


def answer(net: Any, cells: Any) -> int:
    """The neuron with the highest potential when the target would spike, in the trial that comes next."""
    net.run(TARGET, progress=False)
    best = int(np.argmax(cells["v"]))
    net.run(TRIAL - TARGET, progress=False)
    return best


def of_device(w: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
    """The nearest of 16 levels, and noise of 3 % of their range."""
    low, high = w.min(), w.max()
    levels = low + np.rint(15 * (w - low) / (high - low)) * (high - low) / 15
    found: NDArray[Any] = np.clip(levels + random.normal(0.0, 0.03 * (high - low), w.shape), -1.0, 1.0)
    return found
