"""PSD: precise-spike-driven learning."""

from __future__ import annotations

from torch import Tensor

from ._postsynaptic_current import PostsynapticCurrent


class PSD(PostsynapticCurrent):
    """PSD: dw/dt = eta [S_d - S_o] I, I = sum_i K(t - t_i) the synapse's current per weight.

    K(s) = V0 (exp(-s/tau_s) - exp(-s/tau_f)), V0 such that its peak is 1. A spike at the very time of the input finds
    K(0) = 0 and changes nothing.

    Source: Yu, Tang, Tan and Li 2013, PLoS ONE 8:e78318.

    >>> import torch, spikeloom as sl
    >>> pre, post, teacher = torch.zeros(3, 20, 1, 1)
    >>> pre[4], teacher[9] = 1.0, 1.0
    >>> rule = sl.plasticity.PSD(eta=0.1)
    >>> sl.plasticity.learn(rule, torch.zeros(1, 1), pre, post, signals={"teacher": teacher}).w
    tensor([[[0.0997]]])
    """

    def change(self) -> Tensor:
        return self.eta * self.current
