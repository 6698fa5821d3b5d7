"""Integrators: how a `derivative` becomes the state one time step later. Each is its textbook formula.

Which to choose: `Exact` for linear dynamics (all of the LIF family), with no error at any dt; `ExponentialEuler` where
each variable is linear in itself (conductances, gates), stable at any dt; `Euler` to reproduce models published so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from ..compile import depends, leaf, partials
from ..errors import TraceError
from ..parameters import Declared
from ._stability import verify_step

if TYPE_CHECKING:
    from .neuron import Neuron

# A row or matrix of derivatives by name; what is absent is zero.
_Row = dict[str, Tensor]


class Integrator(Declared):
    """Abstract: a subclass states `advance`, and `growth` where a step can be too long for it."""

    # Whether the number of operations of a step is known beforehand, so that it can be compiled.
    compiled: ClassVar[bool] = True

    # Whether a step of any length is stable.
    stable: ClassVar[bool] = False

    def growth(self, z: Tensor) -> Tensor | None:
        """The factor by which a step multiplies x where dx/dt = z x / dt; None where it is no function of z alone."""
        return None

    def verify(self, neuron: Neuron) -> None:
        """Raise ParameterError where dt is too long for the dynamics of an unbound neuron at rest."""
        if not self.stable:
            verify_step(self, neuron)

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        """The states of a bound neuron after `dt` of its `derivative`."""
        raise NotImplementedError(f"{type(self).__name__} states no advance(self, neuron)")


def real_states(neuron: Neuron) -> list[str]:
    """Names of the states that can be differentiated."""
    return [name for name, state in neuron.states.items() if state.dtype is None]


def combined(neuron: Neuron, weights: Sequence[float], slopes: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """x + dt sum_i w_i k_i for each state x that has slopes k."""
    moved = {}
    for name in slopes[0] if slopes else ():
        total: Tensor | None = None
        for weight, slope in zip(weights, slopes, strict=True):
            if weight:
                total = _plus(total, weight * slope[name])
        moved[name] = neuron.value(name) if total is None else neuron.value(name) + neuron.dt * total
    return moved


class Euler(Integrator):
    """Forward Euler: x(t + dt) = x(t) + dt f(x(t)); first order. With noise, dx = f dt + g dW, Euler and Maruyama's.

    A step adds g sqrt(dt) xi, xi standard normal: strong order 1/2, 1 where g is free of states; in Ito's sense.
    Source: Kloeden and Platen 1992, "Numerical solution of stochastic differential equations", section 10.2.
    """

    def growth(self, z: Tensor) -> Tensor:
        return 1 + z

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        kicks = noise_of(neuron)
        return {
            name: _plus(kicks.get(name), neuron.value(name) + neuron.dt * slope)
            for name, slope in neuron.slopes().items()
        }


def noise_of(neuron: Neuron) -> dict[str, Tensor]:
    """g dW of each state that has noise, dW = sqrt(dt) xi. Raises: TraceError where a state has no noise declared."""
    increments = wiener(neuron)
    return {name: gain * increments[name] for name, gain in neuron.diffusion().items()}


def wiener(neuron: Neuron) -> dict[str, Tensor]:
    """dW of each state whose noise is declared."""
    declared = {noise.drives: neuron.value(name) for name, noise in neuron.noises.items() if noise.drives}
    for name in neuron.diffusion():
        if name not in declared:
            do = f'declare xi = Noise("...", drives="{name}")'
            raise TraceError(f"{type(neuron).__name__}.diffusion gives noise to {name!r}, which has none", do=do)
    return {name: torch.sqrt(neuron.dt) * xi for name, xi in declared.items()}


def without_noise(integrator: Integrator, neuron: Neuron) -> None:
    """Raise TraceError for a neuron with diffusion."""
    if neuron.diffusion():
        do = "use integrator=Euler(), Heun() or Milstein()"
        raise TraceError(f"{type(integrator).__name__} has no noise, and {type(neuron).__name__} has diffusion", do=do)


class ExponentialEuler(Integrator):
    """Exact for the part of each derivative that is linear in its own variable, the rest held for one step.

    With a = df/dx, found by differentiating the statement: x(t + dt) = x + dt phi(a dt) f(x), phi(z) = (e^z - 1) / z.
    First order where variables are coupled, second for one variable alone; stable for decaying dynamics at any dt.
    Source: Hochbruck and Ostermann 2010, "Exponential integrators", Acta Numerica 19, eq. 2.6, on the diagonal.
    """

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        without_noise(self, neuron)
        with torch.enable_grad():
            leaves = {name: leaf(neuron.value(name)) for name in real_states(neuron)}
            slopes = neuron.bind(leaves).slopes()
            linear = {name: partials(slope, leaves).get(name) for name, slope in slopes.items()}
        steps = {}
        for name, slope in neuron.slopes().items():
            rate = linear[name]
            gain = neuron.dt if rate is None else neuron.dt * phi(rate * neuron.dt)
            steps[name] = neuron.value(name) + gain * slope
        return steps


def phi(z: Tensor) -> Tensor:
    """(e^z - 1) / z; by its series where z is small, because there the derivative of the quotient cancels."""
    small = torch.abs(z) < 1e-2
    safe = torch.where(small, 1.0, z)
    series = 1 + z / 2 * (1 + z / 3 * (1 + z / 4 * (1 + z / 5 * (1 + z / 6))))
    return torch.where(small, series, torch.expm1(safe) / safe)


class Exact(Integrator):
    """Exact propagator of linear dynamics x' = A x + B i + c with input i constant over a step.

    x(t + dt) = E x + F (B i + c),  E = exp(A dt),  F = integral of exp(A s) from 0 to dt. A, B and c are found by
    differentiating the statement; E and F depend on parameters only and are computed once, in float64. Where variables
    are coupled, E and F come from a Taylor series of order 8 at dt / 2^12 and twelve doublings: relative error below
    1e-11 for rates up to 1000 / dt.
    Source: Rotter and Diesmann 1999, Biol. Cybern. 81, eq. 4; Higham 2008, "Functions of matrices", ch. 10.

    Raises: TraceError where the derivative is not linear in states and inputs.
    """

    stable = True

    def advance(self, neuron: Neuron) -> dict[str, Tensor]:
        without_noise(self, neuron)
        with torch.enable_grad():
            states = {name: leaf(neuron.value(name)) for name in real_states(neuron)}
            inputs = {name: leaf(neuron.value(name)) for name in neuron.inputs}
            slopes = neuron.bind({**states, **inputs}).slopes()
            by_state = {name: partials(slope, states) for name, slope in slopes.items()}
            by_input = {name: partials(slope, inputs) for name, slope in slopes.items()}
        _require_linear(neuron, {**states, **inputs}, by_state, by_input)
        zeros = {name: torch.zeros(()) for name in (*states, *inputs)}
        constant = neuron.bind(zeros).slopes()
        propagator, integral = _propagate(by_state, neuron.dt)
        advanced = {}
        for name in slopes:
            total: Tensor | None = None
            for other, weight in propagator[name].items():
                total = _plus(total, weight * neuron.value(other))
            for source, weight in integral[name].items():
                for j, gain in by_input[source].items():
                    total = _plus(total, (weight * gain) * neuron.value(j))
                total = _plus(total, weight * constant[source])
            advanced[name] = torch.zeros(()) if total is None else total
        return advanced


def _plus(total: Tensor | None, term: Tensor) -> Tensor:
    return term if total is None else total + term


def _require_linear(neuron: Neuron, variables: Mapping[str, Tensor], *matrices: Mapping[str, _Row]) -> None:
    for matrix in matrices:
        for name, row in matrix.items():
            for by, entry in row.items():
                if depends(entry, variables.values()):
                    raise TraceError(
                        f"Exact integrates linear dynamics only, and d({name}')/d({by}) of {type(neuron).__name__} "
                        "depends on states or inputs",
                        do="use integrator=ExponentialEuler() or Euler()",
                    )


def _propagate(rates: Mapping[str, _Row], dt: Tensor) -> tuple[dict[str, _Row], dict[str, _Row]]:
    """E and F, row by row."""
    if all(set(row) <= {name} for name, row in rates.items()):
        pairs = {name: _propagate_one(row.get(name), dt) for name, row in rates.items()}
        return {n: {n: e} for n, (e, _) in pairs.items()}, {n: {n: f} for n, (_, f) in pairs.items()}
    doublings, order = 12, 8
    h = dt * 2.0**-doublings
    identity = {name: {name: torch.ones_like(dt)} for name in rates}
    # Horner's scheme for F = h (1 + hA/2 (1 + hA/3 (...))), and E = 1 + A F.
    series = identity
    for k in range(order, 1, -1):
        series = _sum(identity, _scaled(_product(rates, series), h / k))
    integral = _scaled(series, h)
    # E - 1 is small at first: squaring E would double its rounding error each time.
    for _ in range(doublings):
        integral = _sum(_scaled(integral, 2.0), _product(integral, _product(rates, integral)))
    return _sum(identity, _product(rates, integral)), integral


def _propagate_one(rate: Tensor | None, dt: Tensor) -> tuple[Tensor, Tensor]:
    if rate is None:
        return torch.ones_like(dt), dt
    return torch.exp(rate * dt), dt * phi(rate * dt)


def _product(a: Mapping[str, _Row], b: Mapping[str, _Row]) -> dict[str, _Row]:
    """Matrix product of rows that name only their entries other than zero."""
    result: dict[str, _Row] = {name: {} for name in a}
    for name, row in a.items():
        for middle, left in row.items():
            for column, right in b[middle].items():
                result[name][column] = _plus(result[name].get(column), left * right)
    return result


def _sum(a: Mapping[str, _Row], b: Mapping[str, _Row]) -> dict[str, _Row]:
    result = {name: dict(row) for name, row in a.items()}
    for name, row in b.items():
        for column, entry in row.items():
            result[name][column] = _plus(result[name].get(column), entry)
    return result


def _scaled(a: Mapping[str, _Row], factor: Tensor | float) -> dict[str, _Row]:
    return {name: {column: entry * factor for column, entry in row.items()} for name, row in a.items()}
