"""Rules that teach a neuron how many spikes to answer with: what they share."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Param
from ._critical import bracket
from ._responses import OwnSpikes, before_spikes, double_exponential, exponential
from .trial import Change, TrialRule


class MultiSpikeRule(TrialRule):
    """Abstract: v(t) = sum_i w_i sum_(t_i <= t) K(t - t_i) - v_th sum_(t_s < t) decay^(t - t_s); a number of spikes is
    learned.

    On the grid of dt, with at most one spike in a step: where v >= v_th, and v_th is subtracted. A subclass states
    `at`: the step whose input tells how weights of a neuron with a wrong number of spikes change.

    Targets: numbers of spikes in the trial.
    """

    family = "supervised, trials"

    v_th = Param(1.0, "1", "spike threshold", low=0.0)

    @property
    def decay(self) -> float:
        """Share of the response to an own spike that is left after a step."""
        raise NotImplementedError(f"{type(self).__name__} states no decay(self)")

    def at(self, v: Tensor, spikes: Tensor, target: Tensor, more: Tensor) -> tuple[Tensor, Tensor]:
        """Of some neurons with a wrong number of spikes, the step at which the input counts, and a factor, both [n].

        `v` [T, n] is the potential without own spikes in units of the threshold, `spikes` are the output; `more` says
        whether there should be more of them.
        """
        raise NotImplementedError(f"{type(self).__name__} states no at(self, v, spikes, target, more)")

    def filtered(self, x: Tensor) -> Tensor:
        return exponential(x, self.decay).unsqueeze(0)

    def potential_of(self, w: Tensor, filtered: Tensor) -> Tensor:
        v = self._driven(w, filtered)
        return float(self.v_th) * (v - exponential(self._spikes(v), self.decay))

    def respond_to(self, w: Tensor, filtered: Tensor) -> Tensor:
        return self._spikes(self._driven(w, filtered))

    def change(self, w: Tensor, filtered: Tensor, target: Tensor) -> Change:
        v = self._driven(w, filtered)
        spikes = self._spikes(v)
        error = target - spikes.sum(0)
        dw = w.new_zeros(len(target), *w.shape)
        b, n = error.nonzero(as_tuple=True)
        if len(b):
            sign = error[b, n].sign()
            t, factor = self.at(v[:, b, n], spikes[:, b, n], target[b, n], sign > 0)
            dw[b, n] = (float(self.lr) * sign * factor).unsqueeze(-1) * filtered[0, t, b]
        return Change(dw, error)

    def _driven(self, w: Tensor, filtered: Tensor) -> Tensor:
        """Potential without own spikes, in units of the threshold."""
        return filtered[0] @ w.T / float(self.v_th)

    def _spikes(self, v: Tensor) -> Tensor:
        spikes: Tensor = OwnSpikes(decay=self.decay)(v)
        return spikes


class MembraneMultiSpikeRule(MultiSpikeRule):
    """Abstract: a multi-spike rule for a membrane with one or two time constants.

    K(s) = exp(-s / tau_mem); with tau_syn > 0, K(s) = v_0 (exp(-s / tau_mem) - exp(-s / tau_syn)) with a peak of 1.
    """

    tau_mem = Param(20.0, "ms", "membrane time constant", low=0.0)
    tau_syn = Param(0.0, "ms", "synaptic time constant; 0 for input that jumps the potential", at_least=0.0)

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        if not float(self.tau_syn) < float(self.tau_mem):
            got = f"{float(self.tau_syn):g} and {float(self.tau_mem):g}"
            raise ParameterError(type(self).__name__, expected="tau_syn < tau_mem", got=got)

    @property
    def decay(self) -> float:
        return math.exp(-float(self.dt) / float(self.tau_mem))

    def filtered(self, x: Tensor) -> Tensor:
        if not float(self.tau_syn):
            return super().filtered(x)
        parts = double_exponential(x, float(self.tau_mem), float(self.tau_syn), float(self.dt))
        return (parts[0] - parts[1]).unsqueeze(0)


def with_resets(v: Tensor, spikes: Tensor, decay: float) -> Tensor:
    """The potential just before each step's spike, in units of the threshold."""
    return v - before_spikes(spikes, decay)


def critical(v: Tensor, count: Tensor, decay: float) -> tuple[Tensor, Tensor, Tensor]:
    """The highest threshold at which there are `count` spikes, in units of v; its step, and its slope there.

    At the highest such threshold the potential just touches it, in one step t*: theta* = v(t*) / (1 + sum_(t_s < t*)
    decay^(t* - t_s)); the slope is 1 over the denominator. On the grid no weight moves a spike by less than a
    step, so that d theta*/dw_i is the slope times the input of synapse i through its filter at t*.

    Where the potential never rises above rest, or no longer than spikes asked for, there is none: 0, at the step of the
    highest potential.

    Shapes: v [T, n], count [n] -> [n] each.
    """
    neuron = OwnSpikes(decay=decay)

    def counts(thresholds: Tensor) -> Tensor:
        spikes: Tensor = neuron(v.unsqueeze(-1) / thresholds)
        return spikes.sum(0)

    low, high = bracket(counts, v.amax(0), count)
    return _touched(v, low, high, decay)


def _touched(v: Tensor, low: Tensor, high: Tensor, decay: float) -> tuple[Tensor, Tensor, Tensor]:
    """The step that has a spike at a threshold just below the critical one and none just above, before all others."""
    found = low > 0
    neuron = OwnSpikes(decay=decay)
    above = neuron(v / torch.where(found, high, 1.0))
    below = neuron(v / torch.where(found, low, 1.0))
    t = (above != below).to(torch.uint8).argmax(0)
    t = torch.where(found, t, v.argmax(0))
    slope = 1.0 / (1.0 + torch.where(found, _pick(before_spikes(above, decay), t), 0.0))
    return torch.where(found, _pick(v, t) * slope, 0.0), t, slope


def _pick(values: Tensor, t: Tensor) -> Tensor:
    return values.gather(0, t.unsqueeze(0)).squeeze(0)
