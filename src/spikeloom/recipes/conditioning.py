"""Conditioning by STDP: a stimulus that comes before another takes over the answer to it."""

from __future__ import annotations

from typing import Any

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

# Milliseconds: from one trial to the next, the stimulus in it, the scatter of its spikes, and its lead.
PERIOD, AT, SCATTER, LEAD = 500.0, 250.0, 1.0, 10.0
FIBRES, HIGHEST, START = 20, 0.1, 0.025
GROUPS = ("before", "after", "unpaired")


class Conditioning(Recipe):
    row, family = "S04", "plasticity"
    title = "Conditioning by STDP"
    reference = Reference(
        "Abbott and Blum",
        1996,
        "Functional significance of long-term potentiation for sequence learning and prediction",
        "Cerebral Cortex 6, 406-416",
        doi="10.1093/cercor/6.3.406",
    )
    claim = (
        "A rule that strengthens synapses whose spikes come before the neuron's own makes a stimulus predict what "
        "regularly follows it; one that comes too late is unlearnt."
    )
    shown = (
        "20 fibres of a conditioned stimulus, too weak to fire a noisy cell, and an unconditioned one that always "
        "does, 10 ms later or 10 ms earlier, in 50 trials; then the first alone. In the control the second comes at "
        "any time. The cell and its numbers are ours."
    )
    chance, control = "answers before training", "answers, unpaired"

    trials: int = setting(50, "trials of training", at_least=1)
    cells: int = setting(50, "cells of each group", at_least=1)

    quick = Form(
        Bar("answers", at_least=0.9, why="the conditioned stimulus alone is to fire the cell in 9 of 10 probes"),
        Bar("answers, reversed order", at_most=0.0, why="none is to be learnt where the stimulus predicts nothing"),
        Bar("weight, reversed order", at_most=START / HIGHEST, why="below that at the start, 0.25 of the highest"),
    )
    full = Form(*quick.bars, seeds=range(10), settings={"cells": 500})

    def measure(self, run: Run) -> dict[str, float]:
        probes = 20
        total = self.trials + 2 * probes
        net, groups, synapses = self.network(run, total, probes)
        answers: dict[str, list[float]] = {name: [] for name in GROUPS}
        for stage, trials in enumerate((probes, self.trials, probes)):
            for each in synapses.values():
                each.learning.on = stage == 1
            result = net.run(PERIOD * trials, progress=False)
            for name, cells in groups.items():
                answers[name].append(answered(result[name].spikes, result.start, trials, len(cells)))
        weights = {name: float(each.synapses().weight.mean() / HIGHEST) for name, each in synapses.items()}
        return {
            "answers": answers["before"][2],
            "answers before training": answers["before"][0],
            "answers, reversed order": answers["after"][2],
            "answers, unpaired": answers["unpaired"][2],
            "weight": weights["before"],
            "weight, reversed order": weights["after"],
            "weight, unpaired": weights["unpaired"],
        }

    def network(self, run: Run, total: int, probes: int) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        """The network, its groups of cells and their plastic synapses."""
        nw = sl.network
        net = nw.Network(dt=0.5, seed=run.seed, threads=1)
        onset = PERIOD * np.arange(total) + AT
        spikes = np.rint(2 * (onset + SCATTER * run.random.standard_normal((FIBRES, total)))) / 2
        stimulus = net.population(FIBRES, nw.SpikeTimes(list(spikes)), name="conditioned")
        trained = onset[probes : probes + self.trials]
        anywhere = np.rint(trained - AT + run.random.uniform(1.0, PERIOD, len(trained)))
        times = {"before": trained + LEAD, "after": trained - LEAD, "unpaired": anywhere}
        lif = sl.Noisy(sl.LIF(tau_mem=20.0), sigma=0.02)
        cell = sl.synapses.Receptors(lif, weak=sl.synapses.Delta(), strong=sl.synapses.Delta())
        groups, synapses = {}, {}
        for name in GROUPS:
            groups[name] = cells = net.population(self.cells, cell, name=name)
            other = net.population(1, nw.SpikeTimes([times[name]]), name=f"unconditioned, {name}")
            every = nw.rules.AllToAll()
            net.connect(other, cells, every, weight=2.0, receptor="strong")
            rule = sl.plasticity.STDP(a_plus=0.02, a_minus=0.021, w_max=HIGHEST)
            synapses[name] = net.connect(stimulus, cells, every, weight=START, receptor="weak", plasticity=rule)
            net.record(cells)
        return net, groups, synapses


def answered(spikes: Any, start: float, trials: int, cells: int) -> float:
    """Share of trials and cells with a spike within 20 ms of the stimulus's first."""
    trial, phase = np.divmod(spikes.times - start, PERIOD)
    near = np.abs(phase - AT) <= 20.0
    fired = np.zeros((cells, trials), dtype=bool)
    fired[spikes.neurons[near], trial[near].astype(int)] = True
    return float(fired.mean())
