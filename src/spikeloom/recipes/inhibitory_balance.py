"""Plasticity of inhibitory synapses that brings a recurrent network into balance, neuron by neuron."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import spikeloom as sl
from spikeloom.recipes import Absent, Bar, Form, Recipe, Reference, Run, setting

# Hz; nS; synapses on each neuron, of which a fifth are inhibitory.
TARGET, EXCITATION, INHIBITION, SYNAPSES = 3.0, 0.3, 3.0, 200.0


class Found(NamedTuple):
    """Of the excitatory neurons."""

    rates: np.ndarray
    cv: float


class InhibitoryBalance(Recipe):
    row, family = "2.10", "plasticity"
    title = "Balance of excitation and inhibition by plasticity"
    reference = Reference(
        "Vogels, Sprekeler, Zenke, Clopath and Gerstner",
        2011,
        "Inhibitory plasticity balances excitation and inhibition in sensory pathways and memory networks",
        "Science 334, 1569-1573",
        doi="10.1126/science.1211095",
    )
    claim = (
        "If inhibitory synapses grow where spikes nearly coincide and shrink by a constant at each own spike, "
        "every neuron of a recurrent network comes to fire at a target rate, irregularly and out of step."
    )
    shown = (
        "8000 excitatory and 2000 inhibitory neurons with the paper's values and a target of 3 Hz, for 60 s at a "
        "learning rate of ours; the quick form has 4000 neurons with as many synapses each. Inhibition of excitatory "
        "neurons begins at 0, where it stays in the control."
    )
    chance, control = Absent("a rate has none"), "rate without learning"

    neurons: int = setting(10_000, "of which a fifth are inhibitory", at_least=1000)
    learning_rate: float = setting(0.05, "change by a pair of spikes at one time", "nS", at_least=0.0)
    seconds: int = setting(60, "time of learning", "s", at_least=10)

    quick = Form(
        Bar("rate", between=(2.0, 4.0), unit="Hz", why="3 Hz to a third; the theory is for uncorrelated spikes"),
        Bar("CV of intervals", at_least=0.7, why="irregular: nearer to Poisson's 1 than to a clock's 0"),
        Bar("s.d. of rates, end / beginning", at_most=0.5, why="every neuron, and not only their mean, is drawn there"),
        settings={"neurons": 4000, "learning_rate": 0.1, "seconds": 30},
    )
    smoke = Form(*quick.bars, seeds=(0,), few_seeds="for every test run", settings=quick.settings)
    full = Form(*quick.bars)

    def measure(self, run: Run) -> dict[str, float]:
        over_time = self.learnt(run)
        first, last = over_time[1], over_time[-1]
        alone = next(self.simulated(run.seed, 0.0, [1000.0]))
        run.draw("rates", lambda axes: plot(axes, over_time))
        return {
            "rate": last.rates.mean(),
            "rate without learning": alone.rates.mean(),
            "CV of intervals": last.cv,
            "CV without learning": alone.cv,
            "s.d. of rates, end / beginning": last.rates.std() / first.rates.std(),
            "s.d. of rates": last.rates.std(),
        }

    def learnt(self, run: Run) -> list[Found]:
        """Ten times, one after the other; the last fifth is one piece."""
        durations = [100.0 * self.seconds] * 8 + [200.0 * self.seconds]
        pieces = self.simulated(run.seed, self.learning_rate, durations)
        return [next(pieces) for _ in run.track(durations, "pieces of time")]

    def simulated(self, seed: int, learning_rate: float, durations: list[float]) -> Any:
        """Activity in periods that follow each other."""
        nw = sl.network
        net = nw.Network(dt=0.1, seed=seed)
        count = self.neurons // 5
        e, i = (
            net.population(n, neuron(), name=name, initial={"v": nw.Uniform(-60.0, -50.0)})
            for n, name in ((self.neurons - count, "E"), (count, "I"))
        )
        pairs = nw.rules.Bernoulli(SYNAPSES / self.neurons, autapses=False)
        for target in (e, i):
            net.connect(nw.DirectCurrent(200.0), target, receptor="i")
            net.connect(e, target, pairs, weight=EXCITATION, delay=0.8, receptor="exc")
        net.connect(i, i, pairs, weight=INHIBITION, delay=0.8, receptor="inh")
        rule = sl.plasticity.InhibitorySTDP(eta=learning_rate, rho=TARGET, tau=20.0, w_max=100.0)
        net.connect(i, e, pairs, weight=0.0, delay=0.8, receptor="inh", plasticity=rule)
        net.record(e)
        for duration in durations:
            spikes = net.run(duration, progress=False)["E"].spikes
            rates = np.bincount(spikes.neurons, minlength=len(e)) / duration * 1e3
            yield Found(rates, float(np.nanmean(nw.analysis.cv(spikes))))


def neuron() -> sl.neurons.Neuron:
    """Leaky neuron, 200 pF, with conductances of 5 and 10 ms. Source: the paper's supplement."""
    decays = {"exc": (5.0, 0.0), "inh": (10.0, -80.0)}
    kinds: Any = {
        name: sl.synapses.Conductance(sl.synapses.Exponential(tau_syn=tau), e_rev=e)
        for name, (tau, e) in decays.items()
    }
    lif = sl.LIF(tau_mem=20.0, r=0.1, v_rest=-60.0, v_th=-50.0, v_reset=-60.0, integrator=sl.neurons.ExponentialEuler())
    return sl.Refractory(sl.synapses.Receptors(lif, **kinds, keep_input=True), t_ref=5.0)


def plot(axes: Any, found: list[Found]) -> None:
    for each, name in ((found[1], "after a tenth of the time"), (found[-1], "at the end")):
        axes.hist(each.rates, bins=np.linspace(0.0, 20.0, 41), histtype="step", label=name)
    axes.axvline(TARGET, color="grey", linewidth=0.8)
    axes.set_xlabel("rate of a neuron, Hz")
    axes.set_ylabel("neurons")
    axes.legend(frameon=False)
