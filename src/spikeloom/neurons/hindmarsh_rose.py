"""The bursting neuron of Hindmarsh and Rose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from ..parameters import Input, Option, Param, Preset, State
from ..surrogate import ATan, Surrogate
from ._upward import UpwardCrossing
from .integrators import Integrator
from .runge_kutta import RungeKutta4


class HindmarshRose(UpwardCrossing):
    """dv/dt = y - a v^3 + b v^2 - z + i, dy/dt = c - d v^2 - y, dz/dt = r (s (v - v_rest) - z).

    Spike where v rises through v_th. The slow z ends a burst of spikes and lets go of the next. With the default, i = 2
    is followed by regular bursts and i = 4 by tonic spikes; "chaotic" bursts at irregular length.

    Shapes: [T, B, *features] to spikes of the same shape. Units: time in ms is the model's, which has no unit; the rest
    has none either.
    Source: Hindmarsh and Rose 1984, Proc. R. Soc. Lond. B 221:87, with v for the paper's x and v_rest for its x_1 =
    -(1 + sqrt 5) / 2, here rounded as usual. The crossing that counts as a spike is not from the paper.

    >>> import torch, spikeloom as sl
    >>> sl.neurons.HindmarshRose()(torch.full((20000, 1, 3), 1.0) * torch.tensor([0.0, 2.0, 4.0])).sum(0)
    tensor([[  0.,  79., 198.]])
    """

    dt = Param(0.05, "ms", "time step", low=0.0)
    v_th = Param(1.0, "1", "potential whose upward crossing is a spike")
    surrogate = Option[Surrogate](ATan(), "spike function and its slope in the backward pass")
    # Exponential Euler would lose a fifth of the spikes of a burst at this dt.
    integrator = Option[Integrator](RungeKutta4(), "how the derivative becomes the next state")
    a = Param(1.0, "1", "cubic term of the potential", low=0.0)
    b = Param(3.0, "1", "quadratic term of the potential")
    c = Param(1.0, "1", "constant term of the recovery")
    d = Param(5.0, "1", "quadratic term of the recovery")
    r = Param(0.001, "1/ms", "rate of the adaptation", low=0.0)
    s = Param(4.0, "1", "gain of the adaptation")
    v_rest = Param(-1.6, "1", "potential at which there is no adaptation")

    i = Input("1", "input current", span=(0.0, 5.0))
    v = State("v_rest", "1", "membrane potential")
    y = State(-11.8, "1", "recovery")
    z = State(0.0, "1", "adaptation")

    shown = (2.0, 1500.0)
    presets: ClassVar[Mapping[str, Preset]] = {
        "bursting": Preset({}, source="Hindmarsh and Rose 1984", drive=2.0, duration=1500.0),
        "chaotic": Preset({"r": 0.005}, source="Hindmarsh and Rose 1984", drive=3.25, duration=1500.0),
    }

    def derivative(self) -> dict[str, Tensor]:
        v = self.v
        return {
            "v": self.y - self.a * v**3 + self.b * v**2 - self.z + self.i,
            "y": self.c - self.d * v**2 - self.y,
            "z": self.r * (self.s * (v - self.v_rest) - self.z),
        }
