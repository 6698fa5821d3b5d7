"""An associative memory for patterns in time: binary synapses, learned at once, forgotten in the order of their age."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

# ms: a cycle of the code and the pause after it; what counts as the right time.
CYCLE, PERIOD, NEAR = 100, 120, 5
# Spikes of a cue and of its answer, all of them of different neurons.
CUE, ANSWER = 100, 20


class Pattern(NamedTuple):
    """Neurons and times, ms, of the spikes of a cue or of its answer."""

    neurons: NDArray[Any]
    times: NDArray[Any]


class SpikingAssociativeMemory(Recipe):
    row, family = "A27", "plasticity"
    title = "Spiking associative memory for patterns in space and time"
    reference = Reference(
        "Davidson, Furber and Rhodes", 2020, "Spiking associative memory for spatio-temporal patterns",
        arxiv="2006.16684",
    )  # fmt: skip
    claim = (
        "One-sided, stochastic STDP of binary synapses with locks lets a layer recall when each of its neurons is to "
        "spike, from a cue in which spike times carry the information; it goes on learning and forgets the oldest."
    )
    claimed = "3200 inputs"
    shown = (
        "400 inputs, 400 neurons, all connected; a teacher causes the spikes of an answer while its cue is shown, "
        "once. A cue has a hundred spikes in 100 ms, each 1 ms early or late in recall and with a tenth more spikes "
        "at random; its answer twenty. Fidelity is the share of right spikes, 5 ms early or late at most, in all that "
        "should be or are. In the control the spikes of a cue are the same, but their order is not. Window, "
        "probabilities, duration of locks and sizes are ours."
    )
    chance, control = 0.02, "fidelity of 50 associations, order of cues mixed"

    neurons: int = setting(400, "inputs, and neurons", at_least=CUE)
    stream: int = setting(400, "associations that are learned on and on", at_least=50)

    quick = Form(
        Bar("fidelity of 50 associations", at_least=0.9, why="a fifteenth of synapses is set: few answer by chance"),
        Bar("fidelity of 100 associations", at_least=0.7, why="the decline is to be gradual"),
        Bar("fidelity of 200 associations", at_most=0.5, why="beyond capacity: a quarter of synapses is set"),
        Bar("fidelity of the last 25 of a stream", at_least=0.75, why="what was learned last is there"),
        Bar("the same without forgetting", at_most=0.1, why="without depression all synapses are set in the end"),
    )
    full = Form(*quick.bars, seeds=range(5), settings={"stream": 2000})

    def measure(self, run: Run) -> dict[str, float]:
        figures, curve = {}, {}
        for count in run.track((10, 50, 100, 200), "numbers of associations"):
            fidelity, mixed, share = self.recalled(count, run.seed)
            figures[f"fidelity of {count} associations"] = curve[count] = fidelity.mean()
            figures[f"synapses set by {count} associations"] = share
            if count == 50:
                figures["fidelity of 50 associations, order of cues mixed"] = mixed.mean()
        kept = self.recalled(self.stream, run.seed, forget=0.5, lock=8000.0)[0]
        full = self.recalled(self.stream, run.seed)[0]
        figures["fidelity of the last 25 of a stream"] = kept[-25:].mean()
        figures["the same without forgetting"] = full[-25:].mean()
        figures["fidelity of the first 25 of a stream"] = kept[:25].mean()
        run.draw("fidelity by age", lambda axes: plot(axes, kept, full))
        return {name: float(value) for name, value in figures.items()}

    def recalled(
        self, count: int, seed: int, *, forget: float = 0.0, lock: float = math.inf
    ) -> tuple[NDArray[Any], NDArray[Any], float]:
        """Fidelity of each association for its cue and for a cue in another order; share of synapses that are set."""
        nw, random, size = sl.network, np.random.default_rng(seed), self.neurons
        cues = [Pattern(random.choice(size, CUE, replace=False), np.arange(CUE) + 1) for _ in range(count)]
        answers = [
            Pattern(random.choice(size, ANSWER, replace=False), random.integers(11, CYCLE + 1, ANSWER)) for _ in cues
        ]
        shown = [*cues, *(noisy(cue, size, random) for cue in cues)]
        shown += [Pattern(cue.neurons, random.permutation(cue.times)) for cue in cues]
        net = nw.Network(dt=1.0, seed=seed, threads=1)
        source = net.population(size, nw.SpikeTimes(*sequence(shown)), name="cues")
        teacher = net.population(size, nw.SpikeTimes(*sequence(answers)), name="teacher")
        # While it learns, only the teacher makes it spike.
        lif = sl.LIF(tau_mem=10.0, decay_input=False, v_th=1e4)
        cells = net.population(size, sl.Refractory(lif, t_ref=20.0), name="memory")
        rule = sl.plasticity.BinarySTDP(window=10.0, p_up=1.0, p_down=forget, tau_lock=lock)
        synapses: Any = net.connect(source, cells, nw.rules.AllToAll(), weight=0.0, plasticity=rule)
        net.connect(teacher, cells, nw.rules.OneToOne(), weight=1e6)
        net.record(cells)
        net.run(count * PERIOD, progress=False)
        synapses.learning.on = False
        # Ten spikes in 10 ms reach 6.3 by themselves.
        cells["v"], cells["v_th"] = 0.0, 6.5
        found = [net.run(count * PERIOD, progress=False)["memory"] for _ in range(2)]
        scores = [fidelity(spikes, (n + 1) * count * PERIOD, answers) for n, spikes in enumerate(found)]
        return scores[0], scores[1], float(synapses.learning.weights().mean())


def noisy(cue: Pattern, size: int, random: np.random.Generator) -> Pattern:
    """Spikes 1 ms early or late (standard deviation), and a tenth more anywhere."""
    times = np.clip(cue.times + np.rint(random.normal(0.0, 1.0, CUE)), 1, CYCLE)
    more = CUE // 10
    neurons = np.concatenate([cue.neurons, random.integers(0, size, more)])
    both = np.unique([neurons, np.concatenate([times, random.integers(1, CYCLE + 1, more)])], axis=1).astype(int)
    return Pattern(both[0], both[1])


def sequence(patterns: list[Pattern]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Times, ms, and channels of one pattern after the other."""
    times = [pattern.times + number * float(PERIOD) for number, pattern in enumerate(patterns)]
    return np.concatenate(times), np.concatenate([pattern.neurons for pattern in patterns])


def fidelity(spikes: Any, begin: float, answers: list[Pattern]) -> NDArray[Any]:
    """Right spikes / (spikes that should be + those that should not), for each answer; cues arrive after 1 ms."""
    cycle, times = np.divmod(spikes.times - begin - 1.0, PERIOD)
    scores = []
    for number, answer in enumerate(answers):
        here = cycle == number
        wanted = np.full(spikes.neurons.max(initial=answer.neurons.max()) + 1, -math.inf)
        wanted[answer.neurons] = answer.times
        right = np.abs(times[here] - wanted[spikes.neurons[here]]) <= NEAR
        hits = len(np.unique(spikes.neurons[here][right]))
        scores.append(hits / (len(answer.neurons) + np.sum(~right)))
    return np.array(scores)


def plot(axes: Any, kept: NDArray[Any], full: NDArray[Any]) -> None:
    """Means of 25 associations."""
    for scores, label in ((kept, "with forgetting"), (full, "without")):
        means = scores[len(scores) % 25 :].reshape(-1, 25).mean(axis=1)[::-1]
        axes.plot(25 * np.arange(len(means)) + 12.5, means, label=label)
    axes.set_xlabel("associations learned since")
    axes.set_ylabel("fidelity")
    axes.legend(frameon=False)
