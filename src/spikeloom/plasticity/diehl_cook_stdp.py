"""The triplet-like rule of Diehl and Cook."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Param
from .rule import PostTrace, PreTrace, Rule


class DiehlCookSTDP(Rule):
    """w <- w - nu_pre post1 at a presynaptic, w <- w + nu_post x post2 at a postsynaptic spike; traces are set to 1 by
    spikes, not added to.

    post2 is read as the spike before left it, so that potentiation needs an earlier postsynaptic spike. Bounds are
    hard; the sum of weights onto a neuron is held by a normalisation of its own.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 20, 1, 1)
    >>> pre[5], post[2], post[8] = 1.0, 1.0, 1.0
    >>> sl.plasticity.learn(sl.plasticity.DiehlCookSTDP(), torch.full((1, 1), 0.5), pre, post).w
    tensor([[[0.5073]]])

    Source: Diehl and Cook 2015, Frontiers in Computational Neuroscience 9:99, as in its authors' code; the rules
    printed in the paper, sec. 2.3, are others.
    """

    family = "STDP"

    nu_pre = Param(1e-4, "weight", "depression", at_least=0.0)
    nu_post = Param(1e-2, "weight", "potentiation", at_least=0.0)
    tau_pre = Param(20.0, "ms", "time constant of the presynaptic trace", low=0.0)
    tau_post1 = Param(20.0, "ms", "time constant of the trace for depression", low=0.0)
    tau_post2 = Param(40.0, "ms", "time constant of the trace for potentiation", low=0.0)

    x = PreTrace("tau_pre", "last presynaptic spike")
    post1 = PostTrace("tau_post1", "last postsynaptic spike, fast")
    post2 = PostTrace("tau_post2", "last postsynaptic spike, slow")

    def on_post(self) -> dict[str, Tensor]:
        return {"w": self.w + self.nu_post * self.x * self.post2}

    def on_pre(self) -> dict[str, Tensor]:
        return {"w": self.w - self.nu_pre * self.post1}

    def pre_spike(self) -> dict[str, Tensor]:
        return {"x": torch.ones_like(self.x)}

    def post_spike(self) -> dict[str, Tensor]:
        return {"post1": torch.ones_like(self.post1), "post2": torch.ones_like(self.post2)}
