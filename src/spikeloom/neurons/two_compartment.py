"""A leaky integrate-and-fire soma with dendrites."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import D, Declared, Input, Option, Param, State
from ._membrane import Membrane


class Dendrite(Declared):
    """Abstract: the depolarisation that the soma sees of one in a dendrite; a subclass states `passed`."""

    def passed(self, depolarisation: Tensor) -> Tensor:
        """What the soma sees."""
        raise NotImplementedError(f"{type(self).__name__} states no passed(self, depolarisation)")


class PassiveDendrite(Dendrite):
    """The depolarisation itself."""

    def passed(self, depolarisation: Tensor) -> Tensor:
        return depolarisation


class SaturatingDendrite(Dendrite):
    """ceiling tanh(depolarisation / ceiling): one dendrite alone drives the soma no further than its ceiling does."""

    ceiling = Param(1.0, "1", "largest depolarisation that the soma sees", low=0.0)

    def passed(self, depolarisation: Tensor) -> Tensor:
        return self.ceiling * torch.tanh(depolarisation / self.ceiling)


class TwoCompartmentLIF(Membrane):
    """LIF soma and dendrites: tau_mem dv/dt = v_rest - v + g_soma sum_k (v_rest + f(u_k - v_rest) - v) + r i.

    In each dendrite k, tau_dend du_k/dt = v_rest - u_k + g_dend (v - u_k) + r_dend i_k. Spike where v >= v_th; the
    reset is that of `LIF` and leaves the dendrites as they are. f is the option `dendrite`: with the passive one the
    default integrator is exact; a saturating one needs ExponentialEuler(). `dendrites=2` is the three-compartment
    neuron. Its inputs are i, into the soma, and i_1, i_2, ..., one for each dendrite.

    A passive pair at rest has v / u = g_soma / (1 + g_soma) for input to the dendrite, u / v = g_dend / (1 + g_dend)
    for input to the soma, and the input resistance of the soma is r / (1 + g_soma / (1 + g_dend)).

    Shapes: inputs [T, B, *features], in the order i, i_1, ..., to spikes of the same shape. Units: time in ms,
    potential in units of v_th, conductances in units of the leak of the compartment that they load.
    Raises: ParameterError for no dendrite, TraceError for Exact() with a dendrite that is not passive.
    Source: Koch 1999, "Biophysics of computation", section 3.2, for the passive pair; the saturation is ours.

    >>> import torch, spikeloom as sl
    >>> soma, dendrite = torch.zeros(9, 1, 1), torch.full((9, 1, 1), 5.0)
    >>> sl.neurons.TwoCompartmentLIF(tau_mem=5.0)(soma, dendrite).flatten()
    tensor([0., 0., 0., 0., 0., 0., 0., 0., 1.])
    """

    tau_mem = Param(20.0, "ms", "time constant of the soma without dendrites", low=0.0)
    tau_dend = Param(10.0, "ms", "time constant of a dendrite without soma", low=0.0)
    g_soma = Param(1.0, "1", "coupling to a dendrite over the leak of the soma", at_least=0.0)
    g_dend = Param(0.5, "1", "coupling to the soma over the leak of a dendrite", at_least=0.0)
    r = Param(1.0, "1", "membrane resistance of the soma", low=0.0)
    r_dend = Param(1.0, "1", "membrane resistance of a dendrite", low=0.0)
    dendrites = Option(1, "number of dendrites")
    dendrite = Option[Dendrite](PassiveDendrite(), "what the soma sees of a dendrite")

    i = Input("1", "current into the soma", span=(-1.0, 6.0))

    family = "compartmental"

    def verify(self) -> None:
        """There is a dendrite."""
        if self.dendrites < 1:
            raise ParameterError("TwoCompartmentLIF", expected="dendrites >= 1", got=self.dendrites)
        super().verify()

    def _gather_anew(self, kind: type[D]) -> dict[str, D]:
        found: dict[str, D] = super()._gather_anew(kind)
        for k in range(1, self.dendrites + 1):
            if kind is State:
                found[f"u_{k}"] = State("v_rest", "1", f"potential of dendrite {k}")  # type: ignore[assignment]
            if kind is Input:
                found[f"i_{k}"] = Input("1", f"current into dendrite {k}", span=(-1.0, 6.0))  # type: ignore[assignment]
        return found

    def derivative(self) -> dict[str, Tensor]:
        soma = self.v_rest - self.v + self.r * self.i
        slopes = {}
        for k in range(1, self.dendrites + 1):
            u, current = self.value(f"u_{k}"), self.value(f"i_{k}")
            soma = soma + self.g_soma * (self.v_rest - self.v + self.dendrite.passed(u - self.v_rest))
            slopes[f"u_{k}"] = (self.v_rest - u + self.g_dend * (self.v - u) + self.r_dend * current) / self.tau_dend
        return {"v": soma / self.tau_mem, **slopes}
