"""A wrapper that lets a neuron fire several spikes in one step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from torch import Tensor

from ..errors import ParameterError
from ..parameters import Option
from .integrate_and_fire import IF
from .neuron import Neuron
from .wrapper import Wrapper


class MultiSpike(Wrapper):
    """Graded spikes, as many as thresholds fit into the potential: s = min(floor(v / v_th), levels), not below 0.

    A soft reset lowers v by s (v_th - v_reset), a hard one sets it to v_reset. The backward pass adds up the slopes of
    the spike function at v_th, 2 v_th, ..., levels v_th.

    Shapes: as the wrapped neuron; spikes are 0, 1, ..., levels. Raises: ParameterError for less than one level, or a
    neuron without v, v_th, v_reset and a choice of reset.
    Source: Luo et al. 2024, "Integer-valued training and spike-driven inference spiking neural network" (SpikeYOLO),
    ECCV, where v is rounded, not cut off, and the slope is 1 between the first and the last level.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.MultiSpike(sl.IF(soft_reset=True), levels=3)(torch.tensor([2.5, 0.5, 9.0]).view(3, 1, 1)).flatten()
    tensor([2., 1., 3.])
    """

    levels = Option(4, "most spikes in a step")

    graded = True

    def __init__(self, neuron: Neuron, *, learn: Iterable[str] = (), **given: object) -> None:
        super().__init__(neuron, learn=learn, **given)
        require_membrane(self, neuron)
        if self.levels < 1:
            raise ParameterError("MultiSpike.levels", expected="at least 1", got=self.levels)

    @classmethod
    def example(cls) -> Self:
        return cls(IF(soft_reset=True))

    def _first(self) -> Tensor:
        """Whether there is a spike at all."""
        return super().fire()

    def fire(self) -> Tensor:
        v_th, spikes = self.value("v_th"), self._first()
        for n in range(2, self.levels + 1):
            spikes = spikes + self.wrapped.bind({"v_th": n * v_th}).fire()
        return spikes

    def reset(self) -> dict[str, Tensor]:
        v, v_reset = self.value("v"), self.value("v_reset")
        if self.option("soft_reset"):
            return {**super().reset(), "v": v - self.value("s") * (self.value("v_th") - v_reset)}
        first = self._first().detach() if self.option("detach_reset") else self._first()
        return {**super().reset(), "v": (1 - first) * v + first * v_reset}


def require_membrane(wrapper: Wrapper, neuron: Neuron) -> None:
    """Raise ParameterError unless a neuron has what resets of several sizes need."""
    try:
        neuron.option("soft_reset")
        complete = "v" in neuron.states and {"v_th", "v_reset"} <= set(neuron.params)
    except KeyError:
        complete = False
    if not complete:
        expected, do = "a neuron with v, v_th, v_reset and soft_reset", "wrap one of the LIF family, such as sl.LIF()"
        raise ParameterError(type(wrapper).__name__, expected=expected, got=repr(neuron), do=do)
