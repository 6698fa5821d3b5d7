"""Mismatch of synapses as a source of delays: pairs of them are found that answer to one interval only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

DESIGN = {"w_exc": 1.0, "w_inh": 3.0, "tau_exc": 40.0, "tau_inh": 10.0}
# Milliseconds.
WANTED, INTERVALS = 15.0, np.arange(-45.0, 61.0, 5.0)
OTHERS = INTERVALS[np.abs(INTERVALS - WANTED) >= 15.0]


class DelaysFromMismatch(Recipe):
    row, family = "P11", "hardware"
    title = "Device mismatch as a source of delays"
    reference = Reference(
        "Nilsson, Liwicki and Sandin",
        2020,
        "Synaptic integration of spatiotemporal features with a dynamic neuromorphic processor",
        "IJCNN",
        arxiv="2002.04924",
    )
    claim = (
        "A spike that first inhibits and then excites has its effect late; when, differs between the circuits of one "
        "neuromorphic chip by some 10 ms, and with such delays a neuron becomes selective to a pattern in time."
    )
    claimed = "delays vary by about 10 ms"
    shown = (
        "64 pairs of an excitatory and an inhibitory synapse, drawn with 15 % mismatch. Of two such inputs whose peaks "
        "are 15 ms apart, and with a threshold set half-way, the neuron fires for intervals near 15 ms only. Of every "
        "pair, the times at which its simulated current changes sign and is largest are compared with those that "
        "follow from the equations; the error is the largest of all pairs."
    )
    stand_in = "A model of the chip's circuits: leaky neurons and exponential synapses with drawn parameters."
    chance, control = "tuned, pairs at random", "tuned, no mismatch"

    mismatch: float = setting(0.15, "coefficient of variation of weights and time constants", at_least=0.0)
    devices: int = setting(64, "delay elements", at_least=8)
    pairs: int = setting(3, "pairs that are chosen", at_least=1)

    quick = Form(
        Bar("tuned", at_least=1.0, why="a tuning curve with one peak at 15 ms, for every pair that is chosen"),
        Bar("s.d. of the peak's time", between=(5.0, 15.0), unit="ms", why="the paper's order of 10 ms"),
        Bar("error of the sign change", at_most=0.1, unit="ms", why="a step: the closed form lies between two samples"),
        Bar("error of the maximum", at_most=0.1, unit="ms", why="a step: the closed form lies next to that sample"),
    )
    full = Form(*quick.bars, seeds=range(10), settings={"devices": 128, "pairs": 8})

    def measure(self, run: Run) -> Figures:
        devices, plain = (self.drawn(spread, run) for spread in (self.mismatch, 0.0))
        (v, current), (flat, _) = responses(devices), responses(plain)
        peaks = 0.1 * v.argmax(axis=0)
        chosen, level = self.best(v, np.abs(peaks[:, None] - peaks[None] - WANTED) < 1.0)
        fired = answers(devices, chosen, level)
        run.draw("tuning", lambda axes: plot(axes, fired))
        anyhow, at_random = self.at_random(v, run), self.at_random(flat, run)
        return {
            "tuned": tuned(fired),
            "tuned, no mismatch": tuned(answers(plain, *at_random)),
            "tuned, pairs at random": tuned(answers(devices, *anyhow)),
            "s.d. of the peak's time": peaks.std(),
            "mean of the peak's time": peaks.mean(),
            **errors(devices, current),
        }

    def drawn(self, spread: float, run: Run) -> dict[str, np.ndarray]:
        """Parameters of all devices."""
        draw = sl.synapses.mismatch
        return {k: draw(mean, spread, self.devices, generator=run.generator).numpy() for k, mean in DESIGN.items()}

    def best(self, v: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pairs that stand out most at the interval wanted, and thresholds half-way."""
        candidates = np.argwhere(near)
        limits = np.array([limits_of(v[:, i], v[:, j]) for i, j in candidates])
        order = np.argsort(limits[:, 0] / limits[:, 1], kind="stable")[: self.pairs]
        return candidates[order], limits[order].mean(axis=1)

    def at_random(self, v: np.ndarray, run: Run) -> tuple[np.ndarray, np.ndarray]:
        """Pairs without choice, with thresholds set in the same way."""
        pairs = run.random.integers(0, self.devices, (32, 2))
        return pairs, np.array([np.mean(limits_of(v[:, i], v[:, j])) for i, j in pairs])


