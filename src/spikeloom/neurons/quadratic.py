"""Quadratic integrate-and-fire."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Param, State
from ._upswing import Upswing


class QuadraticIF(Upswing):
    """Quadratic integrate-and-fire: tau_mem dv/dt = a (v - v_rest) (v - v_c) + r i.

    Spike where v >= v_peak; then v <- v_reset. Without input v settles at v_rest from below v_c and runs away from
    above it. A constant current fires above r i_c = a (v_c - v_rest)^2 / 4, with period

        T = tau_mem / sqrt(a k) (atan(w(v_peak)) - atan(w(v_reset))),  w(v) = sqrt(a / k) (v - (v_rest + v_c) / 2),

    k = r (i - i_c): the rate grows as sqrt(i - i_c). With the default a = 1 / (v_c - v_rest), tau_mem is the time
    constant at rest.

    Shapes: [T, B, *features] to spikes of the same shape. Units: ms, mV, pA, GOhm.
    Source: Gerstner et al. 2014, "Neuronal dynamics", section 5.3; Latham et al. 2000, J. Neurophysiol. 83. The default
    values are not from there.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.QuadraticIF()(torch.full((5000, 1, 3), 1.0) * torch.tensor([20.0, 50.0, 90.0])).sum(0)
    tensor([[ 0., 10., 20.]])
    """

    tau_mem = Param(10.0, "ms", "time constant", low=0.0)
    a = Param(0.1, "1/mV", "curvature", low=0.0)
    v_rest = Param(-65.0, "mV", "resting potential, the stable zero")
    v_c = Param(-55.0, "mV", "critical potential, the unstable zero")
    v_peak = Param(0.0, "mV", "potential at which the upswing is cut off")
    v_reset = Param(-65.0, "mV", "potential after a spike")
    r = Param(0.1, "GOhm", "membrane resistance", low=0.0)
    i = Input("pA", "input current", span=(-1000.0, 15000.0))
    v = State("v_rest", "mV", "membrane potential", held=True)

    ordered = (("v_rest", "v_c"), ("v_c", "v_peak"), ("v_reset", "v_peak"))
    shown = (60.0, 300.0)

    def derivative(self) -> dict[str, Tensor]:
        return {"v": (self.a * (self.v - self.v_rest) * (self.v - self.v_c) + self.r * self.i) / self.tau_mem}

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.v_reset}
