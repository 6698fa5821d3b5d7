"""The synfire chain: packets of spikes that travel from group to group."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ...neurons import LIF, Noisy, Refractory
from ...synapses import Alpha, Receptors
from ..devices import PulsePacket
from ..network import Network
from ..rules import AllToAll
from .model import Expected, Model, setting

_TAU_PSP = 0.325
# What the background adds to the second variable of the alpha function: mV/ms, and mV per root of a millisecond.
_DRIFT, _DIFFUSION = 25.27, 39.24
_WEIGHT = 4.86


@dataclass(frozen=True, kw_only=True)
class SynfireChain(Model):
    """Synfire chain of Diesmann, Gewaltig and Aertsen 1999: packets become sharp, or die out.

    Groups of neurons, all to all from each to the next. A packet of `spikes` spikes with a standard deviation of
    `spread` ms arrives at the first group at 50 ms. tau_mem dv/dt = v_rest - v + x, tau dx/dt = y - x,
    tau dy/dt = -y + tau (25.27 mV/ms + 39.24 mV/sqrt(ms) xi), tau = 0.325 ms; a spike adds 4.86 mV to y. The mean of
    the background is put into the resting potential, -70 + 25.27 tau mV, where neurons begin. A packet of 85 spikes and
    1 ms passes through all groups and gets as sharp as 0.3 to 0.6 ms; one of 50 spikes and 3 ms does not.

    Source: Diesmann, Gewaltig and Aertsen 1999, Nature 402:529; parameters of Brian2's example.

    >>> SynfireChain(groups=5).size
    500
    """

    groups: int = setting(10, "groups of the chain", at_least=1)
    width: int = setting(100, "neurons of a group", at_least=1)
    spikes: int = setting(85, "spikes of the packet", at_least=0)
    spread: float = setting(1.0, "standard deviation of the packet", "ms", at_least=0.0, at_most=7.0)
    delay: float = setting(5.0, "from group to group", "ms", at_least=0.0)

    duration: ClassVar[float] = 150.0
    settling: ClassVar[float] = 0.0
    # When the packet arrives, in ms.
    arrival: ClassVar[float] = 50.0
    source = "Diesmann, Gewaltig and Aertsen 1999, Nature 402:529"

    @property
    def size(self) -> int:
        """Neurons of the chain."""
        return self.groups * self.width

    @property
    def expected(self) -> Mapping[str, Expected]:
        """None: what counts is the packet."""
        return {}

    def fill(self, net: Network) -> None:
        # Alpha scales its second variable: y = e h.
        lif = LIF(tau_mem=10.0, v_rest=-70.0 + _DRIFT * _TAU_PSP, v_reset=-70.0, v_th=-55.0)
        neuron = Refractory(Receptors(lif, exc=Alpha(tau_syn=_TAU_PSP)), t_ref=1.0)
        noisy = Noisy(neuron, sigma=_DIFFUSION * math.sqrt(net.dt) / math.e)
        chain = net.population(self.size, noisy, name="chain")
        weight, w = _WEIGHT / math.e, self.width
        for g in range(self.groups - 1):
            pre, post = chain[g * w : (g + 1) * w], chain[(g + 1) * w : (g + 2) * w]
            net.connect(pre, post, AllToAll(), weight=weight, delay=self.delay)
        if self.spikes:
            packet = net.population(self.spikes, PulsePacket(time=self.arrival, sd=self.spread), name="packet")
            net.connect(packet, chain[:w], AllToAll(), weight=weight, delay=0.0)
        net.record(chain)
