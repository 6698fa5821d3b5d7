"""Neurons whose spike acts on the potential in the step after it."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import State
from .neuron import Neuron


class LateReset(Neuron):
    """Abstract: a subclass states `potential`, which may use `fired`; the potential v itself is not reset."""

    family = "linear integrate-and-fire"

    v = State(0.0, "1", "membrane potential", held=True)
    fired = State(0.0, "1", "spike of the step before")

    def potential(self) -> Tensor:
        """The next potential."""
        raise NotImplementedError(f"{type(self).__name__} states no potential(self)")

    def charge(self) -> dict[str, Tensor]:
        return {"v": self.potential(), "fired": torch.zeros_like(self.fired)}

    def reset(self) -> dict[str, Tensor]:
        return {"fired": torch.ones_like(self.fired)}
