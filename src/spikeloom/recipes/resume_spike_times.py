"""ReSuMe: a neuron learns to spike at five given times, from a teacher that does not drive it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.recipes import Bar, Figures, Form, Recipe, Reference, Run, setting

# Milliseconds from one presentation of the pattern to the next, of which it takes 400, and the step of the network.
PERIOD, DT = 500.0, 1.0


class ReSuMeSpikeTimes(Recipe):
    row, family = "L05", "local learning"
    title = "ReSuMe learns the times of spikes"
    reference = Reference(
        "Ponulak and Kasiński",
        2010,
        "Supervised learning in spiking neural networks with ReSuMe: sequence learning, classification, and spike "
        "shifting",
        "Neural Computation 22, 467-510",
        doi="10.1162/neco.2009.11-08-901",
    )
    claim = (
        "STDP of input and desired spikes, together with anti-STDP of input and actual spikes, teaches a neuron to "
        "answer a pattern with any spike train; the teacher's spikes reach the synapses, never the membrane."
    )
    shown = (
        "One LIF neuron in the simulator, 400 inputs of 5 spikes per second for 400 ms, five desired times, the "
        "pattern again every 500 ms. Correlation is that of Schreiber et al. 2003, of Gaussians of 5 ms, in the last "
        "presentation. The control learns by the constant term of the rule alone, without its window."
    )
    chance, control = "correlation before", "correlation, no window"

    epochs: int = setting(100, "presentations of the pattern", at_least=1)
    eta: float = setting(0.03, "learning rate", at_least=0.0)

    quick = Form(
        Bar("correlation", at_least=1.0, why="exactly the desired times, as in a program of ours written apart"),
        Bar("epochs", at_most=40.0, why="20 to 40 in the program written apart"),
        Bar("correlation, no window", at_most=0.5, why="0.22 to 0.34 there: the number of spikes, not their times"),
    )
    full = Form(*quick.bars, seeds=range(10))

    def measure(self, run: Run) -> Figures:
        bounds = {"w_min": -2.0, "w_max": 2.0}
        found, target = learned(run, sl.plasticity.ReSuMe(eta=self.eta, **bounds), self.epochs)
        blind, _ = learned(run, sl.plasticity.ReSuMe(eta=0.003, a=0.05, amplitude=0.0, **bounds), self.epochs)
        right = (found == target).all(0)
        run.draw("spikes of the neuron", lambda axes: plot(axes, found, target))
        return {
            "correlation": correlations(found[:, -1:], target).item(),
            "correlation before": correlations(found[:, :1], target).item(),
            "correlation, no window": correlations(blind[:, -1:], target).item(),
            "epochs": float(right.int().argmax()) if right.any() else float(self.epochs),
            "spikes, no window": blind[:, -1].sum().item(),
        }


def learned(run: Run, rule: Any, epochs: int) -> tuple[Tensor, Tensor]:
    """Spikes of the neuron in each presentation, [T, epochs], and the desired ones, [T, 1], by a rule with a teacher.

    Both as they are found at the synapses: a spike of a source is there a step after its time.
    """
    nw, generator = sl.network, torch.Generator().manual_seed(run.seed)
    x, target = sl.datasets.spike_time_task(dt=DT, generator=generator)
    weight = 0.16 * torch.rand(x.shape[2], generator=generator).numpy()
    net, starts = nw.Network(dt=DT, seed=run.seed, threads=1), PERIOD * np.arange(epochs)
    inputs = net.population(x.shape[2], source(x[:, 0], starts), name="inputs")
    teacher = net.population(1, source(target[:, 0], starts), name="teacher")
    cell = net.population(1, sl.CurrentLIF(tau_mem=20.0, tau_syn=5.0), name="cell")
    synapses: Any = net.connect(inputs, cell, nw.rules.AllToAll(), weight=weight, plasticity=rule)
    net.connect(teacher, cell, nw.rules.AllToAll(), weight=1.0, receptor=synapses.learning.receptor("teacher"))
    net.record(cell)
    times = net.run(PERIOD * epochs, progress=False)["cell"].spikes.times
    epoch, step = np.divmod(np.rint(times / DT).astype(int) - 2, round(PERIOD / DT))
    spikes = torch.zeros(len(x), epochs)
    inside = step < len(x)
    spikes[step[inside], epoch[inside]] = 1.0
    return spikes, target[:, 0]


def source(spikes: Tensor, starts: np.ndarray) -> Any:
    """The pattern [T, n] from each start on; its first step ends at dt."""
    times = [DT * (1 + column.nonzero().flatten().numpy()) for column in spikes.T]
    return sl.network.SpikeTimes([np.add.outer(starts, own).ravel() for own in times])


def correlations(spikes: Tensor, target: Tensor) -> Tensor:
    """With the target, [epochs]."""
    kernel = sl.plasticity.GaussianKernel(sigma=5.0)
    return sl.plasticity.spike_correlation(spikes[:, None], target.expand_as(spikes)[:, None], kernel, dt=DT)[0]


def plot(axes: Any, spikes: Tensor, target: Tensor) -> None:
    step, epoch = spikes.nonzero().T
    for t in target.nonzero()[:, 0]:
        axes.axvline(DT * t, color="0.85")
    axes.plot(DT * step, epoch, "k.", markersize=2)
    axes.set_xlabel("time in the pattern, ms")
    axes.set_ylabel("presentation")
