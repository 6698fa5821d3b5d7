"""The integrator that advances one variable after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..compile import leaf, partials
from .integrators import Integrator, phi, without_noise
from .sequential_euler import one_after_another

if TYPE_CHECKING:
    from .neuron import Neuron


class SymplecticEuler(Integrator):
    """Symplectic Euler: each variable meets the new values of those that the derivative names before it.

    Of each derivative, the part that is linear in its own variable is integrated exactly, as by `ExponentialEuler`;
    without such a part it is the textbook method, x += dt f(x, y), y += dt g(x, y), which keeps an oscillator's energy
    bounded. First order.
    Source: Hairer, Lubich and Wanner 2006, "Geometric numerical integration", eq. I.1.9; for spiking neurons Baronig et
    al. 2025, Nature Communications 16 (arXiv:2408.07517), where the exact linear part is used too.
    """

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        without_noise(self, neuron)
        return one_after_another(neuron, _gain)


def _gain(neuron: Neuron, name: str) -> Tensor:
    """dt, or what integrates the part that is linear in the variable exactly."""
    with torch.enable_grad():
        x = {name: leaf(neuron.value(name))}
        rate = partials(neuron.bind(x).slopes()[name], x).get(name)
    return neuron.dt if rate is None else neuron.dt * phi(rate * neuron.dt)
