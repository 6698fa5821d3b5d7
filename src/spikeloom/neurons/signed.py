"""A wrapper that lets a neuron fire negative spikes as well."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor

from ..parameters import Param
from .integrate_and_fire import IF
from .multi_spike import require_membrane
from .neuron import Neuron
from .wrapper import Wrapper


class Signed(Wrapper):
    """Adds negative spikes to the wrapped neuron: s = -1 where v <= -v_neg, beside s = 1 where v >= v_th.

    A negative spike sets v to v_reset, or raises it by v_neg + v_reset where the wrapped neuron's reset is soft.
    `Signed(LIF())` is a ternary neuron. `Signed(IF(soft_reset=True), v_neg=10.0)` fires at the rate of a leaky ReLU of
    slope 1 / 10: unequal thresholds v_neg = v_th / slope. The slopes of both spike functions add up in the backward
    pass.

    Shapes: as the wrapped neuron; spikes are -1, 0 or 1. Units: that of v_th. Raises: ParameterError for a neuron
    without v, v_th, v_reset and a choice of reset.
    Source: Kim, Park, Na and Yoon 2020, "Spiking-YOLO", AAAI (unequal thresholds); Guo et al. 2024, "Ternary spike:
    learning ternary spikes for spiking neural networks", AAAI.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.neurons.Signed(sl.IF(soft_reset=True), v_neg=2.0)
    >>> neuron(torch.tensor([1.0, -1.0, -1.0, -2.0]).view(4, 1, 1)).flatten()
    tensor([ 1.,  0., -1., -1.])
    """

    v_neg = Param(1.0, "1", "depth of the threshold of negative spikes below 0", low=0.0)

    graded = True

    def __init__(self, neuron: Neuron, *, learn: Iterable[str] = (), **given: object) -> None:
        super().__init__(neuron, learn=learn, **given)
        require_membrane(self, neuron)

    @classmethod
    def example(cls) -> Self:
        return cls(IF(soft_reset=True), v_neg=2.0)

    def fire(self) -> Tensor:
        spikes: Tensor = super().fire() - self.option("surrogate")(-self.value("v") - self.v_neg)
        return spikes

    def reset(self) -> dict[str, Tensor]:
        v, s, after = self.value("v"), self.value("s"), super().reset()
        v_reset = self.value("v_reset")
        above = v > (self.value("v_th") - self.v_neg) / 2
        down = v + (self.v_neg + v_reset) if self.option("soft_reset") else v_reset
        size = torch.where(above, s, -s)
        return {**after, "v": (1 - size) * v + size * torch.where(above, after["v"], down)}
