"""Integrate-and-fire with sub-threshold adaptation."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Input, Param, State
from ._membrane import Membrane
from .symplectic_euler import SymplecticEuler


class AdLIF(Membrane):
    """LIF with an adaptation current: tau_mem dv/dt = v_rest - v + r (i - w), tau_w dw/dt = a (v - v_rest) - w.

    Spike where v >= v_th; then v <- v_reset, or lower by v_th - v_reset with `soft_reset=True`, and w <- w + b. With
    4 r a > (1 - tau_mem/tau_w)^2 tau_w/tau_mem it oscillates below threshold, with angular frequency
    sqrt((1 + r a) / (tau_mem tau_w) - (1/tau_mem + 1/tau_w)^2 / 4).

    The default integrator is exact. `integrator=ExponentialEuler()` is the discretisation of Bittar and Garner (and
    what Baronig et al. call Euler-forward): v <- alpha v + (1 - alpha) (i - w), w <- beta w + (1 - beta) a v, both from
    old values. It diverges for r a > (1 - alpha beta) / ((1 - alpha) (1 - beta)); `integrator=SymplecticEuler()`, in
    which w meets the new v, also after a reset (SE-adLIF), only for r a > (1 + alpha) (1 + beta) / ((1 - alpha)
    (1 - beta)). It is the published recursion with b = (1 - beta) b', b' being their jump of the drive of w.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms, potential and currents in units of v_th.
    Source: Bittar and Garner 2022, Front. Neurosci. 16:865897, section 2.2; Baronig et al. 2025, Nature Communications
    16 (arXiv:2408.07517), eq. 6. In Euler-forward a spike acts on w in the next step, here at once.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.AdLIF(tau_mem=5.0, tau_w=30.0, b=0.3)(torch.full((12, 1, 1), 2.0)).flatten()
    tensor([0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0.])
    """

    tau_mem = Param(20.0, "ms", "membrane time constant", low=0.0)
    tau_w = Param(100.0, "ms", "adaptation time constant", low=0.0)
    r = Param(1.0, "1", "membrane resistance", low=0.0)
    a = Param(0.5, "1", "adaptation current per depolarisation")
    b = Param(0.1, "1", "rise of the adaptation current at a spike")
    i = Input("1", "summed synaptic current", span=(-0.5, 6.0))
    w = State(0.0, "1", "adaptation current")

    def derivative(self) -> dict[str, Tensor]:
        depolarisation = self.v - self.v_rest
        return {
            "v": (self.r * (self.i - self.w) - depolarisation) / self.tau_mem,
            "w": (self.a * depolarisation - self.w) / self.tau_w,
        }

    def reset(self) -> dict[str, Tensor]:
        after = super().reset()
        w = self.w + self.b
        if isinstance(self.integrator, SymplecticEuler):
            # There w meets the new v, which is the one after the reset.
            w = w - torch.expm1(-self.dt / self.tau_w) * self.a * (after["v"] - self.v)
        return {**after, "w": w}
