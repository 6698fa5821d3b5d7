"""Teaching spikes of a climbing fibre that depress what was active a certain time before."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..parameters import Input, Param
from .rule import PreTrace, Rule, SynapseState, Trace


class TeachingSTDP(Rule):
    """w grows by `a_plus` at each presynaptic (parallel-fibre) spike and falls by `a_minus` sum_i K(t - t_i) at each
    teaching (climbing-fibre) spike, t_i the presynaptic spikes before it. Postsynaptic spikes play no part.

    K(s) = u^2 (1 - u)^3 / 0.03456 with u = exp(-s ln(5/2) / peak) is 0 at s = 0 and 1 at s = peak, the delay from a
    movement to the report of its error. It is the sum of four exponentials, with coefficients 1, -3, 3, -1.

    Source: Luque, Garrido, Naveros, Carrillo, D'Angelo and Ros 2016, Front. Comput. Neurosci. 10:17 (a kernel with a
    peak 100 ms before the climbing-fibre spike). The kernel of exponentials is ours: a trace each.

    >>> import torch, spikeloom as sl
    >>> pre, post, teacher = torch.zeros(3, 200, 1, 1)
    >>> pre[50], teacher[150] = 1.0, 1.0
    >>> rule = sl.plasticity.TeachingSTDP(a_plus=0.001, a_minus=0.1)
    >>> sl.plasticity.learn(rule, torch.full((1, 1), 0.5), pre, post, signals={"teacher": teacher}).w
    tensor([[[0.4010]]])
    """

    family = "supervised"

    a_plus = Param(0.002, "weight", "growth at a presynaptic spike", at_least=0.0)
    a_minus = Param(0.02, "weight", "loss at a teaching spike, for one presynaptic spike at the peak", at_least=0.0)
    peak = Param(100.0, "ms", "time before the teaching spike that it blames most", low=0.0)

    teacher = Input("1", "teaching spikes")
    x2 = PreTrace("peak", "presynaptic spikes, exp(-2 s ln(5/2) / peak)")
    x3 = PreTrace("peak", "presynaptic spikes, exp(-3 s ln(5/2) / peak)")
    x4 = PreTrace("peak", "presynaptic spikes, exp(-4 s ln(5/2) / peak)")
    x5 = PreTrace("peak", "presynaptic spikes, exp(-5 s ln(5/2) / peak)")

    def time_constant(self, variable: Trace | SynapseState) -> float:
        """Of the trace with a power of u, ms."""
        return super().time_constant(variable) / (math.log(2.5) * int(variable.name[1:]))

    def kernel(self, s: Tensor) -> Tensor:
        """K: what a presynaptic spike `s` ms earlier contributes."""
        u = torch.exp(-math.log(2.5) * s / self.peak)
        return u**2 * (1 - u) ** 3 / 0.03456

    def on_pre(self) -> dict[str, Tensor]:
        return {"w": self.w + self.a_plus}

    def on_teacher(self) -> dict[str, Tensor]:
        recent = (self.x2 - 3 * self.x3 + 3 * self.x4 - self.x5) / 0.03456
        return {"w": self.w - self.a_minus * self.teacher * recent}
