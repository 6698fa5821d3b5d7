"""Small circuits: the motifs of excitation and inhibition that larger networks are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...neurons import LIF, Noisy, Refractory
from ...synapses import Delta, Exponential, Receptors
from ..devices import DirectCurrent, Poisson, Sinusoid, SpikeTimes
from ..distributions import Uniform
from ..network import Network
from ..rules import AllToAll, Explicit, FixedInDegree, OneToOne
from .model import Model, setting


@dataclass(frozen=True, kw_only=True)
class FeedForwardExcitation(Model):
    """Convergent excitation: what inputs have in common adds up, their noise averages out.

    Noisy sources follow one sinusoidal signal. Each cell of the layer sums `fan_in` of them, with weights of 1/fan_in
    in all; its potential has no threshold. The ratio of the power of signal and noise grows as fan_in.
    `SynfireChain` is such layers one after the other, with spikes.

    Source: the motif is that of textbooks, for example Shepherd 2004, "The synaptic organization of the brain".
    """

    fan_in: int = setting(16, "sources that a cell sums", at_least=1)
    sources: int = setting(2000, "noisy neurons", at_least=1)
    cells: int = setting(50, "cells of the layer", at_least=1)
    frequency: float = setting(5.0, "of the signal", "Hz", at_least=0.0)

    source = "textbooks"

    def fill(self, net: Network) -> None:
        noisy = Refractory(Receptors(LIF(tau_mem=10.0), exc=Delta()), t_ref=2.0)
        sources = net.population(self.sources, noisy, name="sources", initial={"v": Uniform(0.0, 1.0)})
        summing = Receptors(LIF(tau_mem=20.0, v_th=float("inf")), exc=Exponential(tau_syn=5.0))
        layer = net.population(self.cells, summing, name="layer")
        net.connect(Poisson(Sinusoid(2000.0, 1000.0, self.frequency)), sources, weight=0.05, delay=net.dt)
        net.connect(sources, layer, FixedInDegree(self.fan_in), weight=20.0 / self.fan_in)
        net.record(sources)


@dataclass(frozen=True, kw_only=True)
class FeedbackInhibition(Model):
    """Feedback inhibition: excitatory neurons drive inhibitory ones, which hold them back: gain control and gamma.

    400 excitatory and 100 inhibitory neurons, each with a Poisson drive of its own. Excitatory neurons excite each
    other, so that without inhibition they fire as fast as refractoriness allows. With inhibition their rate grows less
    with the drive, and the loop oscillates with a period of a few times its delay and synaptic time constant.

    Source: the motif is that of textbooks; the rhythm, Whittington, Traub and Jefferys 1995, Nature 373:612.
    """

    feedback: float = setting(1.0, "strength of inhibition, 0 without", at_least=0.0)
    drive: float = setting(5000.0, "of excitatory neurons", "spikes/s", at_least=0.0)
    delay: float = setting(1.5, "of all synapses", "ms", at_least=0.0)
    tau_inhibition: float = setting(6.0, "time constant of inhibition", "ms", at_least=0.1)

    source = "textbooks"

    def fill(self, net: Network) -> None:
        lif = Receptors(LIF(tau_mem=20.0), exc=Exponential(tau_syn=2.0), inh=Exponential(tau_syn=self.tau_inhibition))
        e = net.population(400, Refractory(lif, t_ref=2.0), name="E", initial={"v": Uniform(0.0, 1.0)})
        lif = Receptors(LIF(tau_mem=10.0), exc=Exponential(tau_syn=1.0))
        i = net.population(100, Refractory(lif, t_ref=1.0), name="I", initial={"v": Uniform(0.0, 0.5)})
        net.connect(Poisson(self.drive), e, weight=0.2, receptor="exc")
        net.connect(e, e, FixedInDegree(40), weight=0.2, delay=self.delay, receptor="exc")
        net.connect(e, i, FixedInDegree(40), weight=0.7, delay=self.delay)
        if self.feedback:
            net.connect(i, e, FixedInDegree(40), weight=-0.1 * self.feedback, delay=self.delay, receptor="inh")
        net.record(e)
        net.record(i)


@dataclass(frozen=True, kw_only=True)
class FeedForwardInhibition(Model):
    """Feed-forward inhibition: an input excites a cell and, a little later, inhibits it: coincidences are detected.

    Pairs of a cell and an inhibitory neuron get two input spikes, `-window` to `window` ms apart, one pair for each
    interval and copy. Two inputs make the cell fire if the second comes before the effect of the first is gone: after
    many milliseconds without inhibition, after a few with it.

    Source: Pouille and Scanziani 2001, Science 293:1159, the motif; numbers are ours.
    """

    inhibition: float = setting(1.0, "strength of inhibition, 0 without", at_least=0.0)
    window: int = setting(30, "longest interval", "ms", at_least=1)
    copies: int = setting(50, "cells for each interval", at_least=1)

    duration: ClassVar[float] = 120.0
    settling: ClassVar[float] = 0.0
    source = "Pouille and Scanziani 2001, Science 293:1159"

    @property
    def intervals(self) -> np.ndarray:
        """Of each cell, in ms."""
        return np.repeat(np.arange(-self.window, self.window + 1), self.copies).astype(np.float64)

    def fill(self, net: Network) -> None:
        intervals = self.intervals
        count, middle = len(intervals), 50.0 + self.window / 2
        cell = Receptors(LIF(tau_mem=20.0), exc=Exponential(tau_syn=1.0), inh=Exponential(tau_syn=5.0))
        cells = net.population(count, Noisy(Refractory(cell, t_ref=5.0), sigma=0.05), name="cells")
        gate = Refractory(Receptors(LIF(tau_mem=5.0), exc=Exponential(tau_syn=1.0)), t_ref=2.0)
        gates = net.population(count, gate, name="gates")
        for number, sign in enumerate((-0.5, 0.5)):
            times = np.rint((middle + sign * intervals) / net.dt) * net.dt
            inputs = net.population(count, SpikeTimes([[t] for t in times]), name=f"input {number}")
            net.connect(inputs, cells, OneToOne(), weight=14.0, delay=1.0, receptor="exc")
            net.connect(inputs, gates, OneToOne(), weight=12.0, delay=1.0)
        if self.inhibition:
            net.connect(gates, cells, OneToOne(), weight=-self.inhibition * 4.0, delay=2.0, receptor="inh")
        net.record(cells)
        net.record(gates)


@dataclass(frozen=True, kw_only=True)
class LateralInhibition(Model):
    """Lateral inhibition: neurons in a row inhibit their neighbours, so that edges stand out and likenesses fade.

    Each neuron has a current: 1.5 in the left half and 2.5 in the right one, or a bump around `centre`. It inhibits its
    neighbours up to `reach` away; the last is the first one's neighbour. At the step, the first neurons of the bright
    side fire more than those within it, the last ones of the dark side less: Mach bands. Responses to two bumps are
    less alike than the bumps.

    Source: Hartline and Ratliff 1957, J. Gen. Physiol. 40:357, the motif; numbers are ours.
    """

    strength: float = setting(1.0, "of inhibition, 0 without", at_least=0.0)
    reach: int = setting(8, "farthest neighbour that is inhibited", at_least=1)
    size: int = setting(200, "neurons", at_least=20)
    centre: float | None = setting(None, "of a bump instead of the step", kind=float)

    duration: ClassVar[float] = 2000.0
    source = "Hartline and Ratliff 1957, J. Gen. Physiol. 40:357"

    def current(self) -> np.ndarray:
        """Of each neuron."""
        x = np.arange(self.size)
        if self.centre is None:
            return np.where(x < self.size // 2, 1.5, 2.5)
        return np.asarray(1.2 + 1.5 * np.exp(-((x - self.centre) ** 2) / (2 * (0.1 * self.size) ** 2)))

    def fill(self, net: Network) -> None:
        lif = LIF(tau_mem=20.0)
        cell = Receptors(lif, inh=Exponential(tau_syn=10.0), keep_input=True)
        row = net.population(self.size, Refractory(cell, t_ref=2.0), name="row", initial={"v": Uniform(0.0, 1.0)})
        net.connect(DirectCurrent(self.current()), row)
        if self.strength:
            x = np.arange(self.size)
            apart = (x[:, None] - x[None, :] + self.size // 2) % self.size - self.size // 2
            pre, post = np.nonzero((np.abs(apart) <= self.reach) & (apart != 0))
            weight = -0.8 * self.strength / self.reach
            net.connect(row, row, Explicit(pre, post), weight=weight, delay=1.0, receptor="inh")
        net.record(row)


@dataclass(frozen=True, kw_only=True)
class WinnerTakeAll(Model):
    """Winners take all: neurons race to threshold; when `winners` have spiked, a neuron inhibits all that have not.

    Each neuron spikes once at most, the earlier the larger its current. The inhibitory neuron counts: its potential
    rises by 1 with each spike and its threshold is `winners`. The neurons with the largest currents are those that
    spike, exactly as many as there are to be, if no other reaches its threshold within two delays of the last.

    Source: Maass 2000, Neural Computation 12:2519, k-winner-take-all as a computation; the circuit is a textbook's.
    """

    winners: int = setting(1, "neurons that may spike", at_least=1)
    size: int = setting(20, "neurons", at_least=2, at_most=40)
    inhibition: float = setting(1000.0, "strength of inhibition, 0 without", at_least=0.0)

    duration: ClassVar[float] = 100.0
    settling: ClassVar[float] = 0.0
    source = "Maass 2000, Neural Computation 12:2519"

    def current(self, net: Network) -> np.ndarray:
        """Of each neuron: evenly spaced, in a random order."""
        random = np.random.default_rng(net.seed)
        return random.permutation(np.linspace(1.1, 2.0, self.size))

    def fill(self, net: Network) -> None:
        cell = Receptors(LIF(tau_mem=20.0), inh=Delta(), keep_input=True)
        racers = net.population(self.size, Refractory(cell, once=True), name="racers")
        # Without leak to speak of.
        counting = Receptors(LIF(tau_mem=1e6, v_th=self.winners - 0.5), exc=Delta())
        counter = net.population(1, Refractory(counting, once=True), name="counter")
        net.connect(DirectCurrent(self.current(net)), racers)
        net.connect(racers, counter, AllToAll(), weight=1.0, delay=net.dt)
        if self.inhibition:
            net.connect(counter, racers, AllToAll(), weight=-self.inhibition, delay=net.dt, receptor="inh")
        net.record(racers)
        net.record(counter)
