"""Layers of integrators and of differentiators in turn keep the width of a packet of spikes; equal layers lose it."""

from __future__ import annotations

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

# Found by a random search with other seeds, for depth 10 and a hundred neurons.
WEIGHTS = {"integrator": 0.394, "differentiator": 0.542}


class LaminaSpecificLayers(Recipe):
    row, family = "A15", "networks of the brain"
    title = "Layers of different neurons pass a packet of spikes on"
    reference = Reference(
        "Han, De Schutter and Hong",
        2020,
        "Lamina-specific neuronal properties promote robust, stable signal propagation in feedforward networks",
        "NeurIPS",
        arxiv="2010.12127",
    )
    claim = (
        "Information that layers of equal neurons lose on its way through a deep feed-forward network is kept where "
        "integrators and differentiators take turns, since each undoes the distortion of the other."
    )
    shown = (
        "A packet of spikes with a standard deviation of 1 or 5 ms enters ten layers of a hundred neurons; which one "
        "is told from the width of the last layer's response, by a bound chosen with the other half of the runs."
    )
    stand_in = (
        "Both kinds are leaky integrate-and-fire neurons, where the paper's are Morris-Lecar's; a threshold that "
        "follows the potential makes the differentiators."
    )
    chance, control = 0.5, "told apart, layers of one kind"

    runs: int = setting(24, "packets of each width", at_least=4)
    depth: int = setting(10, "layers", at_least=1)

    quick = Form(
        Bar("told apart", at_least=0.75, why="half-way between chance and certainty"),
        Bar("gain over layers of one kind", at_least=0.1, why="twice the standard error of 96 packets, 0.05"),
        settings={"runs": 16},
    )
    full = Form(*quick.bars, seeds=range(5), settings={"runs": 64})
    smoke = Form(*quick.bars[:1], seeds=(0,), few_seeds="a seed takes seconds", settings={"runs": 12})

    def measure(self, run: Run) -> Figures:
        found = {}
        for kinds in run.track([("integrator", "differentiator"), ("integrator",), ("differentiator",)], "chains"):
            found[kinds] = self.told_apart(*(self.widths(kinds, spread, run.seed) for spread in (1.0, 5.0)))
        turns, *alike = found.values()
        return {
            "told apart": turns,
            "told apart, layers of one kind": max(alike),
            "told apart, integrators": alike[0],
            "told apart, differentiators": alike[1],
            "gain over layers of one kind": turns - max(alike),
        }

    def widths(self, kinds: tuple[str, ...], spread: float, seed: int) -> np.ndarray:
        """Half the distance between the 16th and the 84th percentile of the last layer's spike times, for each run."""
        nw = sl.network
        net = nw.Network(dt=0.1, seed=seed, batch=self.runs)
        before = net.population(100, nw.devices.PulsePacket(time=40.0, sd=spread), name="packet")
        for depth in range(self.depth):
            kind = kinds[depth % len(kinds)]
            layer = net.population(100, neuron(kind), name=f"layer {depth + 1}")
            net.connect(before, layer, nw.rules.FixedInDegree(30), weight=WEIGHTS[kind], delay=2.0)
            before = layer
        net.record(before)
        spikes = net.run(100.0, progress=False)[before.name].spikes.between(40.0, 100.0)
        times = [spikes.in_run(each).times for each in range(self.runs)]
        # A packet that died has no width.
        return np.array([np.subtract(*np.percentile(t, [84, 16])) / 2 if len(t) > 5 else -1.0 for t in times])

    @staticmethod
    def told_apart(sharp: np.ndarray, broad: np.ndarray) -> float:
        """Share of runs that are right about their packet, by the bound that is best for the other half of them."""

        def right(half: int, bound: float, sign: int) -> np.ndarray:
            over, under = sign * (broad[half::2] - bound) > 0, sign * (sharp[half::2] - bound) <= 0
            return np.concatenate([over, under])

        scores = []
        for known, asked in ((0, 1), (1, 0)):
            bounds = [(bound, sign) for bound in np.r_[sharp[known::2], broad[known::2]] for sign in (-1, 1)]
            scores.append(right(asked, *max(bounds, key=lambda each: right(known, *each).mean())))
        return float(np.concatenate(scores).mean())


def neuron(kind: str) -> sl.Neuron:
    """A noisy leaky neuron; of a differentiator, the threshold follows the potential."""
    tau_mem = {"integrator": 10.175, "differentiator": 6.15}[kind]
    cell: sl.Neuron = sl.synapses.Receptors(sl.LIF(tau_mem=tau_mem), exc=sl.synapses.Exponential(tau_syn=2.0))
    if kind == "differentiator":
        cell = sl.neurons.VoltageThreshold(cell, a=0.861, tau_theta=7.151)
    return sl.Noisy(sl.Refractory(cell, t_ref=20.0), sigma=0.292)
