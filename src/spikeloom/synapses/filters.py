"""Learnable filters of spike trains that stay stable whatever is learned."""

from __future__ import annotations

import math
from typing import Any, Self

from torch import Tensor

from ..neurons import Neuron
from ..parameters import Input, Param, Shown, State


class IIRFilter(Neuron):
    """Second-order filter of a spike train: f[t] = a1 f[t-1] + a2 f[t-2] + gain x[t]; first order with k2 = 0.

    Its parameters are the reflection coefficients, a2 = k2 and a1 = k1 (1 - k2), which the bounds keep between -1 and
    1: exactly then both poles, the roots of z^2 - a1 z - a2, lie inside the unit circle. So learning them all,
    `learn=("k1", "k2", "gain")`, cannot leave the stable filters and reaches every one, oscillating ones included.
    `double_exponential` makes the one with two time constants, `low_pass` the one with one.

    Shapes: [T, B, *features] to the filtered train of the same shape. Units: none; f is in steps, not in ms.
    Source: Fang, Shrestha, Zhao and Qiu 2020, IJCAI (filter and initial values; there a1 and a2 are free); reflection
    coefficients: Oppenheim and Schafer, "Discrete-time signal processing", chapter on lattice filters.

    >>> import torch, spikeloom as sl
    >>> impulse = torch.eye(5)[0].view(-1, 1, 1)
    >>> sl.synapses.IIRFilter.double_exponential(tau_decay=4.0, tau_rise=1.0)(impulse).flatten()
    tensor([0.4109, 0.4712, 0.4226, 0.3496, 0.2798])
    """

    k1 = Param(0.9, "1", "first reflection coefficient", low=-1.0, high=1.0)
    k2 = Param(0.0, "1", "second reflection coefficient", low=-1.0, high=1.0)
    gain = Param(1.0, "1", "what an input of 1 adds")

    x = Input("1", "spikes", span=(0.0, 1.0))
    f = State(0.0, "1", "filtered spikes")
    before_f = State(0.0, "1", "filtered spikes one step earlier")

    output = "f"
    family = "synapse"
    shown = Shown(1.0, 100.0, pulses=True)

    @classmethod
    def double_exponential(cls, *, tau_decay: float = 4.0, tau_rise: float = 1.0, **given: Any) -> Self:
        """Impulse response exp(-(t + 1)/tau_decay) - exp(-(t + 1)/tau_rise), t in steps, as in the paper."""
        slow, fast = math.exp(-1 / tau_decay), math.exp(-1 / tau_rise)
        k1 = (slow + fast) / (1 + slow * fast)
        return cls(**{"k1": k1, "k2": -slow * fast, "gain": slow - fast, **given})

    @classmethod
    def low_pass(cls, *, tau: float = 4.0, **given: Any) -> Self:
        """Impulse response exp(-t/tau), t in steps: first order."""
        return cls(**{"k1": math.exp(-1 / tau), "k2": 0.0, **given})

    def coefficients(self) -> tuple[Tensor, Tensor]:
        """a1 and a2."""
        return self.k1 * (1 - self.k2), self.k2

    def charge(self) -> dict[str, Tensor]:
        a1, a2 = self.coefficients()
        return {"f": a1 * self.f + a2 * self.before_f + self.gain * self.x, "before_f": self.f}
