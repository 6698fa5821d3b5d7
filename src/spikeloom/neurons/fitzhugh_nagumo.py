"""The two-variable caricature of a spike by FitzHugh and Nagumo."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Input, Option, Param, State
from ..surrogate import ATan, Surrogate
from ._upward import UpwardCrossing


class FitzHughNagumo(UpwardCrossing):
    """dv/dt = v - v^3 / 3 - w + i, dw/dt = (v + a - b w) / tau_w.

    Spike where v rises through v_th. Without input it rests where v - v^3 / 3 = (v + a) / b; a push beyond the middle
    branch of the cubic is followed by one large loop, and a constant i between about 0.33 and 1.42 by a limit cycle.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms is the model's, which has no unit; the rest
    has none either.
    Source: FitzHugh 1961, Biophys. J. 1:445; Nagumo, Arimoto and Yoshizawa 1962, Proc. IRE 50:2061. Signs and scale of
    time as in Izhikevich and FitzHugh 2006, Scholarpedia 1(9):1349, tau_w = 1 / 0.08; FitzHugh's w has the other sign,
    and his tau_w is 9 of the time in which v changes. The crossing that counts as a spike is not from the papers.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.FitzHughNagumo()(torch.full((4000, 1, 3), 1.0) * torch.tensor([0.1, 0.5, 1.0])).sum(0)
    tensor([[0., 5., 6.]])
    """

    dt = Param(0.05, "ms", "time step", low=0.0)
    v_th = Param(1.0, "1", "potential whose upward crossing is a spike")
    surrogate = Option[Surrogate](ATan(), "spike function and its slope in the backward pass")
    a = Param(0.7, "1", "potential of the recovery's nullcline at w = 0, negated")
    b = Param(0.8, "1", "slope of the recovery's nullcline, v per w")
    tau_w = Param(12.5, "ms", "time constant of the recovery", low=0.0)
    v_rest = Param(-1.1994080352440, "1", "potential at the start, where the default settles")
    w_rest = Param(-0.6242600440550, "1", "recovery at the start, where the default settles")

    i = Input("1", "input current", span=(-0.5, 2.0))
    v = State("v_rest", "1", "membrane potential")
    w = State("w_rest", "1", "recovery")

    shown = (0.5, 200.0)

    def derivative(self) -> dict[str, Tensor]:
        return {
            "v": self.v - self.v**3 / 3 - self.w + self.i,
            "w": (self.v + self.a - self.b * self.w) / self.tau_w,
        }
