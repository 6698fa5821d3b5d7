"""Euler's method for one variable after the other, as many published programs have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor

from .integrators import Integrator, without_noise

if TYPE_CHECKING:
    from .neuron import Neuron


class SequentialEuler(Integrator):
    """x <- x + dt f(x, y), then y <- y + dt g(x, y) with the new x, in the order in which the derivative names them.

    First order, as `Euler`. What a published program computes so may depend on it: of Izhikevich's twenty patterns of
    2004, bistability and inhibition-induced bursting do not occur with `Euler` at the same step. `SymplecticEuler` has
    the same order of variables but integrates exactly what is linear in each.
    Source: Hairer, Lubich and Wanner 2006, "Geometric numerical integration", eq. I.1.9.
    """

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        without_noise(self, neuron)
        return one_after_another(neuron, lambda now, name: now.dt)


def one_after_another(neuron: Neuron, gain: Callable[[Neuron, str], Tensor]) -> dict[str, Tensor]:
    """x <- x + gain f(x), each variable with the new values of those before it; `gain` of a neuron and a variable."""
    now, advanced = neuron, {}
    for name in neuron.slopes():
        advanced[name] = now.value(name) + gain(now, name) * now.slopes()[name]
        now = now.bind({name: advanced[name]})
    return advanced
