"""The recurrent network that discretises time, as it is after learning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ...neurons import LIF, AdEx, Neuron, Refractory, SequentialEuler, Wrapper
from ...parameters import Param, State
from ...synapses import Conductance, DoubleExponential, Receptors
from .._seeds import PROJECTION, subseed
from ..devices import Poisson
from ..distributions import Uniform
from ..network import Network
from ..rules import Bernoulli, Explicit
from .model import Expected, Model, setting

# Time constants of synapses: rise and decay, ms.
_EXCITATION, _INHIBITION = (1.0, 6.0), (0.5, 2.0)


def _peak(rise: float, decay: float) -> float:
    """Peak of (exp(-t/decay) - exp(-t/rise)) / (decay - rise), in 1/ms: nS for one pF."""
    t = rise * decay / (decay - rise) * np.log(decay / rise)
    return float((np.exp(-t / decay) - np.exp(-t / rise)) / (decay - rise))


class JumpingThreshold(Wrapper):
    """Sets the threshold to v_th + rise with each spike; it decays to v_th with tau_threshold.

    In exponential neurons the beginning of the upswing moves with it. The threshold of a step is that at its beginning.

    Units: ms, mV. Source: Clopath, Buesing, Vasilaki and Gerstner 2010, Nat. Neurosci. 13:344, methods.
    """

    tau_threshold = Param(30.0, "ms", "time constant of the threshold", low=0.0)
    rise = Param(10.0, "mV", "threshold after a spike, above that at rest", at_least=0.0)
    lift = State(0.0, "mV", "threshold above that at rest")

    @property
    def wrapped(self) -> Neuron:
        """The wrapped neuron with its threshold where it is."""
        bound = super().wrapped
        if "_bound" not in self.__dict__:
            return bound
        return bound.bind({"v_th": self.value("v_th") + self.lift})

    def charge(self) -> dict[str, Tensor]:
        return {**super().charge(), "lift": torch.exp(-self.dt / self.tau_threshold) * self.lift}

    def reset(self) -> dict[str, Tensor]:
        return {**super().reset(), "lift": self.rise}


@dataclass(frozen=True, kw_only=True)
class ClockNetwork(Model):
    """Recurrent clock network of Maes, Barahona and Clopath 2020 with weights as after learning: clusters take turns.

    Clusters of 80 adaptive exponential neurons with a threshold that rises with each spike, and 600 inhibitory
    neurons, however many clusters there are, since one of them spikes at a time; each pair of neurons has a synapse
    with probability 0.2. `within` is the weight in a cluster, `onward` that from each to the next, and from the last to
    the first; all others share what is left of the paper's mean weight before learning. A cluster spikes for some 10 ms
    until adaptation stops it, when the next has begun. With `onward` as weak as the others there is no order.

    The weights of the paper are learned; those here are set by hand, also that of inhibition.

    Source: Maes, Barahona and Clopath 2020, PLoS Comput. Biol. 16(1):e1007606; numbers as in the replication
    margo1999/mbc_replication.
    """

    clusters: int = setting(30, "clusters of 80 neurons", at_least=3)
    within: float = setting(25.0, "weight within a cluster", "pF", at_least=0.0)
    onward: float = setting(14.0, "weight from a cluster to the next", "pF", at_least=0.0)
    inhibition: float = setting(62.87, "weight from inhibitory to excitatory neurons", "pF", at_least=0.0)

    duration: ClassVar[float] = 2000.0
    settling: ClassVar[float] = 0.0
    cluster: ClassVar[int] = 80
    source = "Maes, Barahona and Clopath 2020, PLoS Comput. Biol. 16(1):e1007606"

    @property
    def expected(self) -> Mapping[str, Expected]:
        """None: what counts is the order of the clusters."""
        return {}

    @property
    def others(self) -> float:
        """Weight between clusters that do not follow one another: with 30 clusters the mean is 2.83 pF."""
        return max(0.0, (2.83 * 30 - self.within - self.onward) / 28)

    def fill(self, net: Network) -> None:
        count = self.clusters * self.cluster
        e = net.population(count, self.excitatory(), name="E", initial={"v": Uniform(-60.0, -52.0)})
        i = net.population(600, self.inhibitory(), name="I", initial={"v": Uniform(-60.0, -52.0)})
        exc, inh = _peak(*_EXCITATION), _peak(*_INHIBITION)
        pre, post, weight = self._excitation(net.seed)
        net.connect(e, e, Explicit(pre, post), weight=exc * weight, receptor="exc")
        net.connect(e, i, Bernoulli(0.2), weight=exc * 1.96, receptor="exc")
        net.connect(i, e, Bernoulli(0.2), weight=inh * self.inhibition, receptor="inh")
        net.connect(i, i, Bernoulli(0.2, autapses=False), weight=inh * 20.91, receptor="inh")
        net.connect(Poisson(4500.0), e, weight=exc * 1.6, receptor="exc")
        net.connect(Poisson(2250.0), i, weight=exc * 1.52, receptor="exc")
        net.record(e)
        net.record(i)

    def excitatory(self) -> Neuron:
        """Adaptive exponential neurons with a moving threshold."""
        adex = AdEx(
            c_mem=300.0, g_leak=15.0, v_rest=-70.0, v_reset=-60.0, v_th=-52.0, v_peak=20.0, delta_t=2.0,
            a=0.0, b=1000.0, tau_w=100.0, integrator=SequentialEuler(),
        )  # fmt: skip
        return Refractory(JumpingThreshold(self._receptors(adex)), t_ref=5.0)

    def inhibitory(self) -> Neuron:
        """Leaky integrate-and-fire neurons."""
        lif = LIF(tau_mem=20.0, r=1 / 15.0, v_rest=-62.0, v_reset=-60.0, v_th=-52.0, integrator=SequentialEuler())
        return Refractory(self._receptors(lif), t_ref=5.0)

    def _receptors(self, neuron: Neuron) -> Neuron:
        exc, inh = (DoubleExponential(tau_rise=r, tau_decay=d) for r, d in (_EXCITATION, _INHIBITION))
        return Receptors(neuron, exc=Conductance(exc, e_rev=0.0), inh=Conductance(inh, e_rev=-75.0))

    def _excitation(self, seed: int) -> tuple[Any, Any, Any]:
        """Source, target and weight (pF) of each synapse between excitatory neurons."""
        count = self.clusters * self.cluster
        random = np.random.default_rng(subseed(seed, PROJECTION, 1 << 20))
        pre, post = np.nonzero((random.random((count, count)) < 0.2) & ~np.eye(count, dtype=bool))
        step = (post // self.cluster - pre // self.cluster) % self.clusters
        return pre, post, np.where(step == 0, self.within, np.where(step == 1, self.onward, self.others))
