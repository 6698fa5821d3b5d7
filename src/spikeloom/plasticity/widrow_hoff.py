"""The delta rule, spike by spike."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param
from ._remote import Remote
from .rule import PreTrace


class WidrowHoff(Remote):
    """Delta rule for spikes: dw/dt = eta (S_d - S_o) x, S_d the desired spikes, S_o the actual, x a trace of input.

    Its mean over stationary trains is (y_d - y_o) x of rates, whose fixed point is the least-squares solution.

    Source: Widrow and Hoff 1960, IRE WESCON Convention Record 4:96; on spikes Ponulak and Kasiński 2010, Neural
    Computation 22:467, where ReSuMe is derived from it.

    >>> import torch, spikeloom as sl
    >>> pre, post, teacher = torch.zeros(3, 10, 1, 1)
    >>> pre[4], teacher[4], post[8] = 1.0, 1.0, 1.0
    >>> rule = sl.plasticity.WidrowHoff(eta=0.1, tau=20.0)
    >>> sl.plasticity.learn(rule, torch.zeros(1, 1), pre, post, signals={"teacher": teacher}).w
    tensor([[[0.0181]]])
    """

    tau = Param(20.0, "ms", "time constant of the trace of input", low=0.0)
    x = PreTrace("tau", "recent presynaptic spikes")

    def change(self) -> Tensor:
        return self.eta * self.x
