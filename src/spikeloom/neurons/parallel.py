"""Neurons without reset, whose potential is a weighted sum of the latest inputs."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from ..errors import ParameterError
from ..parameters import Input, Param, Shown, State
from ._nan import nan_of
from ._response import Kernel, Response, written
from .neuron import Neuron


class ThresholdUnit(Neuron):
    """Threshold unit without memory: v(t) = i(t), spike where v >= v_th.

    Shapes: [T, B, *features] to spikes of the same shape. Units: none.
    Source: McCulloch and Pitts 1943, Bull. Math. Biophys. 5, without its absolute inhibition.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.ThresholdUnit()(torch.tensor([0.5, 1.0, 0.9]).view(3, 1, 1)).flatten()
    tensor([0., 1., 0.])
    """

    shown = Shown(1.5, 50.0, pulses=True)
    v_th = Param(1.0, "1", "spike threshold")
    i = Input("1", "input")
    v = State(0.0, "1", "input of the step")

    family = "reset-free"

    def charge(self) -> dict[str, Tensor]:
        return {"v": self.i + nan_of(self.v)}

    def threshold(self) -> Tensor:
        return self.v - self.v_th


class SlidingPSN(Response):
    """Sliding parallel spiking neuron: v(t) = sum_j weight[j] i(t - j), spike where v >= v_th; no reset.

    `weight` is a tensor [order] or [order, *features], newest input first, or the order alone for the published initial
    values 1, 1/2, 1/4, .... `learn=("weight", "v_th")` trains both. Its state is what the inputs so far will add to the
    potentials to come. `sl.nn.PSN` and `sl.nn.MaskedPSN` have weights of their own at every step.

    Shapes: [T, B, *features] to spikes of the same shape. Units: none; one step is one time unit.
    Raises: ParameterError for an order below 1 or weights that are not finite.
    Source: Fang et al. 2023, "Parallel spiking neurons with high efficiency and ability to learn long-term
    dependencies", NeurIPS (there W is ordered from the oldest input to the newest, and v_th is its bias B).

    >>> import torch, spikeloom as sl
    >>> sl.neurons.SlidingPSN((1.0, 0.5))(torch.tensor([0.8, 0.6, 0.6, 0.8]).view(4, 1, 1)).flatten()
    tensor([0., 1., 0., 1.])
    """

    shown = Shown(1.5, 50.0, pulses=True)
    v_th = Param(1.0, "1", "spike threshold")
    i = Input("1", "input", span=(-1.0, 2.0))
    v = State(0.0, "1", "membrane potential")

    family = "reset-free"

    def __init__(self, weight: Kernel | int = 2, *, learn: Iterable[str] = (), **given: object) -> None:
        if isinstance(weight, int):
            if weight < 1:
                raise ParameterError("order of SlidingPSN", expected="at least 1", got=weight)
            weight = [2.0**-j for j in range(weight)]
        super().__init__({"weight": weight}, learn=learn, **given)

    def kernels(self) -> dict[str, Tensor]:
        return {"weight": self.kept("weight")}

    def lines(self) -> dict[str, int]:
        return {"ahead": self._lengths["weight"]}

    def charge(self) -> dict[str, Tensor]:
        ahead = [later + self.tap("weight", j) * self.i for j, later in enumerate(self.moved("ahead"))]
        return {**written("ahead", ahead), "v": ahead[0] + nan_of(self.v)}

    def threshold(self) -> Tensor:
        return self.v - self.v_th
