"""What rules with a teacher's spikes share: the teacher adds what the neuron's own spikes take away."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Input, Param
from .rule import Rule, SynapseState


class Remote(Rule):
    """Abstract: w grows by `change()` at a desired spike and falls by it at an actual one; together they do nothing."""

    family = "supervised"

    w_min = Param(-1.0, "weight", "lowest weight")
    w_max = Param(1.0, "weight", "highest weight")
    eta = Param(0.003, "weight", "learning rate")

    teacher = Input("1", "desired spikes")
    # An actual spike that meets a desired one waits for it: to take and then to give does not cancel at bounds.
    met = SynapseState(0.0, "1", "1 between an actual spike and the desired one at the same time")

    def change(self) -> Tensor:
        """What one desired spike adds."""
        raise NotImplementedError(f"{type(self).__name__} states no change(self)")

    def on_post(self) -> dict[str, Tensor]:
        met = self.teacher != 0
        alone = torch.where(met, self.w, self.w - self.change())
        return {"w": alone, "met": torch.where(met, torch.ones_like(self.met), self.met)}

    def on_teacher(self) -> dict[str, Tensor]:
        return {"w": self.w + (self.teacher - self.met) * self.change(), "met": torch.zeros_like(self.met)}
