"""Explicit Runge-Kutta methods of a fixed step; each is its tableau."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from ..errors import ParameterError
from ..parameters import Option
from .integrators import Integrator, combined, without_noise

if TYPE_CHECKING:
    from .neuron import Neuron


class RungeKutta(Integrator):
    """Abstract: x(t + dt) = x + dt sum_i b_i k_i, k_i = f(x + dt sum_{j < i} a_ij k_j), input constant over the step.

    A subclass states the rows of `a` below the diagonal, the first of them empty, and `b`.
    Source: Hairer, Norsett and Wanner 1993, "Solving ordinary differential equations I", section II.1.
    """

    a: ClassVar[tuple[tuple[float, ...], ...]]
    b: ClassVar[tuple[float, ...]]

    def growth(self, z: Tensor) -> Tensor:
        stages: list[Tensor] = []
        for row in self.a:
            stages.append(z * (1 + sum((w * k for w, k in zip(row, stages, strict=True)), start=torch.zeros(()))))
        return 1 + sum((w * k for w, k in zip(self.b, stages, strict=True)), start=torch.zeros(()))

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        without_noise(self, neuron)
        stages: list[dict[str, Tensor]] = []
        for row in self.a:
            stages.append(neuron.bind(combined(neuron, row, stages)).slopes())
        return combined(neuron, self.b, stages)


class Midpoint(RungeKutta):
    """Midpoint method: x(t + dt) = x + dt f(x + dt/2 f(x)); second order.

    Source: Hairer, Norsett and Wanner 1993, section II.1, table 1.1 (Runge).
    """

    a = ((), (1 / 2,))
    b = (0, 1)


class RungeKutta4(RungeKutta):
    """The Runge-Kutta method: fourth order, four evaluations of the derivative.

    Source: Hairer, Norsett and Wanner 1993, section II.1, table 1.2 (Kutta).
    """

    a = ((), (1 / 2,), (0, 1 / 2), (0, 0, 1))
    b = (1 / 6, 1 / 3, 1 / 3, 1 / 6)


class Substeps(Integrator):
    """Another integrator at dt / n, n times a step; threshold and reset are looked at once, after the last.

    The n steps are one program, so compilation takes n times as long. Raises: ParameterError for n < 1.

    >>> import torch, spikeloom as sl
    >>> neuron = sl.LIF(integrator=sl.neurons.Substeps(of=sl.neurons.Euler(), n=100))
    >>> neuron(torch.full((20, 1, 1), 1.7)).sum() == sl.LIF()(torch.full((20, 1, 1), 1.7)).sum()
    tensor(True)
    """

    of = Option[Integrator](RungeKutta4(), "the integrator of the parts")
    n = Option(10, "into how many parts a step is divided")

    def __init__(self, **given: object) -> None:
        super().__init__(**given)
        if self.n < 1:
            raise ParameterError("Substeps.n", expected="at least 1", got=self.n)

    def growth(self, z: Tensor) -> Tensor | None:
        growth = self.of.growth(z / self.n)
        return None if growth is None else growth**self.n

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        # The parts would share one draw.
        without_noise(self, neuron)
        now = neuron.bind({"dt": neuron.dt / self.n})
        for _ in range(self.n):
            now = now.bind(self.of.advance(now))
        return {name: now.value(name) for name in neuron.states}