def neurons(net: Any, thresholds: Any, **devices: dict[str, np.ndarray]) -> Any:
    """Neurons with a delay element of the given parameters by each name."""
    elements: dict[str, Any] = {name: sl.synapses.DelayElement() for name in devices}
    cell = sl.synapses.Receptors(sl.LIF(tau_mem=5.0, v_th=math.inf), **elements)
    given = {f"{name}_{part}": values for name, parts in devices.items() for part, values in parts.items()}
    made = net.population(len(next(iter(given.values()))), cell, name="cells", parameters=given)
    made["v_th"] = thresholds
    return made


def responses(devices: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The potential and the current after one spike, [time, device]; that of index k is 0.1 k ms after its arrival."""
    nw = sl.network
    net = nw.Network(dt=0.1, seed=1)
    alone = neurons(net, math.inf, a=devices)
    net.connect(net.population(1, nw.SpikeTimes([[0.1]])), alone, nw.rules.AllToAll())
    net.record(alone, "v", "a_g_exc", "a_g_inh")
    found = net.run(200.0, progress=False)["cells"]
    v, exc, inh = (np.asarray(found[name].values) for name in ("v", "a_g_exc", "a_g_inh"))
    # A recorded step is its end.
    arrival = int((exc > 0).any(axis=1).argmax()) - 1
    return v[arrival:], (devices["w_exc"] * exc - devices["w_inh"] * inh)[arrival:]


def errors(devices: dict[str, np.ndarray], current: np.ndarray) -> dict[str, float]:
    """How far the two times of a current are from the closed forms, at worst."""
    pairs = sl.synapses.DelayElement(**{name: torch.from_numpy(values).double() for name, values in devices.items()})
    sign, largest = 1 + (current[1:] >= 0).argmax(axis=0), current.argmax(axis=0)
    return {
        "error of the sign change": np.abs(0.1 * sign - pairs.sign_change().numpy()).max(),
        "error of the maximum": np.abs(0.1 * largest - pairs.maximum().numpy()).max(),
    }


def limits_of(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """The largest peak at another interval, and the peak at the one that is wanted; potentials add up."""

    def peak(interval: float) -> float:
        shift = round(interval / 0.1)
        total = np.zeros(len(first) + abs(shift))
        total[max(0, -shift) :][: len(first)] += first
        total[max(0, shift) :][: len(second)] += second
        return float(total.max())

    return max(map(peak, OTHERS)), peak(WANTED)


def answers(devices: dict[str, np.ndarray], pairs: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Whether a neuron with each pair of devices fires, [pair, interval]."""
    nw = sl.network
    count = len(INTERVALS)
    net = nw.Network(dt=0.1, seed=1)
    first, second = ({k: v[np.repeat(pairs[:, n], count)] for k, v in devices.items()} for n in (0, 1))
    cells = neurons(net, np.repeat(thresholds, count), a=first, b=second)
    once = net.population(1, nw.SpikeTimes([[50.0]]), name="first")
    after = net.population(
        len(cells), nw.SpikeTimes([[50.0 + t] for t in np.tile(INTERVALS, len(pairs))]), name="second"
    )
    net.connect(once, cells, nw.rules.AllToAll(), receptor="a")
    net.connect(after, cells, nw.rules.OneToOne(), receptor="b")
    net.record(cells)
    fired = np.zeros(len(cells), dtype=bool)
    fired[net.run(250.0, progress=False)["cells"].neurons] = True
    return fired.reshape(len(pairs), count)


def tuned(fired: np.ndarray) -> float:
    """Share of neurons that fire at the interval wanted, and at none that is far from it."""
    right = fired[:, INTERVALS == WANTED].all(axis=1) & ~fired[:, np.isin(INTERVALS, OTHERS)].any(axis=1)
    return float(right.mean())


def plot(axes: Any, fired: np.ndarray) -> None:
    """A row for each neuron."""
    axes.imshow(fired, aspect="auto", extent=(INTERVALS[0] - 2.5, INTERVALS[-1] + 2.5, 0, len(fired)), cmap="Greys")
    axes.set_xlabel("second input after the first, ms")
    axes.set_ylabel("neuron")
