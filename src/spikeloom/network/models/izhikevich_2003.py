"""Izhikevich's network of a thousand cortical neurons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...neurons import Integrator, Izhikevich, Neuron, Noisy
from ..distributions import Uniform
from ..network import Network
from ..rules import AllToAll
from .model import Expected, Model, setting

_NET = "the paper's program in NumPy, 20 seeds"


class HalfSteps(Integrator):
    """Izhikevich's programs: Euler for v in two steps of dt/2, then for u in one of dt with the new v.

    Source: Izhikevich 2003, IEEE Trans. Neural Networks 14(6), the program in the text.
    """

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        now = neuron
        for _ in range(2):
            now = now.bind({"v": now.value("v") + 0.5 * now.dt * now.slopes()["v"]})
        return {"v": now.value("v"), "u": now.value("u") + now.dt * now.slopes()["u"]}


@dataclass(frozen=True, kw_only=True)
class Izhikevich2003(Model):
    """Izhikevich's network of 2003: 1000 neurons, all to all, driven by noise; alpha and gamma rhythms.

    Regular spiking to chattering excitatory and fast to low-threshold spiking inhibitory neurons; weights uniform in
    (0, 0.5) and (-1, 0); each millisecond a normal current of standard deviation 5 and 2. The steps are those of the
    paper's program: a neuron whose v has reached 30 acts on all others in the next step. At another size, weights are
    larger as neurons are fewer. Over twenty seeds the program has 7533 spikes in its first second, with a standard
    deviation of 166: 7.58 spikes/s (E, 0.18) and 7.33 (I, 0.24). Versions with one Euler step of 1 ms have other rates.

    Source: Izhikevich 2003, IEEE Trans. Neural Networks 14(6):1569.

    >>> Izhikevich2003().expected["E"].rate
    7.58
    """

    size: int = setting(1000, "neurons, of which a fifth are inhibitory", at_least=5)
    coupling: float = setting(1.0, "factor on all weights", at_least=0.0)

    dt: ClassVar[float] = 1.0
    settling: ClassVar[float] = 0.0
    source = "Izhikevich 2003, IEEE Trans. Neural Networks 14(6):1569"

    @property
    def expected(self) -> Mapping[str, Expected]:
        """Rates of the paper's program."""
        if self.size != 1000 or self.coupling != 1.0:
            return {}
        return {"E": Expected(7.58, 0.08, _NET), "I": Expected(7.33, 0.11, _NET)}

    def fill(self, net: Network) -> None:
        inhibitory = self.size // 5
        cell = Izhikevich(dt=net.dt, v_0=-65.0, integrator=HalfSteps())
        e = net.population(self.size - inhibitory, Noisy(cell, sigma=5.0), name="E")
        i = net.population(inhibitory, Noisy(cell, sigma=2.0), name="I")
        r = net.drawn(Uniform(0.0, 1.0), e)
        e["c"], e["d"] = -65.0 + 15.0 * r**2, 8.0 - 6.0 * r**2
        e["u"] = 0.2 * -65.0
        r = net.drawn(Uniform(0.0, 1.0), i)
        i["a"], i["b"], i["d"] = 0.02 + 0.08 * r, 0.25 - 0.05 * r, 2.0
        i["u"] = (0.25 - 0.05 * r) * -65.0
        if self.coupling:
            strength = self.coupling * 1000.0 / self.size
            for post in (e, i):
                # A delay of 0 is the shortest: what spikes in one step is input of the next.
                net.connect(e, post, AllToAll(), weight=Uniform(0.0, 0.5 * strength), delay=0.0)
                net.connect(i, post, AllToAll(), weight=Uniform(-strength, 0.0), delay=0.0)
        net.record(e)
        net.record(i)
