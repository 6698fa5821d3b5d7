"""STDP with a rectangular window."""

from __future__ import annotations

import torch
from torch import Tensor

from ..parameters import Param
from ._recency import fewer
from .rule import PostTrace, PreTrace, Rule


class RectangularSTDP(Rule):
    """A postsynaptic spike less than `window` after a presynaptic one: w <- (1 + up) w; less than `window` before it:
    w <- (1 - down) w; at the same time: no change.

    Each spike is compared with the last one of the other side. Bounds are hard. Differences of times are whole steps.

    >>> import torch, spikeloom as sl
    >>> pre, post = torch.zeros(2, 20, 1, 1)
    >>> pre[5], post[8] = 1.0, 1.0
    >>> sl.plasticity.learn(sl.plasticity.RectangularSTDP(), torch.full((1, 1), 0.5), pre, post).w
    tensor([[[0.8500]]])

    Source: a textbook form of Markram, Lübke, Frotscher and Sakmann 1997, Science 275; 70 %, 20 % and 5 ms are those of
    courses, not from the paper.
    """

    family = "STDP"

    window = Param(5.0, "ms", "difference of times below which a pair counts", low=0.0)
    up = Param(0.7, "1", "potentiation, as a share of the weight", at_least=0.0)
    down = Param(0.2, "1", "depression, as a share of the weight", at_least=0.0, at_most=1.0)

    x = PreTrace("window", "last presynaptic spike")
    y = PostTrace("window", "last postsynaptic spike")

    def on_post(self) -> dict[str, Tensor]:
        return {"w": torch.where(self.counts(self.x), (1 + self.up) * self.w, self.w)}

    def on_pre(self) -> dict[str, Tensor]:
        return {"w": torch.where(self.counts(self.y), (1 - self.down) * self.w, self.w)}

    def counts(self, trace: Tensor) -> Tensor:
        """Whether the last spike was in an earlier step, fewer than ceil(window / dt) steps ago."""
        steps = torch.ceil(self.window / self.dt - 1e-6)
        return fewer(trace, steps, self.window, self.dt) & ~fewer(trace, torch.ones_like(steps), self.window, self.dt)

    def pre_spike(self) -> dict[str, Tensor]:
        return {"x": torch.ones_like(self.x)}

    def post_spike(self) -> dict[str, Tensor]:
        return {"y": torch.ones_like(self.y)}
