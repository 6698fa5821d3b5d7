"""Sheets of neurons behind one another, with delays that grow with distance, answer to the timing of their input.

Evanusa, Fermueller and Aloimonos 2020 (arXiv 2009.00581): deep two-dimensional networks of spiking neurons with local
connections and delays; precise timing of the input decides which groups of neurons spike together. Here weights are
frozen: three patterns of the same input neurons, which differ in times only, are told from the spikes of the fifth
sheet by their likeness to former answers, if each has the same times whenever it comes; not if times are drawn anew.
"""

import numpy as np

import spikeloom as sl
from spikeloom import network as nw

SHEETS, SIDE, PATTERNS, TURNS, PERIOD = 5, 20, 3, 20, 200.0
x, y = np.divmod(np.arange(SIDE * SIDE), SIDE)
distance = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])


def local(width: float, chance: float, random: np.random.Generator) -> tuple[nw.rules.Explicit, np.ndarray]:
    """Synapses whose probability falls with the distance as a Gaussian; 1 ms, and half a millisecond for each place."""
    near = random.random(distance.shape) < chance * np.exp(-(distance**2) / (2 * width**2))
    pre, post = np.nonzero(near & (distance > 0))
    return nw.rules.Explicit(pre, post), 1.0 + 0.5 * np.rint(distance[pre, post])


def answers(scrambled: bool) -> np.ndarray:
    """Spikes of the last sheet in each turn, by block of 5 x 5 neurons and 10 ms: [turns, patterns, numbers]."""
    random = np.random.default_rng(1)
    net = nw.Network(dt=0.5, seed=1)
    times = 5.0 + 0.5 * random.integers(0, 100, (1, PATTERNS, SIDE * SIDE))
    anew = 5.0 + 0.5 * random.integers(0, 100, (TURNS, PATTERNS, SIDE * SIDE))
    begin = PERIOD * np.arange(TURNS * PATTERNS).reshape(TURNS, PATTERNS, 1)
    shown = (begin + (anew if scrambled else times)).reshape(-1, SIDE * SIDE)
    before = net.population(SIDE * SIDE, nw.SpikeTimes(list(shown.T)), name="input")
    cell = sl.Noisy(sl.neurons.Izhikevich(dt=0.5), sigma=1.0)
    for depth in range(SHEETS):
        sheet = net.population(neuron=cell, shape=(SIDE, SIDE), name=f"sheet {depth + 1}")
        kinds = ((before, 2.0, 0.5, 18.0), (sheet, 2.0, 0.2, 4.0), (sheet, 4.0, 0.3, -6.0))
        for source, width, chance, weight in kinds:
            rule, delays = local(width, chance, random)
            net.connect(source, sheet, rule, weight=weight, delay=delays)
        before = sheet
    net.record(before)
    result = net.run(TURNS * PATTERNS * PERIOD)
    spikes = result[before.name].spikes
    block = x[spikes.neurons] // 5 * 4 + y[spikes.neurons] // 5
    when = np.ceil(spikes.times / 10.0).astype(int) - 1
    count = np.zeros((TURNS * PATTERNS, int(PERIOD / 10.0), 16))
    np.add.at(count, (when // count.shape[1], when % count.shape[1], block), 1)
    return count.reshape(TURNS, PATTERNS, -1)


def told_apart(scrambled: bool) -> float:
    """How often the answers of the second half are most like the mean answer of the first half to the same pattern."""
    found = answers(scrambled)
    known = found[: TURNS // 2].mean(axis=0)
    likeness = [[[np.corrcoef(a, k)[0, 1] for k in known] for a in turn] for turn in found[TURNS // 2 :]]
    return float((np.argmax(likeness, axis=2) == np.arange(PATTERNS)).mean())


same, anew = told_apart(scrambled=False), told_apart(scrambled=True)
print(f"told apart: {same:.0%}, with scrambled times {anew:.0%}, by chance {1 / PATTERNS:.0%}")
assert same > 0.9
assert anew < 0.6
