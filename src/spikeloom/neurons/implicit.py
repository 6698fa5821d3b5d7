"""Implicit integrators of the membrane potential, for point neurons and for cables: gates exponential, v implicit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from ..compile import leaf, partials
from ..errors import TraceError
from .integrators import ExponentialEuler, Integrator

if TYPE_CHECKING:
    from .neuron import Neuron


class Implicit(Integrator):
    """Abstract: all states but `v` by exponential Euler, then v' = f(v) linearised about v and solved implicitly.

    With theta = 1 or 1/2, the potential u at t + theta dt solves (1 / (theta dt) - df/dv) u = f + (1 / (theta dt) -
    df/dv) v, where f and df/dv are taken at v; then v(t + dt) = v + (u - v) / theta. In a cable the currents between
    compartments, at u, are part of the equation.
    """

    theta: ClassVar[float]

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        advanced = ExponentialEuler().advance(neuron)
        if "v" not in advanced:
            do = "state its derivative, or use integrator=ExponentialEuler()"
            raise TraceError(f"{self!r} integrates a potential 'v', and {type(neuron).__name__} has none", do=do)
        v = neuron.value("v")
        later = neuron.bind({name: value for name, value in advanced.items() if name != "v"})
        with torch.enable_grad():
            leaves = {name: leaf(neuron.value(name)) for name in ("v", *neuron.inputs)}
            gains = partials(later.bind(leaves).slopes()["v"], leaves)
        stiffness = 1 / (self.theta * neuron.dt)
        rate = stiffness - gains.pop("v") if "v" in gains else stiffness
        between = self.solved(rate, later.slopes()["v"] + rate * v, gains)
        return {**advanced, "v": between if self.theta == 1.0 else v + (between - v) / self.theta}

    def solved(self, rate: Tensor, drive: Tensor, gains: Mapping[str, Tensor]) -> Tensor:
        """The u of rate u = drive; `gains` are the derivatives of v' by the inputs."""
        return drive / rate


class BackwardEuler(Implicit):
    """Backward Euler for the potential, exponential Euler for everything else; first order, stable at any step.

    Source: Hines 1984, "Efficient computation of branched nerve equations", Int. J. Bio-Medical Computing 15.
    """

    theta = 1.0


class CrankNicolson(Implicit):
    """Crank and Nicolson's trapezoidal rule for the potential, exponential Euler for everything else; second order.

    The gates stand half a step behind the potential, which makes both second order. Who starts a run at rest, where
    gates do not change, loses nothing; gates started elsewhere are as if shifted by dt / 2. Potentials that differ much
    between small compartments swing for some steps instead of decaying, since fast modes are only just damped.
    Source: Hines 1984, "Efficient computation of branched nerve equations", Int. J. Bio-Medical Computing 15.
    """

    theta = 0.5
