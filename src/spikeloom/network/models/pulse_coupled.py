"""Pulse-coupled oscillators that switch between states of partial synchrony, controlled by small perturbations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import ParameterError, ShapeError
from ...neurons import LIF
from ...synapses import Delta, Receptors
from ..event_driven import EventDriven
from ..network import Network
from ..rules import AllToAll
from ..spike_trains import SpikeTrains
from .model import Model, setting

# Oscillators that spike within this share of a period are in one cluster.
_TOGETHER = 1e-6


class Switch(NamedTuple):
    """A state of two pairs and a single oscillator: the pair whose split heals, the one whose split switches, who is
    alone. When `single` is reset, the phase of `stable` is 0.54 and that of `unstable` 0.14.
    """

    stable: frozenset[int]
    unstable: frozenset[int]
    single: int

    def after(self, leader: int | None = None) -> Switch:
        """The state that follows when `leader` of the unstable pair is put ahead of the other: the one who lags joins
        the single one, and the leader is alone. The same state for a perturbation of the stable pair.

        >>> Switch(frozenset({0, 1}), frozenset({2, 3}), 4).after(leader=2)
        Switch(stable=frozenset({3, 4}), unstable=frozenset({0, 1}), single=2)
        """
        if leader is None or leader in self.stable:
            return self
        if leader not in self.unstable:
            raise ParameterError("leader", expected=f"one of {sorted(self.stable | self.unstable)}", got=leader)
        return Switch((self.unstable - {leader}) | {self.single}, self.stable, leader)


@dataclass(frozen=True, kw_only=True)
class PulseCoupled(Model):
    """Pulse-coupled oscillators with delay: states of clusters that small perturbations switch between.

    Each is a leaky integrate-and-fire neuron, v' = I - g v between 0 and 1, coupled to all others by pulses that raise
    v by `pulse` after `delay`: in phases, phi' = 1 / period and phi <- U^-1(U(phi) + pulse) with U(phi) = (I / g)
    (1 - exp(-g T phi)), T = ln(I / (I - g)) / g. Use `event_driven()`: what is simultaneous decides here.

    Raises: ParameterError. Source: Neves and Timme 2012, "Computation by switching in complex networks of states",
    Phys. Rev. Lett. 109; arXiv:2011.00888, whose claim these are; the parameters are not from there.

    With the default settings five of them settle in states of two pairs and one alone, `Switch`; splitting one of the
    pairs leads to another such state, splitting the other does not.

    >>> model = PulseCoupled()
    >>> net = model.event_driven()
    >>> model.start(net, [0.0, 0.14, 0.14, 0.54, 0.54])
    >>> _ = net.run(500.0)
    >>> before = model.observe(net)
    >>> before
    Switch(stable=frozenset({3, 4}), unstable=frozenset({1, 2}), single=0)
    >>> model.split(net, leader=1, follower=2)
    >>> _ = net.run(500.0)
    >>> model.observe(net) == before.after(leader=1)
    True
    """

    n: int = setting(5, "oscillators", at_least=2)
    current: float = setting(1.04, "I, the drive", at_least=0)
    leak: float = setting(1.0, "g, below I", at_least=1e-9)
    pulse: float = setting(0.025, "by how much a pulse raises the potential")
    delay: float = setting(0.49, "of pulses, as a share of the period", at_least=0)
    period: float = setting(10.0, "of an oscillator alone", "ms", at_least=1e-9)

    duration: ClassVar[float] = 1000.0
    source = "Neves and Timme, arXiv:2011.00888"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.leak < self.current:
            got = f"current = {self.current:g} and leak = {self.leak:g}"
            raise ParameterError("PulseCoupled", expected="leak < current, so that they oscillate", got=got)

    @property
    def tau_mem(self) -> float:
        """Membrane time constant, period / ln(I / (I - g)), in ms."""
        return self.period / math.log(self.current / (self.current - self.leak))

    def fill(self, net: Network) -> None:
        lif = LIF(tau_mem=self.tau_mem, v_rest=self.current / self.leak)
        cells = net.population(self.n, Receptors(lif, pulses=Delta()), name="oscillators", initial={"v": 0.0})
        net.connect(cells, cells, AllToAll(autapses=False), weight=self.pulse, delay=self.delay * self.period)
        net.record(cells)

    def event_driven(self, seed: int = 1) -> EventDriven:
        """A network of its own that goes from event to event: `build` makes one with a time step."""
        net = EventDriven(seed, together=1e-9 * self.period)
        self.fill(net)
        return net

    def phases(self, net: Network) -> NDArray[np.float64]:
        """Of all oscillators now: U^-1(v), 0 after the reset, 1 at the threshold."""
        v = np.asarray(net.populations[0]["v"])
        return np.asarray(-np.log1p(-v * self.leak / self.current) * self.tau_mem / self.period)

    def start(self, net: Network, phases: Sequence[float] | NDArray[np.float64]) -> None:
        """Set the phases of all oscillators: v = U(phi). Raises: ParameterError, ShapeError."""
        given = np.asarray(phases, dtype=np.float64)
        if given.shape != (self.n,):
            raise ShapeError("phases", expected=[self.n], got=list(given.shape))
        if not ((given >= 0) & (given < 1)).all():
            raise ParameterError("phases", expected="0 <= phase < 1", got=given)
        net.populations[0]["v"] = -self.current / self.leak * np.expm1(-given * self.period / self.tau_mem)

    def perturb(self, net: Network, shifts: Sequence[float] | NDArray[np.float64]) -> None:
        """Shift the phases of all oscillators, not below the reset nor up to the threshold."""
        self.start(net, np.clip(self.phases(net) + np.asarray(shifts), 0.0, 1 - 1e-12))

    def observe(self, net: EventDriven) -> Switch | None:
        """Run for a few periods, to a reset of the single oscillator; the state, or None if it has no such form."""
        trains = net.run(3 * self.period)["oscillators"].spikes
        groups = clusters(trains, self.period)
        if sorted(map(len, groups)) != [1, 2, 2]:
            return None
        (single,) = next(group for group in groups if len(group) == 1)
        resets = trains.times[trains.neurons == single]
        cycle = float(resets[-1] - resets[-2])
        # Pulses make it spike before its own time: stop behind them.
        net.run(until=float(resets[-1]) + cycle * (math.ceil((net.time - resets[-1]) / cycle) + _TOGETHER))
        now = self.phases(net)
        pairs = [frozenset(group) for group in groups if len(group) == 2]
        unstable, stable = sorted(pairs, key=lambda pair: float(now[list(pair)].min()))
        return Switch(stable, unstable, single)

    def split(self, net: EventDriven, leader: int, follower: int, by: float = 1e-3) -> None:
        """Put one oscillator ahead and another behind by a share of a period: the perturbation that switches."""
        shifts = np.zeros(self.n)
        shifts[leader], shifts[follower] = by, -by
        self.perturb(net, shifts)


def clusters(trains: SpikeTrains, period: float, together: float = _TOGETHER) -> list[list[int]]:
    """Neurons whose last spikes fall within `together` periods of each other, in the order of those spikes.

    >>> trains = SpikeTrains.of([[1.0, 11.0], [4.0, 14.0], [1.0, 11.0]], stop=20.0)
    >>> clusters(trains, period=10.0)
    [[0, 2], [1]]
    """
    last = {int(n): own[-1] for n in trains.recorded if len(own := trains.times[trains.neurons == n])}
    found: list[list[int]] = []
    for n in sorted(last, key=lambda n: (last[n], n)):
        if found and last[n] - last[found[-1][0]] <= together * period:
            found[-1].append(n)
        else:
            found.append([n])
    return found
