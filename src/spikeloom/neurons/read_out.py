"""Read-outs: neurons that do not spike."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Param, State
from .neuron import Neuron


class LeakyIntegrator(Neuron):
    """Leaky integrator, the usual read-out: tau_mem dv/dt = v_rest - v + r i. Its output is v; it never spikes.

    Shapes: [T, B, *features] to potentials of the same shape. Units: time in ms, potential and current without unit.
    Source: Gerstner et al. 2014, "Neuronal dynamics", eq. 1.5; as a read-out Bellec et al. 2020, eq. 11.

    >>> import torch, spikeloom as sl
    >>> sl.LeakyIntegrator(tau_mem=10.0)(torch.ones(3, 1, 1)).flatten()
    tensor([0.0952, 0.1813, 0.2592])
    """

    tau_mem = Param(20.0, "ms", "membrane time constant", low=0.0)
    v_rest = Param(0.0, "1", "resting potential")
    r = Param(1.0, "1", "membrane resistance", low=0.0)
    i = Input("1", "summed synaptic current")
    v = State("v_rest", "1", "membrane potential", held=True)

    output = "v"
    family = "read-out"

    def derivative(self) -> dict[str, Tensor]:
        return {"v": (self.v_rest - self.v + self.r * self.i) / self.tau_mem}
