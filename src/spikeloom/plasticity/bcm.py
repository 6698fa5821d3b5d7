"""The rule of Bienenstock, Cooper and Munro on spikes: a threshold between depression and potentiation that slides."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param
from .rule import PostTrace, PreTrace, Rule


class BCM(Rule):
    """BCM rule: at each postsynaptic spike w <- w + eta x (y - theta), theta a slow mean of y^2 / y_0.

    Traces x and y are rates times tau, so that on average dw/dt = eta q x (y - theta) with the postsynaptic rate
    q = y / tau. At a spike theta grows by y tau / (tau_theta y_0), with y as it was before. A neuron that is shown one
    of n patterns at a time, each equally long, becomes selective: it answers one with y = n y_0, and the others with 0.

    Source: Bienenstock, Cooper and Munro 1982, J. Neuroscience 2:32; the threshold as the mean of squares as
    in Intrator and Cooper 1992, Neural Networks 5; traces in place of rates are a choice.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 30, 1, 1)
    >>> pre[5], post[10], post[15] = 1.0, 1.0, 1.0
    >>> sl.plasticity.learn(sl.plasticity.BCM(eta=0.1), torch.full((1, 1), 0.5), pre, post).w
    tensor([[[0.5472]]])
    """

    family = "Hebbian"

    eta = Param(0.001, "weight", "learning rate", at_least=0.0)
    tau = Param(20.0, "ms", "time constant of rates", low=0.0)
    tau_theta = Param(10_000.0, "ms", "time constant of the threshold", low=0.0)
    y_0 = Param(0.5, "1", "mean response that is aimed at, a rate times tau", low=0.0)
    w_min = Param(-1.0, "weight", "lowest weight")

    x = PreTrace("tau", "presynaptic rate, times tau")
    y = PostTrace("tau", "postsynaptic rate, times tau")
    theta = PostTrace("tau_theta", "between depression and potentiation")

    def on_post(self) -> dict[str, Tensor]:
        return {"w": self.w + self.eta * self.x * (self.y - self.theta)}

    def post_spike(self) -> dict[str, Tensor]:
        return {"y": self.y + 1, "theta": self.theta + self.y * self.tau / (self.tau_theta * self.y_0)}
