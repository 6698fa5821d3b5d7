"""Izhikevich's network with delays, in which groups of neurons repeat patterns of spike times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...compile import Table, native
from ...errors import ShapeError
from ...neurons import Izhikevich
from ...plasticity import DerivativeSTDP
from .._seeds import DEVICE, PROJECTION, subseed
from .._words import first_word, int32, int64, load, real_at, store, word
from ..devices import Device, Target
from ..network import Network
from ..rules import Explicit
from .izhikevich_2003 import HalfSteps
from .model import Expected, Model, setting

if TYPE_CHECKING:
    from .._engine import Engine
    from .._parts import Part, Unit


def add_to_one(table: Any, lo: Any, hi: Any, step: Any) -> None:
    """Add a current to one neuron, drawn among all that the table numbers."""
    inputs, current = real_at(load(table, 0)), load(real_at(load(table, 1)), 0)
    seed, count, first = word(load(table, 2)), load(table, 3), load(table, 4)
    drawn = (int64(first_word(seed, int32(0), int32(0), word(step))) * count) >> 32
    neuron = drawn - first
    if neuron >= lo and neuron < hi:
        store(inputs, neuron, load(inputs, neuron) + current)


@dataclass(frozen=True)
class OneOf(Device):
    """In each step a current into one neuron, drawn among `count`, of which the target has those from `first` on.

    Devices with the same key draw the same number, so that several populations share one current.
    """

    current_: float
    count: int
    first: int = 0
    key: int = 0
    current = True

    def verify(self, target: Target) -> None:
        """Only whole populations are numbered on."""
        if len(target.view) != target.view.population.size:
            raise ShapeError(target.name, expected="a whole population", got=repr(target.view))

    def units(self, engine: Engine, part: Part, target: Target, run: int) -> list[Unit]:
        from .._parts import Unit

        population = target.view.population
        table = Table(
            part.input_address(population, target.receptor, run), np.array([self.current_], dtype=engine.dtype),
            subseed(engine.network.seed, DEVICE, (1 << 20) + self.key, run), self.count, self.first,
        )  # fmt: skip
        return [Unit(native(add_to_one, engine.dtype), table, *part.bounds[population.number])]


@dataclass(frozen=True, kw_only=True)
class Polychronization(Model):
    """Izhikevich's network of 2006 with axonal delays: slow waves of synchronous spikes, until it learns.

    800 regular spiking and 200 fast spiking neurons, 100 targets each, none twice; inhibitory neurons only act on
    excitatory ones. Excitatory synapses have the weight 6 and delays of 1 to 20 ms, five of each; inhibitory ones -5
    and 1 ms. Each millisecond one neuron of all gets a current of 20. Weights are static, or with `learning` those of
    excitatory synapses follow `plasticity.DerivativeSTDP`, between 0 and 10.

    The delays are those of the paper's program, which counts 1 ms from a spike to the step after it: the network's
    delay is 1 ms shorter.

    Source: Izhikevich 2006, Neural Computation 18:245.

    >>> Polychronization().targets
    100
    """

    size: int = setting(1000, "neurons, of which a fifth are inhibitory", at_least=150)
    targets: int = setting(100, "targets of each neuron", at_least=1)
    excitation: float = setting(6.0, "weight of excitatory synapses", at_least=0.0)
    longest: int = setting(20, "longest delay", "ms", at_least=1, at_most=100)
    learning: bool = setting(False, "excitatory synapses learn")

    dt: ClassVar[float] = 1.0
    settling: ClassVar[float] = 0.0
    source = "Izhikevich 2006, Neural Computation 18:245"

    @property
    def expected(self) -> Mapping[str, Expected]:
        """None was published for weights that do not learn."""
        return {}

    def fill(self, net: Network) -> None:
        inhibitory = self.size // 5
        excitatory = self.size - inhibitory
        cell = {"dt": net.dt, "v_0": -65.0, "u_0": 0.2 * -65.0, "integrator": HalfSteps()}
        e = net.population(excitatory, Izhikevich.preset("RS", **cell), name="E")
        i = net.population(inhibitory, Izhikevich.preset("FS", **cell), name="I")
        pre, post, delay = self.excitatory_synapses(net.seed, excitatory)
        for target, first, last in ((e, 0, excitatory), (i, excitatory, self.size)):
            here = (post >= first) & (post < last)
            rule = Explicit(pre[here], post[here] - first)
            plasticity = DerivativeSTDP() if self.learning else None
            net.connect(e, target, rule, weight=self.excitation, delay=delay[here], plasticity=plasticity)
        net.connect(i, e, Explicit(*self.inhibitory_synapses(net.seed, excitatory, inhibitory)), weight=-5.0, delay=0.0)
        net.connect(OneOf(20.0, self.size), e)
        net.connect(OneOf(20.0, self.size, excitatory), i)
        net.record(e)
        net.record(i)

    def excitatory_synapses(self, seed: int, count: int) -> tuple[Any, Any, Any]:
        """Source, target among all, and delay of each synapse."""
        random = np.random.default_rng(subseed(seed, PROJECTION, 1 << 20))
        pre = np.repeat(np.arange(count), self.targets)
        # Among all but the neuron itself, which are numbered on without it.
        others = [random.choice(self.size - 1, self.targets, replace=False) for _ in range(count)]
        post = np.concatenate(others)
        post += post >= pre
        delay = np.tile(np.arange(self.targets) * self.longest // self.targets, count)
        return pre, post, delay.astype(np.float64)

    def inhibitory_synapses(self, seed: int, excitatory: int, count: int) -> tuple[Any, Any]:
        """Source and target of each synapse."""
        random = np.random.default_rng(subseed(seed, PROJECTION, (1 << 20) + 1))
        post = [random.choice(excitatory, self.targets, replace=False) for _ in range(count)]
        return np.repeat(np.arange(count), self.targets), np.concatenate(post)
