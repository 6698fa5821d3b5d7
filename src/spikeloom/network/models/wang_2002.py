"""Wang's network that decides between two stimuli."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor

from ...neurons import LIF, ExponentialEuler, Neuron, Refractory
from ...parameters import Input, Param, State
from ...synapses import NMDA, Conductance, Exponential, Receptors
from ...synapses.reversal import Reversal
from .._seeds import DEVICE, subseed
from ..devices import Piecewise, Poisson
from ..distributions import Uniform
from ..network import Network
from ..population import Population
from ..rules import AllToAll, OneToOne
from .model import Expected, Model, setting

# Milliseconds from a spike to its effect, and the part of it after the release from a terminal.
_DELAY, _RELEASE = 0.5, 0.3
# Conductances of AMPA, NMDA and GABA receptors and of AMPA receptors from outside, nS.
_EXCITATORY, _INHIBITORY = (0.05, 0.165, 1.3, 2.1), (0.04, 0.13, 1.0, 1.62)
# Milliseconds after which the rates of the stimuli change.
_REDRAWN = 50.0
# Share of excitatory neurons that prefer one stimulus.
_SELECTIVE = 0.15


class SummedNMDA(Reversal):
    """NMDA receptors that add up what `NMDATerminal`s release: i = g B(v) (e_rev - v), tau_decay dg/dt = -g.

    Units: ms, mV, mM, nS. Source: Wang 2002, Neuron 36:955; block as in `NMDA`.
    """

    tau_decay = Param(100.0, "ms", "decay time constant", low=0.0)
    mg = Param(1.0, "mM", "magnesium concentration outside", at_least=0.0)
    g = State(0.0, "nS", "conductance without block")

    # The formula is written once.
    block = cast("Callable[[Any], Tensor]", NMDA.block)

    def deliver(self) -> dict[str, Tensor]:
        return {"g": self.g + self.arriving}

    def derivative(self) -> dict[str, Tensor]:
        return {"g": -self.g / self.tau_decay}

    def conductance(self) -> Tensor:
        return self.g * self.block()


class NMDATerminal(Neuron):
    """What a presynaptic neuron releases onto NMDA receptors, in quanta: its spikes are the quanta.

    Each spike that arrives adds 1 to x: dx/dt = -x / tau_rise. It opens a share s of receptors, which saturate:
    ds/dt = -s / tau_decay + alpha x (1 - s). What opens adds up, and leaves as quanta, at most one in a step. Receptors
    that add the quanta up and decay with tau_decay, as `Exponential` does, have the sum of the s of all terminals, but
    for less than a quantum each that has not left yet. So s, which belongs to the presynaptic neuron, need not be
    looked up by each of its targets.

    With alpha dt > quantum more may open in a step than leaves, which then comes later. Units: ms.
    Source: Wang 2002, Neuron 36:955, for s and x; that they are sent in quanta is ours.
    """

    alpha = Param(0.5, "1/ms", "how fast a spike opens receptors", at_least=0.0)
    tau_rise = Param(2.0, "ms", "rise time constant", low=0.0)
    tau_decay = Param(100.0, "ms", "decay time constant", low=0.0)
    quantum = Param(0.1, "1", "share of a terminal's receptors that a spike of it opens", low=0.0)
    arriving = Input("1", "spikes of the presynaptic neuron", span=(0.0, 1.0))
    x = State(0.0, "1", "transmitter")
    opened = State(0.0, "1", "share of receptors that are open, s")
    due = State(0.0, "1", "share that has opened and not left as a quantum")

    def deliver(self) -> dict[str, Tensor]:
        return {"x": self.x + self.arriving}

    def charge(self) -> dict[str, Tensor]:
        # What x opens within the step, all else at its beginning.
        more = self.alpha * self.tau_rise * -torch.expm1(-self.dt / self.tau_rise) * self.x * (1 - self.opened)
        return {
            "x": torch.exp(-self.dt / self.tau_rise) * self.x,
            "opened": torch.exp(-self.dt / self.tau_decay) * self.opened + more,
            "due": self.due + more,
        }

    def threshold(self) -> Tensor:
        return self.due - self.quantum

    def reset(self) -> dict[str, Tensor]:
        return {"due": self.due - self.quantum}


@dataclass(frozen=True, kw_only=True)
class Wang2002(Model):
    """Wang's network of 2002 that decides which of two stimuli is stronger: slow reverberation, winner takes all.

    1600 excitatory and 400 inhibitory neurons, all to all. 15 % of the excitatory neurons prefer stimulus A, as many B,
    the others, N, neither. Within A and within B, synapses are `w_plus` times stronger, and weaker in between, so that
    the mean stays. All get background spikes at 2400/s. From `onset` on, neurons of A and B get 40/s more, times
    1 + c and 1 - c, c the coherence, for 10 s; both rates are drawn anew every 50 ms, with a standard deviation of 4/s.

    NMDA receptors saturate by presynaptic neuron, see `NMDATerminal`: there is one for each excitatory neuron. At
    another size, conductances are those of the same total.

    Source: Wang 2002, Neuron 36:955.

    >>> Wang2002(coherence=12.8).rates()
    (45.12, 34.88)
    """

    size: int = setting(2000, "neurons, of which a fifth are inhibitory", at_least=50)
    coherence: float = setting(12.8, "by which A gets more than B", "%", at_least=-100.0, at_most=100.0)
    w_plus: float = setting(1.7, "weight within A and within B, 1 without structure", at_least=0.0, at_most=6.0)
    strength: float = setting(40.0, "rate of the stimuli without coherence", "spikes/s", at_least=0.0)
    fluctuation: float = setting(4.0, "standard deviation of the rates of stimuli", "spikes/s", at_least=0.0)
    onset: float = setting(500.0, "when the stimuli begin", "ms", at_least=0.0)

    dt: ClassVar[float] = 0.1
    duration: ClassVar[float] = 2500.0
    settling: ClassVar[float] = 0.0
    source = "Wang 2002, Neuron 36:955"

    @property
    def expected(self) -> Mapping[str, Expected]:
        """None: rates are those of a decision, which differs from run to run."""
        return {}

    def rates(self) -> tuple[float, float]:
        """Mean rates of the two stimuli, in spikes/s."""
        c = self.coherence / 100.0
        return round(self.strength * (1 + c), 10), round(self.strength * (1 - c), 10)

    def groups(self) -> dict[str, int]:
        """Sizes of the populations."""
        excitatory = self.size - self.size // 5
        selective = round(_SELECTIVE * excitatory)
        return {"A": selective, "B": selective, "N": excitatory - 2 * selective, "I": self.size // 5}

    def weight(self, pre: str, post: str) -> float:
        """Relative strength of excitation."""
        if post not in "AB":
            return 1.0
        minus = 1.0 - _SELECTIVE * (self.w_plus - 1.0) / (1.0 - _SELECTIVE)
        return self.w_plus if pre == post else minus

    def fill(self, net: Network) -> None:
        made = {name: net.population(count, self.neuron(name), name=name) for name, count in self.groups().items()}
        terminals = {}
        for name in "ABN":
            released = net.population(len(made[name]), NMDATerminal(), name=f"terminals of {name}")
            # As after many spikes, so that what was released is s on average from the beginning.
            released["due"] = Uniform(0.0, released["quantum"])
            terminals[name] = released
            net.connect(made[name], terminals[name], OneToOne(), delay=_DELAY - _RELEASE)
        excitatory = self.size - len(made["I"])
        for name, post in made.items():
            ampa, nmda, gaba, background = _INHIBITORY if name == "I" else _EXCITATORY
            for source in "ABN":
                share = 1600 / excitatory * self.weight(source, name)
                net.connect(made[source], post, AllToAll(), weight=ampa * share, delay=_DELAY, receptor="ampa")
                quantum = nmda * share * terminals[source]["quantum"]
                net.connect(terminals[source], post, AllToAll(), weight=quantum, delay=_RELEASE, receptor="nmda")
            net.connect(made["I"], post, AllToAll(), weight=gaba * 400 / len(made["I"]), delay=_DELAY, receptor="gaba")
            net.connect(Poisson(2400.0), post, weight=background, receptor="ampa")
            net.record(post)
            post["v"] = -52.0
        self.stimulate(net, made)

    def stimulate(self, net: Network, made: Mapping[str, Population]) -> None:
        """More background for A and B; independent runs of a batch share its slow fluctuations."""
        random = np.random.default_rng(subseed(net.seed, DEVICE, 1 << 20))
        times = [self.onset + _REDRAWN * k for k in range(200)]
        for name, rate in zip("AB", self.rates(), strict=True):
            rates = rate + self.fluctuation * random.standard_normal(len(times))
            drive = Poisson(Piecewise(times, np.maximum(rates, 0.0)))
            net.connect(drive, made[name], weight=2.1, receptor="ampa")

    def neuron(self, name: str) -> Neuron:
        """Of a population, with three receptors."""
        c_mem, g_leak, t_ref = (200.0, 20.0, 1.0) if name == "I" else (500.0, 25.0, 2.0)
        lif = LIF(
            tau_mem=c_mem / g_leak, r=1 / g_leak, v_rest=-70.0, v_th=-50.0, v_reset=-55.0, integrator=ExponentialEuler()
        )
        ampa, nmda = Conductance(Exponential(tau_syn=2.0), e_rev=0.0), SummedNMDA()
        gaba = Conductance(Exponential(tau_syn=5.0), e_rev=-70.0)
        return Refractory(Receptors(lif, ampa=ampa, nmda=nmda, gaba=gaba), t_ref=t_ref)
