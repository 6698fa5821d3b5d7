"""The current of a synapse as two traces."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Param
from ._remote import Remote
from .rule import PreTrace


class PostsynapticCurrent(Remote):
    """Abstract: a rule with a teacher whose changes go with the current of the synapse."""

    tau_s = Param(10.0, "ms", "decay of the current", low=0.0)
    tau_f = Param(2.5, "ms", "rise of the current", low=0.0)
    slow = PreTrace("tau_s", "presynaptic spikes, decay of the current")
    fast = PreTrace("tau_f", "presynaptic spikes, rise of the current")

    def verify(self) -> None:
        """Raise ParameterError where the rise is not shorter than the decay."""
        super().verify()
        rise, decay = (float(self.param_values()[name]) for name in ("tau_f", "tau_s"))
        if not rise < decay:
            raise ParameterError(type(self).__name__, expected="tau_f < tau_s", got=f"{rise:g} and {decay:g} ms")

    @property
    def current(self) -> Tensor:
        """Per weight; the peak for one spike is 1."""
        rate = torch.log(self.tau_s / self.tau_f) / (self.tau_s - self.tau_f)
        peak = torch.exp(-rate * self.tau_f) - torch.exp(-rate * self.tau_s)
        return (self.slow - self.fast) / peak
