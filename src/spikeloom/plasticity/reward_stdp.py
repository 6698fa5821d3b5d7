"""Reward-modulated STDP with the mean reward as its baseline."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Input, Param
from ._eligibility import PairEligibility
from .rule import PostTrace


class RewardSTDP(PairEligibility):
    """R-STDP: dw = eta (R - R_mean) e at the end of each trial, e the eligibility that pairs of spikes have left.

    `outcome` says that a trial has ended (1), `reward` what it brought, R, at the same time; no `reward` is R = 0.
    R_mean is the mean of the rewards of earlier trials, which are forgotten with tau_reward; 0 before there are any. It
    is a trace: ends of trials (`on_trial`) would clear it. With baseline = 0, dw = eta R e.

    Source: Frémaux, Sprekeler and Gerstner 2010, J. Neurosci. 30:13326 ("R-STDP" with a success signal of
    R - mean R); not from there: the mean over time instead of over a number of trials.

    >>> import torch, spikeloom as sl
    >>> pre, post, reward, outcome = torch.zeros(4, 10, 1, 1)
    >>> pre[2], post[2], reward[9], outcome[9] = 1.0, 1.0, 1.0, 1.0
    >>> signals = {"reward": reward, "outcome": outcome}
    >>> rule = sl.plasticity.RewardSTDP(eta=0.1, tau_e=20.0)
    >>> sl.plasticity.learn(rule, torch.zeros(1, 1), pre, post, signals=signals).w
    tensor([[[0.0705]]])
    """

    eta = Param(0.01, "weight", "change by a reward of 1 above the mean at an eligibility of 1")
    baseline = Param(1.0, "1", "share of the mean reward that is subtracted", at_least=0.0, at_most=1.0)
    tau_reward = Param(10000.0, "ms", "time constant with which rewards are forgotten", low=0.0)

    reward = Input("1", "what a trial brought")
    outcome = Input("1", "1 when a trial has ended")
    total = PostTrace("tau_reward", "recent rewards", by="reward")
    trials = PostTrace("tau_reward", "recent trials", by="outcome")

    def on_outcome(self) -> dict[str, Tensor]:
        none = self.trials == 0
        mean = torch.where(none, 0.0, self.total / torch.where(none, 1.0, self.trials))
        return {"w": self.w + self.eta * (self.reward - self.baseline * mean) * self.e}
