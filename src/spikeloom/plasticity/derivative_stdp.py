"""STDP that changes weights through their derivatives, once a second."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..parameters import Param
from .rule import PostTrace, PreTrace, Rule, SynapseState


class DerivativeSTDP(Rule):
    """Pairs of spikes change the derivative s of a weight; once in `every` ms w <- w + s + drift, then s <- keep s.

    s grows by a_plus x at a postsynaptic spike and falls by a_minus y at a presynaptic one; x and y are exp(-t/tau) of
    the last spike. Without spikes all weights grow by the drift.

    Units: ms; a_plus, a_minus, drift and s are changes of the weight at one update.
    Source: Izhikevich 2006, Neural Computation 18:245, Methods and program; 0.95 for each millisecond is tau = 19.5 ms.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 1002, 1, 1)
    >>> pre[5], post[10] = 1.0, 1.0
    >>> sl.plasticity.learn(sl.plasticity.DerivativeSTDP(), torch.full((1, 1), 6.0), pre, post).w
    tensor([[[6.0874]]])
    """

    family = "STDP"
    spontaneous = True

    w_max = Param(10.0, "weight", "highest weight")
    a_plus = Param(0.1, "weight", "gain of the derivative by a pair pre before post", at_least=0.0)
    a_minus = Param(0.12, "weight", "loss of the derivative by a pair post before pre", at_least=0.0)
    tau = Param(-1 / math.log(0.95), "ms", "time constant of both sides of the window", low=0.0)
    drift = Param(0.01, "weight", "growth at each update, whatever happens")
    keep = Param(0.9, "1", "share of the derivative that is left after an update", at_least=0.0, at_most=1.0)
    every = Param(1000.0, "ms", "time between updates of weights", low=0.0)

    x = PreTrace("tau", "last presynaptic spike")
    y = PostTrace("tau", "last postsynaptic spike")
    s = SynapseState(0.0, "weight", "derivative of the weight")

    def pre_spike(self) -> dict[str, Tensor]:
        return {"x": torch.ones_like(self.x)}

    def post_spike(self) -> dict[str, Tensor]:
        return {"y": torch.ones_like(self.y)}

    def on_post(self) -> dict[str, Tensor]:
        return {"s": self.s + self.a_plus * self.x}

    def on_pre(self) -> dict[str, Tensor]:
        return {"s": self.s - self.a_minus * self.y}

    def on_step(self) -> dict[str, Tensor]:
        return {"w": self.w + self.s + self.drift, "s": self.keep * self.s}
