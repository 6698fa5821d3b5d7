"""SPA: neurons that learn to make their class probable, at the peak of the potential in every segment of a trial."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Option, Param
from ._responses import double_exponential
from .trial import Change, TrialRule


class SegmentedProbability(TrialRule):
    """In each segment of length t_r: dw_i = lr (y_i R_i / sum_c R - R_i / sum R) sum_j K(t_peak - t_j).

        v_i(t) = sum_j w_ij sum_(t_j <= t) K(t - t_j),  K(s) = v_0 (exp(-s / tau_mem) - exp(-s / tau_syn))
        R_i(t) = exp(v_i(t)),  P_c(t) = sum_(i in c) R_i(t) / sum_i R_i(t)

    with v_0 such that the peak of K is 1: the descent of -ln P_c(t_peak), c the class of the trial. t_peak is the time
    of the segment at which any neuron has its highest potential; without `peaks`, the end of the segment. With t_r as
    long as the trial there is one t_peak for all of it. Several neurons may stand for a class; the answer is the class
    of the largest sum of rates.

    Targets: 1 for neurons of the class of the trial, 0 for all others. `respond` gives the estimated rates R, not
    spikes; an error is y_i less the share of neuron i in all rates, the mean over segments. Input may be numbers of
    spikes.
    Source: Liu, Ruan, Xing, Tang and Pan 2020, AAAI 34:1308-1315; that rates grow exponentially with the potential, and
    one t_peak for all neurons, are ours.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(60, 1, 2)
    >>> x[5, 0, 0] = x[45, 0, 1] = 1.0
    >>> rule = sl.plasticity.SegmentedProbability(lr=0.1, t_r=30.0)
    >>> rule.update(torch.zeros(2, 2), x, torch.tensor([[1.0, 0.0]])).w
    tensor([[ 0.0596,  0.0496],
            [-0.0596, -0.0496]])
    """

    family = "supervised, trials"

    lr = Param(0.1, "weight", "learning rate", at_least=0.0)
    tau_mem = Param(20.0, "ms", "membrane time constant", low=0.0)
    tau_syn = Param(5.0, "ms", "synaptic time constant", low=0.0)
    t_r = Param(50.0, "ms", "length of a segment", low=0.0)
    peaks = Option(True, "learn at the highest potential of a segment; else at its end")

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        if not float(self.tau_syn) < float(self.tau_mem):
            got = f"{float(self.tau_syn):g} and {float(self.tau_mem):g}"
            raise ParameterError("SegmentedProbability", expected="tau_syn < tau_mem", got=got)

    def filtered(self, x: Tensor) -> Tensor:
        parts = double_exponential(x, float(self.tau_mem), float(self.tau_syn), float(self.dt))
        return (parts[0] - parts[1]).unsqueeze(0)

    def potential_of(self, w: Tensor, filtered: Tensor) -> Tensor:
        return filtered[0] @ w.T

    def respond_to(self, w: Tensor, filtered: Tensor) -> Tensor:
        return self.potential_of(w, filtered).exp()

    def change(self, w: Tensor, filtered: Tensor, target: Tensor) -> Change:
        v = self.potential_of(w, filtered)
        time = self.learning_times(v, filtered)
        trial = torch.arange(len(target))
        at_time, psp = v[time, trial], filtered[0, time, trial]
        share = torch.softmax(at_time, -1)
        of_class = torch.softmax(torch.where(target > 0, at_time, -torch.inf), -1)
        dw = float(self.lr) * torch.einsum("sbo,sbi->boi", of_class - share, psp)
        return Change(dw, target - share.mean(0))

    def learning_times(self, v: Tensor, filtered: Tensor) -> Tensor:
        """One time in each segment of each trial, [segments, B].

        Where no potential differs, as with weights of 0, the strongest input tells the time.
        """
        length = max(1, round(float(self.t_r) / float(self.dt)))
        found = []
        for first in range(0, len(v), length):
            part = v[first : first + length]
            if not self.peaks:
                found.append(torch.full((v.shape[1],), first + len(part) - 1))
                continue
            highest = part.amax(2)
            flat = highest.amax(0) == highest.amin(0)
            if bool(flat.any()):
                highest = torch.where(flat, filtered[0, first : first + length].sum(-1), highest)
            found.append(first + highest.argmax(0))
        return torch.stack(found)

    def verify_input(self, x: Tensor) -> None:
        if not bool((x >= 0).all()):
            raise ParameterError("x of SegmentedProbability", expected="numbers of spikes", got="negative values")

    def verify_target(self, target: Tensor) -> None:
        known = bool(((target == 0) | (target == 1)).all())
        if not known or not bool(target.any(-1).all()):
            expected = "0 and 1, of each trial some 1"
            raise ParameterError("target of SegmentedProbability", expected=expected, got="other values")
