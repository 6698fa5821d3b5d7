"""Additive STDP of many synapses on one neuron: they compete, and are strong or weak in the end."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Bar, Form, Recipe, Reference, Run, setting

# Conductances in units of the leak, as in the paper; Hz.
HIGHEST, INHIBITION, RATES = 0.015, 0.05, (10.0, 40.0)


class Found(NamedTuple):
    """Of one neuron, after learning."""

    rate: float
    cv: float
    # Weights as shares of the highest.
    weights: np.ndarray


class CompetitiveSTDP(Recipe):
    name = "competitive-stdp"
    row, family = "S02", "plasticity"
    title = "Competition of synapses by STDP"
    reference = Reference(
        "Song, Miller and Abbott",
        2000,
        "Competitive Hebbian learning through spike-timing-dependent synaptic plasticity",
        "Nature Neuroscience 3, 919-926",
        doi="10.1038/78829",
    )
    claim = (
        "STDP in which depression outweighs potentiation a little drives the weights of uncorrelated inputs to one of "
        "their bounds; the neuron then fires irregularly, at a rate that depends little on that of its inputs."
    )
    shown = (
        "1000 excitatory and 200 inhibitory Poisson inputs of one neuron, with the paper's values; the quick form has "
        "twice its learning rate. Weights begin uniform, a fifth of them near a bound; the control does not learn."
    )
    chance, control = 0.2, "weights near a bound, no learning"

    learning_rate: float = setting(0.005, "potentiation by one pair, as a share of the highest weight", at_least=1e-6)
    seconds: int = setting(2000, "time of learning", "s", at_least=10)

    quick = Form(
        Bar("weights near a bound", at_least=0.5, why="more at the bounds than in between, of uniform weights a fifth"),
        Bar("strong weights at 10 Hz / at 40 Hz", at_least=2.0, why="the faster the inputs, the fewer stay strong"),
        Bar("rates at 40 Hz / at 10 Hz", at_most=4.0, why="the rate grows less than that of the inputs, fourfold"),
        Bar("CV of intervals", between=(0.7, 1.3), why="about 1 in the paper: spikes as irregular as Poisson's"),
        settings={"learning_rate": 0.01, "seconds": 150},
    )
    smoke = Form(*quick.bars, seeds=(0,), few_seeds="for every test run", settings=quick.settings)
    full = Form(*quick.bars)

    def measure(self, run: Run) -> dict[str, float]:
        slow, fast = (self.neuron(rate, run.seed) for rate in run.track(RATES, "rates of inputs"))
        frozen = [self.neuron(rate, run.seed, learns=False) for rate in RATES]
        run.draw("weights", lambda axes: plot(axes, slow.weights, fast.weights))
        return {
            "weights near a bound": near_bound(fast.weights),
            "weights near a bound, no learning": near_bound(frozen[1].weights),
            "strong weights at 10 Hz / at 40 Hz": float(np.mean(slow.weights > 0.5) / np.mean(fast.weights > 0.5)),
            "rates at 40 Hz / at 10 Hz": fast.rate / slow.rate,
            "rates at 40 Hz / at 10 Hz, no learning": frozen[1].rate / frozen[0].rate,
            "rate at 40 Hz": fast.rate,
            "rate at 10 Hz": slow.rate,
            "CV of intervals": (fast.cv + slow.cv) / 2,
        }

    def neuron(self, rate: float, seed: int, *, learns: bool = True) -> Found:
        """A neuron with inputs of this rate: rate and CV of the last fifth of the time, weights at the end."""
        nw = sl.network
        net = nw.Network(dt=0.5, seed=seed, threads=1)
        cell = net.population(1, conductances(), name="cell", initial={"v": -60.0})
        inputs = net.population(1000, nw.Poisson(rate), name="inputs")
        every = nw.rules.AllToAll()
        depression = 1.05 * self.learning_rate
        rule = sl.plasticity.STDP(a_plus=self.learning_rate, a_minus=depression, w_max=HIGHEST)
        weights = nw.Uniform(0.0, HIGHEST)
        synapses: Any = net.connect(inputs, cell, every, weight=weights, delay=0.5, receptor="exc", plasticity=rule)
        inhibitory = net.population(200, nw.Poisson(10.0), name="inhibitory inputs")
        net.connect(inhibitory, cell, every, weight=INHIBITION, delay=0.5, receptor="inh")
        synapses.learning.on = learns
        if learns:
            net.run(800.0 * self.seconds, progress=False)
        net.record(cell)
        spikes = net.run(200.0 * self.seconds if learns else 10_000.0, progress=False)["cell"].spikes
        return Found(spikes.rate, float(nw.analysis.cv(spikes)[0]), synapses.synapses().weight / HIGHEST)


def conductances() -> sl.neurons.Neuron:
    """Leaky neuron with conductances of 5 ms. Source: the paper's methods."""
    exc, inh = (sl.synapses.Conductance(sl.synapses.Exponential(tau_syn=5.0), e_rev=e) for e in (0.0, -70.0))
    lif = sl.LIF(tau_mem=20.0, v_rest=-70.0, v_th=-54.0, v_reset=-60.0, integrator=sl.neurons.ExponentialEuler())
    return sl.synapses.Receptors(lif, exc=exc, inh=inh)


def near_bound(weights: np.ndarray) -> float:
    """Share of weights within 10 % of a bound."""
    return float(np.mean((weights < 0.1) | (weights > 0.9)))


def plot(axes: Any, slow: np.ndarray, fast: np.ndarray) -> None:
    for weights, rate in zip((slow, fast), RATES, strict=True):
        axes.hist(weights, bins=np.linspace(0.0, 1.0, 21), histtype="step", label=f"inputs of {rate:.0f} Hz")
    axes.set_xlabel("weight / highest weight")
    axes.set_ylabel("synapses")
    axes.legend(frameon=False)
