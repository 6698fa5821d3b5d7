"""What trial rules share whose targets are spike trains."""

from __future__ import annotations

import math

from torch import Tensor

from ..errors import ParameterError
from ..parameters import Param
from ._responses import OwnSpikes, double_exponential, exponential
from .trial import TrialRule


class SpikeTimeRule(TrialRule):
    """Abstract: a LIF with an exponential current and a soft reset learns when to spike.

    v(t) = sum_i w_i sum K(t - t_i) - v_th sum exp(-(t - t_o) / tau_mem), K scaled to a peak of 1.
    """

    family = "supervised, trials"

    tau_mem = Param(10.0, "ms", "membrane time constant", low=0.0)
    tau_syn = Param(5.0, "ms", "synaptic time constant", low=0.0)
    v_th = Param(1.0, "1", "spike threshold", low=0.0)

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        if not float(self.tau_syn) < float(self.tau_mem):
            got = f"{float(self.tau_syn):g} and {float(self.tau_mem):g}"
            raise ParameterError(type(self).__name__, expected="tau_syn < tau_mem", got=got)

    def filtered(self, x: Tensor) -> Tensor:
        parts = double_exponential(x, float(self.tau_mem), float(self.tau_syn), float(self.dt))
        return (parts[0] - parts[1]).unsqueeze(0)

    def potential_of(self, w: Tensor, filtered: Tensor) -> Tensor:
        own = exponential(self.respond_to(w, filtered), self._decay)
        return filtered[0] @ w.T - float(self.v_th) * own

    def respond_to(self, w: Tensor, filtered: Tensor) -> Tensor:
        spikes: Tensor = OwnSpikes(decay=self._decay)(filtered[0] @ w.T / float(self.v_th))
        return spikes

    @property
    def _decay(self) -> float:
        return math.exp(-float(self.dt) / float(self.tau_mem))

    def target_shape(self, w: Tensor, x: Tensor) -> tuple[int, ...]:
        """Of targets, which are spike trains."""
        return len(x), x.shape[1], len(w)

    def verify_target(self, target: Tensor) -> None:
        """Raise where a target is no spike train."""
        if not bool(((target == 0) | (target == 1)).all()):
            raise ParameterError(f"target of {type(self).__name__}", expected="spikes, 0 and 1", got="other values")
