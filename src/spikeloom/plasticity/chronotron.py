"""The chronotron's I-learning: changes in proportion to the synaptic current."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Param
from ._postsynaptic_current import PostsynapticCurrent


class Chronotron(PostsynapticCurrent):
    """I-learning: dw/dt = gamma sgn(w) [S_d - S_o] I, I = w sum_i K(t - t_i) the current of the synapse.

    K(s) ~ exp(-s/tau_s) - exp(-s/tau_f), with a peak of 1. As sgn(w) I = |w| K, changes shrink with the weight, which
    keeps its sign as long as eta K < 1; a weight of 0 never learns.

    Source: Florian 2012, PLoS ONE 7:e40233, section "I-learning"; E-learning is not here.

    >>> import torch, spikeloom as sl
    >>> pre, post, teacher = torch.zeros(3, 20, 1, 1)
    >>> pre[4], teacher[9] = 1.0, 1.0
    >>> rule = sl.plasticity.Chronotron(eta=0.1)
    >>> sl.plasticity.learn(rule, torch.full((1, 1), -0.5), pre, post, signals={"teacher": teacher}).w
    tensor([[[-0.4501]]])
    """

    eta = Param(0.1, "1", "learning rate, gamma")

    def change(self) -> Tensor:
        return self.eta * torch.abs(self.w) * self.current
