"""The refractory period that the wrapper `Refractory` and neurons published with one share."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Option, Param, State
from .neuron import Neuron


class RefractoryPeriod(Neuron):
    """Abstract: for t_ref after a spike there is no other, and the states declared as `held` keep their value.

    t_ref counts in whole steps of dt, rounded to the nearest: after a spike at step n the next is possible at step
    n + t_ref/dt + 1. With `once=True` it has no end.
    """

    t_ref = Param(2.0, "ms", "refractory period", at_least=0.0)
    once = Option(False, "an infinite refractory period: at most one spike, whatever t_ref")
    remaining = State(0.0, "ms", "time left of the refractory period and of the step of the spike")

    def verify(self) -> None:
        """A number t_ref must be a multiple of a number dt."""
        super().verify()
        values = self.param_values()
        t_ref, dt = values["t_ref"], values["dt"]
        if not isinstance(t_ref, Tensor) and not isinstance(dt, Tensor) and abs(t_ref / dt - round(t_ref / dt)) > 1e-6:
            do = f"{round(t_ref / dt) * dt:g} ms is nearest; choose it, or a smaller dt"
            expected = f"a multiple of dt = {dt:g} ms"
            raise ParameterError(f"{type(self).__name__}.t_ref", expected=expected, got=f"{t_ref:g} ms", do=do)

    def _resting(self) -> Tensor:
        """Whether this step is in the refractory period, from `deliver` on."""
        return self.remaining > 0.5 * self.dt

    def deliver(self) -> dict[str, Tensor]:
        counted = self.remaining if self.once else torch.clamp(self.remaining - self.dt, min=0.0)
        return {**super().deliver(), "remaining": counted}

    def charge(self) -> dict[str, Tensor]:
        resting, states = self._resting(), self.states
        return {
            name: torch.where(resting, self.value(name), value) if states[name].held else value
            for name, value in super().charge().items()
        }

    def fire(self) -> Tensor:
        return torch.where(self._resting(), 0.0, super().fire())

    def reset(self) -> dict[str, Tensor]:
        return {**super().reset(), "remaining": self.t_ref + self.dt}
