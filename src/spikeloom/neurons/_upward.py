"""Neurons that state the whole spike: its event is the upward crossing of a threshold, and nothing is reset."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Option, Param
from ..surrogate import ATan, Surrogate
from .integrators import ExponentialEuler, Integrator
from .neuron import Neuron


class UpwardCrossing(Neuron):
    """Abstract: a spike in the step in which v rises through v_th; a subclass states v, its input and the derivative.

    Spike where v >= v_th now and v < v_th when the step began. The surrogate has a slope in the steps that begin below
    threshold. The potential is not held by `Refractory`, which leaves the spike its shape and does not count crossings.
    """

    v_th = Param(0.0, "mV", "potential whose upward crossing is a spike")
    surrogate = Option[Surrogate](ATan(width=5.0), "spike function and its slope in the backward pass")
    integrator = Option[Integrator](ExponentialEuler(), "how the derivative becomes the next state")

    family = "physiological"

    def threshold(self) -> Tensor:
        distance = self.value("v") - self.v_th
        # Negative in a step that begins above, lest wrappers that look at the distance alone find a spike there.
        return torch.where(self._from_below(), distance, -1 - torch.abs(distance))

    def fire(self) -> Tensor:
        return torch.where(self._from_below(), super().fire(), 0.0)

    def _from_below(self) -> Tensor:
        return self.before("v") < self.v_th
