"""What rules with a teacher's spikes share: the teacher adds what the neuron's own spikes take away."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Input, Param
from .rule import Rule


class Remote(Rule):
    """Abstract: w grows by `change()` at a desired spike and falls by it at an actual one; together they do nothing."""

    family = "supervised"

    w_min = Param(-1.0, "weight", "lowest weight")
    w_max = Param(1.0, "weight", "highest weight")
    eta = Param(0.003, "weight", "learning rate")

    teacher = Input("1", "desired spikes")

    def change(self) -> Tensor:
        """What one desired spike adds."""
        raise NotImplementedError(f"{type(self).__name__} states no change(self)")

    def on_post(self) -> dict[str, Tensor]:
        # A spike that meets a desired one waits for it: to take and then to give does not cancel at bounds.
        return {"w": torch.where(self.teacher != 0, self.w, self.w - self.change())}

    def on_teacher(self) -> dict[str, Tensor]:
        return {"w": self.w + (self.teacher - self.spiked) * self.change()}
