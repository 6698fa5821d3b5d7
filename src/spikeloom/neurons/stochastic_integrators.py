"""Integrators of stochastic differential equations dx = f dt + g dW; `Euler` in integrators.py is the simplest.

Where g does not depend on states all agree on what is solved; where it does, `Euler` and `Milstein` solve it in Ito's
sense and `Heun` in Stratonovich's. The noise of each state is independent of that of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..compile import leaf, partials
from .integrators import Euler, Integrator, real_states, wiener

if TYPE_CHECKING:
    from .neuron import Neuron


class Milstein(Integrator):
    """Euler's step and the next term of the noise: + g dg/dx (dW^2 - dt) / 2; strong order 1, Ito's sense.

    dg/dx is found by differentiating the statement; g of a state must not depend on other states for that order.
    Source: Kloeden and Platen 1992, "Numerical solution of stochastic differential equations", section 10.3.
    """

    def growth(self, z: Tensor) -> Tensor:
        return 1 + z

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        with torch.enable_grad():
            leaves = {name: leaf(neuron.value(name)) for name in real_states(neuron)}
            gains = neuron.bind(leaves).diffusion()
            rises = {name: partials(gain, leaves).get(name) for name, gain in gains.items()}
        moved, increments = Euler().advance(neuron), wiener(neuron)
        for name, gain in neuron.diffusion().items():
            rise = rises[name]
            if rise is not None:
                moved[name] = moved[name] + 0.5 * gain * rise * (increments[name] * increments[name] - neuron.dt)
        return moved


class Heun(Integrator):
    """Euler's step, then the average of both ends: x + dt (f(x) + f(y)) / 2 + (g(x) + g(y)) dW / 2, y Euler's result.

    Second order without noise; with it strong order 1 for one noise, in Stratonovich's sense.
    Source: Kloeden and Platen 1992, section 11.1; Hairer, Norsett and Wanner 1993, section II.1.
    """

    def growth(self, z: Tensor) -> Tensor:
        return 1 + z + z * z / 2

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        here = Euler().advance(neuron)
        ahead = neuron.bind(here)
        slopes, gains, increments = ahead.slopes(), ahead.diffusion(), wiener(neuron)
        moved = {}
        for name, first in here.items():
            second = neuron.value(name) + neuron.dt * slopes[name]
            if name in gains:
                second = second + gains[name] * increments[name]
            moved[name] = 0.5 * (first + second)
        return moved
