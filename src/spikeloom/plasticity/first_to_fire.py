"""Neurons that race for patterns of spikes: the first to fire silences all others and learns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from .. import random
from ..errors import ParameterError, ShapeError
from ._responses import exponential
from .dense import learn
from .intrinsic import IntrinsicPlasticity
from .rule import Rule
from .simplified_stdp import SimplifiedSTDP

# Of thresholds, where no neuron fires; and how often the pattern is shown again at most.
_LOWER, _REPEATS = 0.85, 6


class Winners(NamedTuple):
    """Of each trial the neuron that fired and the step in which it did, int64 [B]; -1 where none did."""

    neuron: Tensor
    step: Tensor


class FirstToFire:
    """A layer that learns patterns without labels: leaky neurons, winner-take-all, homeostatic thresholds, any rule.

        v_i(t) = sum_j w_ij / |w_i| sum_(t_j <= t) exp(-(t - t_j) / tau_mem)

    The first neuron with v >= its threshold fires, of several in the same step the one that is furthest above; all
    others stay silent for the rest of the trial. A trial in which none fires is repeated with thresholds 15 % lower, at
    most six times. While learning, the winner's weights change by `rule`, from its input and its spike, and each
    threshold by `rise` (wins - 1 / neurons): who wins often becomes hard to excite.

    Shapes: x [T, B, inputs], spikes of 0 and 1. Units: tau_mem and the rule's dt in ms; thresholds and `rise` in that
    of v, in which n spikes at once that fit the weights give the root of n.
    Raises: ParameterError, ShapeError, DTypeError. Source: competition and homeostasis as in Querlioz, Bichler, Dollfus
    and Gamrat 2013, IEEE Trans. Nanotechnology 12:288-295; weights of length 1 and repeated trials are ours.

    >>> import torch, spikeloom as sl
    >>> x = torch.zeros(5, 2, 8)
    >>> x[0, 0, :4] = x[0, 1, 4:] = 1.0
    >>> layer = sl.plasticity.FirstToFire(inputs=8, neurons=2, v_th=1.2, rise=0.1)
    >>> for _ in range(20):
    ...     winners = layer.learn(x)
    >>> layer.respond(x).neuron.sort().values
    tensor([0, 1])
    """

    def __init__(
        self,
        inputs: int,
        neurons: int,
        *,
        rule: Rule | None = None,
        v_th: float = 1.0,
        rise: float = 0.05,
        tau_mem: float = 100.0,
        seed: int = 0,
    ) -> None:
        for name, number in (("inputs", inputs), ("neurons", neurons)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ParameterError(f"{name} of FirstToFire", expected="a whole number of 1 or more", got=repr(number))
        for name, value in (("v_th", v_th), ("tau_mem", tau_mem)):
            if not 0.0 < value < math.inf:
                raise ParameterError(f"{name} of FirstToFire", expected="a finite number above 0", got=repr(value))
        self.rule = SimplifiedSTDP() if rule is None else rule
        params = self.rule.param_values()
        low, high, self.dt = (float(params[name]) for name in ("w_min", "w_max", "dt"))
        drawn = random.uniform(seed, 0, torch.arange(neurons * inputs), 0).float().view(neurons, inputs)
        self.w = low + (high - low) * (0.25 + 0.5 * drawn)
        self.v_th = torch.full((neurons,), float(v_th))
        self.homeostasis = IntrinsicPlasticity(eta=rise, target=1.0 / neurons)
        self.tau_mem, self.seed, self.shown = tau_mem, seed, 0

    def learn(self, x: Tensor, *, track: Callable[[Iterable[int]], Iterable[int]] = iter) -> Winners:
        """Show all trials once, in an order drawn anew for each call."""
        self._verify(x)
        neuron, step = torch.full((2, x.shape[1]), -1)
        self.shown += 1
        order = random.uniform(self.seed, 1, torch.arange(x.shape[1]), self.shown).argsort()
        for trial in track(order.tolist()):
            given = x[:, trial : trial + 1]
            neuron[trial], step[trial] = (int(part) for part in self.respond(given))
            wins, winner = torch.zeros(1, len(self.w)), int(neuron[trial])
            if winner >= 0:
                wins[0, winner] = 1.0
                post = torch.zeros(len(x), 1, 1)
                post[step[trial]] = 1.0
                self.w[winner] = learn(self.rule, self.w[winner : winner + 1], given, post).w[0, 0]
            self.v_th = self.homeostasis.update(self.v_th, wins)
        return Winners(neuron, step)

    def respond(self, x: Tensor) -> Winners:
        """Who fires, with weights and thresholds as they are."""
        self._verify(x)
        length = self.w.norm(dim=1, keepdim=True).clamp(min=1e-12)
        v = exponential(x @ (self.w / length).T, math.exp(-self.dt / self.tau_mem))
        neuron, step = torch.full((2, x.shape[1]), -1)
        threshold = self.v_th
        for _ in range(_REPEATS + 1):
            above = v - threshold
            fired = (above >= 0).any(2)
            first = fired.to(torch.uint8).argmax(0)
            new = fired.any(0) & (neuron < 0)
            best = above[first, torch.arange(x.shape[1])].argmax(1)
            neuron, step = torch.where(new, best, neuron), torch.where(new, first, step)
            if bool((neuron >= 0).all()):
                break
            threshold = threshold * _LOWER
        return Winners(neuron, step)

    def _verify(self, x: Tensor) -> None:
        if x.ndim != 3 or not len(x) or x.shape[2] != self.w.shape[1]:
            raise ShapeError("x of FirstToFire", expected=f"[T, B, {self.w.shape[1]}]", got=list(x.shape))
        if not bool(((x == 0) | (x == 1)).all()):
            raise ParameterError("x of FirstToFire", expected="spikes of 0 and 1", got="other values")
