"""ReSuMe: remote supervision of spike times."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param
from ._remote import Remote
from .rule import PreTrace


class ReSuMe(Remote):
    """ReSuMe: dw/dt = eta [S_d - S_o] [a + int_0^inf W(s) S_in(t - s) ds], W(s) = amplitude exp(-s/tau).

    STDP of input and desired spikes plus anti-STDP of input and actual spikes; `a` sets the number of spikes, the
    window their times. A desired and an actual spike at one time cancel exactly.

    Source: Ponulak and Kasiński 2010, Neural Computation 22:467.

    >>> import torch, spikeloom as sl
    >>> pre, post, teacher = torch.zeros(3, 10, 1, 1)
    >>> pre[4], teacher[8], post[8] = 1.0, 1.0, 1.0
    >>> rule = sl.plasticity.ReSuMe()
    >>> sl.plasticity.learn(rule, torch.zeros(1, 1), pre, post, signals={"teacher": teacher}).w
    tensor([[[0.]]])
    """

    a = Param(0.005, "1", "change that needs no input")
    amplitude = Param(1.0, "1", "change by an input at the time of the spike")
    tau = Param(7.0, "ms", "time constant of the window", low=0.0)
    x = PreTrace("tau", "recent presynaptic spikes")

    def change(self) -> Tensor:
        return self.eta * (self.a + self.amplitude * self.x)
