"""Electrical coupling of neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...compile import Table, native
from ...errors import ParameterError, UnknownNameError
from ...neurons import Neuron
from .._parts import Unit
from ..population import Population, View
from ..projection import Amount, Projection
from ..rules import Rule
from ._current_inputs import current_receptor
from ._gap_kernels import COUPLE, PUBLISH, couple, publish
from .device import Device, Target

if TYPE_CHECKING:
    from .._engine import Engine
    from .._parts import Part

# Projections have numbers below; random numbers of those that gap junctions are drawn with begin here.
_NUMBERS = 1 << 20


@dataclass(frozen=True)
class GapJunction:
    """Gap junctions, in the place of a rule: i = g (u - v) into each of two coupled neurons, u the other's potential.

    `connect(a, b, GapJunction(rule), weight=g)` couples the pairs that the rule draws, in both directions. Two neurons
    have one junction, the first that the rule draws, and none has one with itself. Potentials are those at the
    beginning of the step, for all neurons, and the current is constant in the step: dt must be small against the time
    constant c / g. Both sides need an input for currents, which `receptor` names where there are several.

    All threads meet in every step. Units: g in those of the input's current over those of the potential.
    Raises: ParameterError for g < 0, a delay, or neurons without potential; on several ranks.
    Source: Bennett 1966, Ann. N.Y. Acad. Sci. 137.

    >>> import spikeloom as sl
    >>> net = sl.network.Network(dt=0.1, seed=1)
    >>> cells = net.population(20, sl.LIF())
    >>> _ = net.connect(cells, cells, sl.network.GapJunction(sl.network.FixedInDegree(4)), weight=0.05)
    """

    rule: Rule
    potential: str = "v"

    def __post_init__(self) -> None:
        if not isinstance(self.rule, Rule):
            do = "for example GapJunction(AllToAll())"
            raise ParameterError("rule of GapJunction", expected="a rule of network.rules", got=repr(self.rule), do=do)

    def between(self, pre: View, weight: Amount) -> GapJunctions:
        """The device that couples others to these neurons."""
        return GapJunctions(self, pre, weight)


@dataclass(frozen=True, eq=False)
class GapJunctions(Device):
    """What `GapJunction` becomes when it is connected."""

    junction: GapJunction
    pre: View
    weight: Amount

    current = True
    longest_interval = 1

    def verify(self, target: Target) -> None:
        network, name = target.view.network, target.name
        if network.ranks.size > 1:
            do = "run this network in one process, on its threads"
            raise ParameterError(name, expected="all neurons in one process", got=f"{network.ranks.size} ranks", do=do)
        if target.delay:
            raise ParameterError(f"delay of {name}", expected="none: gap junctions act at once", got="one")
        for view in (self.pre, target.view):
            if not isinstance(view.population.neuron, Neuron) or self.junction.potential not in view.population.states:
                raise UnknownNameError(f"potential of {name}", self.junction.potential, view.population.states)
        current_receptor(name, self.pre.population, target.receptor if self._alike(target) else "")
        object.__setattr__(self, "_pairs", self._drawn(target))
        sizes = (network.batch, self.pre.population.size + target.population.size)
        real = str(network.dtype).removeprefix("torch.")
        # Potentials at the beginning of even steps and of odd ones: those of one population, then the other's.
        object.__setattr__(self, "_published", np.zeros((2, *sizes), dtype=real))

    def _alike(self, target: Target) -> bool:
        return target.receptor in self.pre.population.inputs

    def _drawn(self, target: Target) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Pairs of places among the potentials, and conductances: both directions, in the order of the first."""
        number = _NUMBERS + target.number
        drawing = Projection(
            number, target.name, self.pre, target.view, self.junction.rule, self.weight, target.view.network.dt, 0.0,
            target.receptor,
        )  # fmt: skip
        synapses = drawing.synapses()
        g = synapses.weight.astype(np.float64)
        if (g < 0).any():
            raise ParameterError(f"weight of {target.name}", expected="conductances >= 0", got=g[g < 0][0])
        shift = 0 if self.pre.population is target.population else self.pre.population.size
        a = self.pre.indices[synapses.pre]
        b = target.view.indices[synapses.post] + shift
        one, other = np.minimum(a, b), np.maximum(a, b)
        _, first = np.unique(one * (1 << 32) + other, return_index=True)
        first = first[one[first] != other[first]]
        one, other, g = np.r_[one[first], other[first]], np.r_[other[first], one[first]], np.r_[g[first], g[first]]
        order = np.lexsort((other, one))
        return one[order], other[order], g[order]

    def _sides(self, target: Target) -> list[tuple[Population, int, str]]:
        """Each population, where its potentials begin, and its input."""
        pre, post = self.pre.population, target.population
        if pre is post:
            return [(post, 0, target.receptor)]
        receptor = current_receptor(target.name, pre, target.receptor if self._alike(target) else "")
        return [(pre, 0, receptor), (post, pre.size, target.receptor)]

    def begin(self, target: Target, step: int) -> None:
        for population, place, _ in self._sides(target):
            published = self.__dict__["_published"][step & 1]
            published[:, place : place + population.size] = population.states[self.junction.potential]

    def units(self, engine: Engine, part: Part, target: Target, run: int) -> list[Unit]:
        """One kernel for each population."""
        found = []
        own, others, g = self.__dict__["_pairs"]
        even, odd = self.__dict__["_published"][:, run]
        for population, place, receptor in self._sides(target):
            low, high = part.bounds[population.number]
            edges = np.searchsorted(own, np.arange(low, high + 1) + place)
            table = Table.of(
                COUPLE, inputs=part.input_address(population, receptor, run), even=even, odd=odd, place=place,
                edges=edges, others=others, conductances=g.astype(engine.dtype),
            )  # fmt: skip
            if high > low:
                found.append(Unit(native(couple, engine.dtype), table, low, high))
        return found

    def late_units(self, engine: Engine, part: Part, target: Target, run: int) -> list[Unit]:
        """Tell the potentials at the end of the step."""
        found = []
        even, odd = self.__dict__["_published"][:, run]
        for population, place, _ in self._sides(target):
            low, high = part.bounds[population.number]
            states = population.states[self.junction.potential][run]
            table = Table.of(PUBLISH, potentials=states, even=even, odd=odd, place=place)
            found.append(Unit(native(publish, engine.dtype), table, low, high))
        return found
