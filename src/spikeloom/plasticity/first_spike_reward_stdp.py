"""Reward-modulated STDP of first spikes: reward learns what a neuron did, punishment unlearns it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from ..parameters import Input, Param, Preset
from .rule import PreTrace, Rule, SynapseState


class FirstSpikeRewardSTDP(Rule):
    """dw = |R| a u (1 - u) (w_max - w_min), u the weight between its bounds; the sign of R and the order decide on a.

    A presynaptic spike that comes no later than the neuron's first spike of the trial is causal: a = reward_causal for
    R > 0, punish_causal for R < 0. At all other synapses, silent ones included, a = reward_other or punish_other. R
    arrives as `reward` at the neuron that decided; neurons that have not spiked learn nothing. R also ends the trial:
    the next spike is a first one again; tell the traces (`trial`) so that they forget earlier inputs.

    Source: Mozafari, Ganjtabesh, Nowzari-Dalini, Thorpe and Masquelier 2019, Pattern Recognition 94:87.

    >>> import torch, spikeloom as sl
    >>> pre, post, reward = torch.zeros(10, 1, 2), torch.zeros(10, 1, 1), torch.zeros(10, 1, 1)
    >>> pre[2, 0, 0], pre[7, 0, 1], post[5], reward[9] = 1.0, 1.0, 1.0, -1.0
    >>> rule = sl.plasticity.FirstSpikeRewardSTDP()
    >>> sl.plasticity.learn(rule, torch.full((1, 2), 0.5), pre, post, signals={"reward": reward}).w
    tensor([[[0.4990, 0.5001]]])
    """

    family = "reward"

    reward_causal = Param(0.004, "1", "change where it was causal, after reward")
    reward_other = Param(-0.003, "1", "change elsewhere, after reward")
    punish_causal = Param(-0.004, "1", "change where it was causal, after punishment")
    punish_other = Param(0.0005, "1", "change elsewhere, after punishment")

    reward = Input("1", "reward, > 0, or punishment, < 0")
    x = PreTrace(math.inf, "presynaptic spikes of the trial")
    order = SynapseState(0.0, "1", "1: causal, -1: not, 0: the neuron has not spiked")

    presets: ClassVar[Mapping[str, Preset]] = {
        "Mozafari 2019": Preset({}, "Mozafari et al. 2019, MNIST: the last layer"),
    }

    def on_post(self) -> dict[str, Tensor]:
        causal = torch.where(self.x > 0, 1.0, -1.0)
        return {"order": torch.where(self.order == 0, causal, self.order)}

    def on_reward(self) -> dict[str, Tensor]:
        causal, praise = self.order > 0, self.reward > 0
        praised = torch.where(causal, self.reward_causal, self.reward_other)
        punished = torch.where(causal, self.punish_causal, self.punish_other)
        a = torch.where(self.order == 0, 0.0, torch.where(praise, praised, punished))
        away = (self.w - self.w_min) * (self.w_max - self.w) / (self.w_max - self.w_min)
        return {"w": self.w + torch.abs(self.reward) * a * away, "order": torch.zeros_like(self.order)}
