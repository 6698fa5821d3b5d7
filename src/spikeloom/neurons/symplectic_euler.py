"""The integrator that advances one variable after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..compile import leaf, partials
from .integrators import Integrator, phi, without_noise

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
        now, advanced = neuron, {}
        for name in neuron.slopes():
            with torch.enable_grad():
                x = {name: leaf(now.value(name))}
                rate = partials(now.bind(x).slopes()[name], x).get(name)
            gain = now.dt if rate is None else now.dt * phi(rate * now.dt)
            advanced[name] = now.value(name) + gain * now.slopes()[name]
            now = now.bind({name: advanced[name]})
        return advanced
