"""Spike-timing-dependent plasticity of pairs of spikes."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Option, Param
from .dependence import Additive, Dependence
from .rule import PostTrace, PreTrace, Rule


class STDP(Rule):
    """Pair-based STDP, all pairs: dw = a_plus exp(-s/tau_plus) if a postsynaptic spike follows s > 0 later, -a_minus
    exp(-s/tau_minus) if it precedes; both times the range of weights and a factor of the weight (`dependence`).

    Traces x and y sum exp(-s/tau) over earlier spikes; w grows by a_plus x at a postsynaptic, shrinks by a_minus y at a
    presynaptic spike.

    Source: Song, Miller and Abbott 2000, Nature Neuroscience 3, eq. 1; traces as in Morrison, Diesmann and Gerstner
    2008, Biological Cybernetics 98, sec. 4.1.
    """

    family = "STDP"

    a_plus = Param(0.01, "1", "potentiation, as a share of w_max - w_min", at_least=0.0)
    a_minus = Param(0.0105, "1", "depression, as a share of w_max - w_min", at_least=0.0)
    tau_plus = Param(20.0, "ms", "time constant of potentiation", low=0.0)
    tau_minus = Param(20.0, "ms", "time constant of depression", low=0.0)
    dependence = Option[Dependence](Additive(), "how changes depend on the weight")

    x = PreTrace("tau_plus", "recent presynaptic spikes")
    y = PostTrace("tau_minus", "recent postsynaptic spikes")

    def on_post(self) -> dict[str, Tensor]:
        return {"w": self.w + self.a_plus * self.x * self.range * self.dependence.up(self.share)}

    def on_pre(self) -> dict[str, Tensor]:
        return {"w": self.w - self.a_minus * self.y * self.range * self.dependence.down(self.share)}

    @property
    def range(self) -> Tensor:
        """From the lowest weight to the highest."""
        return self.w_max - self.w_min

    @property
    def share(self) -> Tensor:
        """The weight between its bounds, 0 ... 1."""
        return (self.w - self.w_min) / self.range
