"""Stimulus avoidance: a network learns to end a stimulus where it can, and to ignore one where it cannot."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Form, Recipe, Reference, Run, setting

# Excitatory cells of a network, the first of them stimulated, the last ones those that act; all its cells.
E, INPUTS, OUTPUTS, CELLS = 80, 10, 3, 100
# Milliseconds between looks at the network; the stimulus that nothing ends, and the pause after it.
STEP, GIVEN, PAUSE = 10.0, 1000.0, 500.0
# Pulses of a stimulated cell in Hz, how far each moves the potential, mV; noise, mV / sqrt(ms).
PULSES, KICK, NOISE = 200.0, 20.0, 3.5
# mV: excitatory weights at the beginning are below the one and never above the other.
START, HIGHEST = 1.0, 3.0
GROUPS = ("controllable", "no STDP", "yoked", "uncontrollable", "symmetric")
CONTROLLABLE, NO_STDP, YOKED, UNCONTROLLABLE, SYMMETRIC = range(5)
REACTION, EVOKED, WEIGHT = (
    "reaction time, end / beginning",
    "evoked spikes, end / beginning",
    "input weight, end / start",
)


class Lived(NamedTuple):
    """Of each network: (onset, reaction time) of stimuli, ms; spikes that one evokes, by fifth; input weights."""

    reactions: list[np.ndarray]
    evoked: np.ndarray
    start: np.ndarray
    end: np.ndarray


class StimulusAvoidance(Recipe):
    row, family = "P07", "closed loops and search"
    title = "Stimulus avoidance"
    reference = Reference(
        "Masumori, Sinapayen, Maruyama, Mita, Bakkum, Frey, Takahashi and Ikegami",
        2020,
        "Neural autopoiesis: organizing self-boundaries by stimulus avoidance in biological and artificial neural "
        "networks",
        "Artificial Life 26, 130-151",
        arxiv="2001.09641",
        doi="10.1162/artl_a_00314",
    )
    claim = (
        "STDP lets a network of spiking neurons learn the action that ends a stimulus; if nothing ends it, STDP with "
        "more depression than potentiation cuts the stimulus off."
    )
    shown = (
        "Networks of 80 excitatory and 20 inhibitory Izhikevich neurons, all to all, with noise and STDP between "
        "excitatory neurons. Ten neurons are stimulated until one of three others spikes. In the controls STDP is off, "
        "or the stimulus ends when that of a network without STDP does (yoked). Other networks have a stimulus for 1 s "
        "in 1.5 s, whatever they do. Depression is 1.2 times potentiation in all but the symmetric control. Evoked "
        "spikes are those of other excitatory neurons, above their rate in pauses; beginning and end are the first and "
        "the last fifth of the time. Weights, noise and stimuli are ours."
    )
    chance, control = Absent("a ratio of times has none"), f"{REACTION}, no STDP"

    seconds: int = setting(100, "simulated time", "s", at_least=10)
    copies: int = setting(2, "networks of each kind, with other weights", at_least=1)
    amplitude: float = setting(0.1, "potentiation by a pair of spikes at no distance", "mV", at_least=0.0)

    quick = Form(
        Bar(REACTION, at_most=0.5, why="the row's mark, of medians"),
        Bar(f"{REACTION}, yoked", at_least=0.5, why="the same stimuli teach nothing where acts do not end them"),
        Bar(EVOKED, at_most=0.7, why="the row's mark for stimuli that cannot be ended"),
        Bar(WEIGHT, at_most=0.7, why="the row's mark for stimuli that cannot be ended"),
        Bar(f"{EVOKED}, symmetric", at_least=0.7, why="the row's mark: only the asymmetry cuts the stimulus off"),
        Bar(f"{WEIGHT}, symmetric", at_least=0.7, why="the row's mark: only the asymmetry cuts the stimulus off"),
    )
    smoke = Form(*quick.bars, seeds=(0,), few_seeds="for every test run")
    full = Form(
        *quick.bars,
        Bar("as claimed, beside every control", at_least=1.0, why="five of five seeds: p = 0.03 in a sign test"),
        seeds=range(5),
        settings={"seconds": 600, "copies": 4, "amplitude": 0.06},
    )

    def measure(self, run: Run) -> dict[str, float]:
        lived = self.lived(run)
        reaction = [self.quickened(lived, group) for group in (CONTROLLABLE, NO_STDP, YOKED)]
        evoked, weight = [], []
        for group in (UNCONTROLLABLE, SYMMETRIC):
            of = self.members(group)
            evoked.append(lived.evoked[of, -1].mean() / lived.evoked[of, 0].mean())
            weight.append(lived.end[of].mean() / lived.start[of].mean())
        run.draw("reaction times and evoked spikes", lambda axes: self.plot(axes, lived), width=8.0, panels=2)
        falls = reaction[0] < min(reaction[1:]) and evoked[0] < evoked[1] and weight[0] < weight[1]
        return {
            REACTION: reaction[0],
            f"{REACTION}, no STDP": reaction[1],
            f"{REACTION}, yoked": reaction[2],
            EVOKED: evoked[0],
            f"{EVOKED}, symmetric": evoked[1],
            WEIGHT: weight[0],
            f"{WEIGHT}, symmetric": weight[1],
            "as claimed, beside every control": float(falls),
        }

    def members(self, group: int) -> slice:
        """Networks of a group."""
        return slice(group * self.copies, (group + 1) * self.copies)

    def quickened(self, lived: Lived, group: int) -> float:
        """Median reaction time at the end over that at the beginning."""
        onset, reaction = np.concatenate(lived.reactions[self.members(group)]).T
        fifth = np.floor(onset / (200.0 * self.seconds))
        return float(np.median(reaction[fifth == 4]) / np.median(reaction[fifth == 0]))

    def lived(self, run: Run) -> Lived:
        """All networks at once, each with its own stimulus."""
        net, stimulus, synapses = self.network(run)
        start = self.input_weights(synapses)
        group = np.repeat(np.arange(len(GROUPS)), self.copies)
        acts_count, yoked = group <= NO_STDP, group == YOKED
        on, waiting, onset, due = np.zeros((4, len(group)))
        on, waiting, due = on > 0, waiting > 0, due + run.random.uniform(0.0, PAUSE, len(group))  # type: ignore[assignment]
        reactions: list[list[tuple[float, float]]] = [[] for _ in group]
        # Spikes and looks, by network, fifth of the time, and whether there is a stimulus.
        counted = np.zeros((2, len(group), 5, 2))
        looks = round(self.seconds * 1e3 / STEP)
        for look in run.track(range(looks), "looks at the networks"):
            now, fifth = (look + 1) * STEP, look * 5 // looks
            stimulus["rate"] = np.repeat(on * PULSES, INPUTS)
            network, cell = np.divmod(net.run(STEP, progress=False)["cells"].neurons, CELLS)
            beyond = np.bincount(network[(cell >= INPUTS) & (cell < E)], minlength=len(group))
            counted[:, np.arange(len(group)), fifth, on.astype(int)] += beyond, np.ones(len(group))
            acted = np.bincount(network[(cell >= E - OUTPUTS) & (cell < E)], minlength=len(group)) > 0
            ends = on & np.where(acts_count, acted, now >= due)
            begins = ~on & (now >= due)  # type: ignore[misc,operator]
            ends[yoked], begins[yoked] = ends[group == NO_STDP], begins[group == NO_STDP]
            # One without a reaction until the next stimulus counts as long as that.
            for each in np.flatnonzero(waiting & (acted | begins)):
                reactions[each].append((onset[each], now - onset[each]))
            waiting = (waiting & ~acted) | begins  # type: ignore[operator]
            onset = np.where(begins, now, onset)
            pauses = np.where(acts_count, run.random.uniform(0.6, 1.2, len(group)) * PAUSE, PAUSE)
            due = np.where(begins, now + GIVEN, np.where(ends, now + pauses, due))
            on = (on & ~ends) | begins
        rates = counted[0] / counted[1]
        evoked = (rates[..., 1] - rates[..., 0]) * GIVEN / STEP
        return Lived([np.array(each) for each in reactions], evoked, start, self.input_weights(synapses))

    def network(self, run: Run) -> tuple[Any, Any, list[Any]]:
        """All networks as one population, the pulses, and the plastic synapses of each group."""
        nw, copies, random = sl.network, self.copies, run.random
        net = nw.Network(dt=1.0, seed=run.seed, threads=1)
        first = CELLS * np.arange(len(GROUPS) * copies)[:, None]
        izhikevich = sl.neurons.Izhikevich(dt=1.0, integrator=sl.neurons.SequentialEuler())
        cells = net.population(first.size * CELLS, sl.Noisy(izhikevich, sigma=NOISE), name="cells")
        inhibitory = np.tile(np.arange(CELLS) >= E, first.size)
        cells["a"], cells["d"] = np.where(inhibitory, 0.1, 0.02), np.where(inhibitory, 2.0, 8.0)
        fibres = net.population(first.size * INPUTS, nw.Poisson(np.zeros(first.size * INPUTS)), name="pulses")
        stimulated = (first + np.arange(INPUTS)).ravel()
        net.connect(fibres, cells, nw.rules.Explicit(np.arange(len(fibres)), stimulated), weight=KICK)
        # The groups have the same weights.
        for pre, post, low, high in ((slice(0, E), slice(E, None), 0.0, 2.0), (slice(E, None), slice(None), -4.0, 0.0)):
            source, target = pairs(pre, post)
            weight = np.tile(random.uniform(low, high, (copies, source.size)), (len(GROUPS), 1))
            listed = nw.rules.Explicit((first + source).ravel(), (first + target).ravel())
            net.connect(cells, cells, listed, weight=weight.ravel())
        source, target = pairs(slice(0, E), slice(0, E))
        weight = random.uniform(0.0, START, (copies, source.size)).ravel()
        synapses: list[Any] = []
        for group in range(len(GROUPS)):
            own = first[self.members(group)]
            listed = nw.rules.Explicit((own + source).ravel(), (own + target).ravel())
            plus, ratio = self.amplitude / HIGHEST, 1.0 if group == SYMMETRIC else 1.2
            # (1 - 1/20)^t of the paper is exp(-t / 19.5).
            rule = sl.plasticity.STDP(a_plus=plus, a_minus=ratio * plus, tau_plus=19.5, tau_minus=19.5, w_max=HIGHEST)
            synapses.append(net.connect(cells, cells, listed, weight=weight, plasticity=rule))
        synapses[NO_STDP].learning.on = False
        net.record(cells)
        return net, fibres, synapses

    def input_weights(self, synapses: list[Any]) -> np.ndarray:
        """Mean weight of the stimulated neurons on other excitatory ones, by network."""
        found = [each.synapses() for each in synapses]
        pre, post, weight = (np.concatenate([getattr(s, name) for s in found]) for name in ("pre", "post", "weight"))
        chosen = (pre % CELLS < INPUTS) & (post % CELLS >= INPUTS)
        return np.bincount(pre[chosen] // CELLS, weight[chosen]) / np.bincount(pre[chosen] // CELLS)

    def plot(self, axes: Any, lived: Lived) -> None:
        centres = self.seconds * (np.arange(10) + 0.5) / 10
        for group in (CONTROLLABLE, NO_STDP, YOKED):
            onset, reaction = np.concatenate(lived.reactions[self.members(group)]).T
            tenth = np.minimum(onset / (100.0 * self.seconds), 9.0).astype(int)
            axes[0].plot(centres, [np.median(reaction[tenth == k]) for k in range(10)], "o-", label=GROUPS[group])
        for group in (UNCONTROLLABLE, SYMMETRIC):
            evoked = lived.evoked[self.members(group)].mean(0)
            axes[1].plot(self.seconds * (np.arange(5) + 0.5) / 5, evoked, "o-", label=GROUPS[group])
        for each, label in zip(axes, ("median reaction time, ms", "evoked spikes per stimulus"), strict=True):
            each.set_xlabel("time, s")
            each.set_ylabel(label)
            each.set_ylim(0.0, None)
            each.legend(frameon=False)


def pairs(pre: slice, post: slice) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of different cells of a network."""
    every = np.arange(CELLS)
    source, target = (each.ravel() for each in np.meshgrid(every[pre], every[post], indexing="ij"))
    return source[source != target], target[source != target]
