"""Stochastic STDP of binary synapses with a lock."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..parameters import Noise, Param
from ._recency import within
from .rule import PreTrace, Rule, SynapseState


class BinarySTDP(Rule):
    """Weights are w_min or w_max. At a postsynaptic spike: where a presynaptic spike came within `window` before, the
    weight is set to w_max with probability p_up and locked; elsewhere, unless locked, to w_min with probability p_down.

    A lock lasts `tau_lock`, by default for ever; a shorter one lets new memories overwrite old ones. Weights that begin
    at w_max are not locked. Where each neuron spikes once in each of many cycles, as in cyclic STDP, the window is a
    range of phases. `window` should be a multiple of dt.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(10, 1, 2), torch.zeros(10, 1, 1)
    >>> pre[2, 0, 0], post[4] = 1.0, 1.0
    >>> sl.plasticity.learn(sl.plasticity.BinarySTDP(p_up=1.0, p_down=1.0), torch.ones(1, 2), pre, post).w
    tensor([[[1., 0.]]])

    Source: after Davidson, Furber and Rhodes 2020, arXiv 2006.16684 (cyclic STDP, lock bits); probabilities, window and
    expiry of locks are ours.
    """

    family = "STDP"

    window = Param(5.0, "ms", "how long before a postsynaptic spike a presynaptic one may be", low=0.0)
    p_up = Param(0.2, "1", "probability of potentiation", at_least=0.0, at_most=1.0)
    p_down = Param(0.02, "1", "probability of depression", at_least=0.0, at_most=1.0)
    tau_lock = Param(math.inf, "ms", "how long a potentiated synapse is locked")

    x = PreTrace("window", "last presynaptic spike")
    lock = SynapseState(0.0, "1", "1 when locked, exp(-1) when the lock expires", tau="tau_lock")
    chance = Noise("whether the synapse changes", uniform=True)

    def on_post(self) -> dict[str, Tensor]:
        recent = within(self.x, self.window, self.dt)
        up = recent & (self.chance < self.p_up)
        locked = within(self.lock, self.tau_lock, self.dt)
        down = ~recent & ~locked & (self.chance < self.p_down)
        w = torch.where(up, self.w_max, torch.where(down, self.w_min, self.w))
        return {"w": w, "lock": torch.where(up, 1.0, self.lock)}

    def pre_spike(self) -> dict[str, Tensor]:
        return {"x": torch.ones_like(self.x)}
