"""Nonlinear integrate-and-fire neurons: the potential runs away by itself, and its arrival at a peak is the spike."""

from __future__ import annotations

from torch import Tensor

from ..parameters import Option, Param
from ..surrogate import ATan, Surrogate
from .integrators import Euler, Integrator
from .neuron import Neuron


class Upswing(Neuron):
    """Abstract: a spike where v >= v_peak; a subclass states v, its input, the derivative and the reset.

    The peak is where the upswing is cut off, far above the threshold from which it can no longer be stopped. Every step
    begins below the peak, so Euler's method, with which these models were published, meets no larger derivative than
    the one there.
    """

    dt = Param(0.1, "ms", "time step", low=0.0)
    v_peak = Param(30.0, "mV", "potential at which the upswing is cut off")
    surrogate = Option[Surrogate](ATan(width=10.0, height=0.03), "spike function and its slope in the backward pass")
    integrator = Option[Integrator](Euler(), "how the derivative becomes the next state")

    family = "nonlinear integrate-and-fire"

    def threshold(self) -> Tensor:
        return self.value("v") - self.v_peak  # type: ignore[no-any-return]
