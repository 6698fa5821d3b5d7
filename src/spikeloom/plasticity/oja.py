"""Oja's rule on spikes: Hebbian growth that forgets, and so finds the first principal component."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Param
from .rule import PostTrace, PreTrace, Rule


class Oja(Rule):
    """Oja's rule: at each postsynaptic spike w <- w + eta (x - y w).

    Traces x and y are rates times tau, so that on average dw/dt = eta q (x - y w) for a postsynaptic rate q = y / tau.
    Weights of a linear neuron, y = g w x, turn to the first eigenvector of <x x'>, which is also the first principal
    component where the mean points along it. Their square norm becomes 1 / g for rates that are slow against tau, and
    somewhat more for others, as y is late.

    Source: Oja 1982, J. Math. Biology 15:267; traces in place of rates are a choice.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 30, 1, 1)
    >>> pre[5], post[15], post[25] = 1.0, 1.0, 1.0
    >>> sl.plasticity.learn(sl.plasticity.Oja(eta=0.1), torch.full((1, 1), 0.5), pre, post).w
    tensor([[[0.5634]]])
    """

    family = "Hebbian"

    eta = Param(0.001, "1", "learning rate", at_least=0.0)
    tau = Param(20.0, "ms", "time constant of rates", low=0.0)
    w_min = Param(-1.0, "weight", "lowest weight")

    x = PreTrace("tau", "presynaptic rate, times tau")
    y = PostTrace("tau", "postsynaptic rate, times tau")

    def on_post(self) -> dict[str, Tensor]:
        return {"w": self.w + self.eta * (self.x - self.y * self.w)}
