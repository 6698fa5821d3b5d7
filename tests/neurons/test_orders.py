"""Measured order of each integrator: the slope of log error over log dt."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.neurons import Euler, Exact, ExponentialEuler, Integrator

# Within 0.1 of the order: the next term of the error expansion is smaller by O(dt), below 5 % at these step sizes.
Error = Callable[[Integrator, int], float]
STEPS = (64, 128, 256, 512, 1024)
DURATION = 8.0


class Logistic(sl.Neuron):
    """Logistic growth, v' = g v (1 - v): nonlinear in itself."""

    g = sl.Param(1.0, "1/ms", "growth rate", low=0.0)
    i = sl.Input("1", "not used")
    v = sl.State(0.1, "1", "population")
    output = "v"

    def derivative(self) -> dict[str, Tensor]:
        return {"v": self.g * self.v * (1 - self.v) + 0 * self.i}


def final_potential(neuron: sl.Neuron, steps: int, current: float) -> float:
    _, state = sl.unroll(neuron, torch.full((steps, 1, 1), current, dtype=torch.float64))
    return float(state[""]["v"])


def logistic_error(integrator: Integrator, steps: int) -> float:
    exact = 1 / (1 + 9 * math.exp(-DURATION / 2))
    return abs(final_potential(Logistic(integrator=integrator, g=0.5, dt=DURATION / steps), steps, 0.0) - exact)


def relaxation_error(integrator: Integrator, steps: int) -> float:
    neuron = sl.LeakyIntegrator(integrator=integrator, tau_mem=10.0, dt=DURATION / steps)
    return abs(final_potential(neuron, steps, 1.0) + math.expm1(-DURATION / 10))


def coupled_error(integrator: Integrator, steps: int) -> float:
    """A membrane charged by a current that has decayed from 1: the difference of exponentials."""
    neuron = sl.CurrentLIF(integrator=integrator, tau_mem=10.0, tau_syn=4.0, v_th=math.inf, dt=DURATION / steps)
    state = {"": {"v": torch.zeros(1, 1, dtype=torch.float64), "i_syn": torch.ones(1, 1, dtype=torch.float64)}}
    _, final = sl.unroll(neuron, torch.zeros(steps, 1, 1, dtype=torch.float64), state)
    exact = 4 / (10 - 4) * (math.exp(-DURATION / 10) - math.exp(-DURATION / 4))
    return abs(float(final[""]["v"]) - exact)


@pytest.mark.parametrize(
    ("error", "integrator", "order"),
    [
        (logistic_error, Euler(), 1),
        (relaxation_error, Euler(), 1),
        (coupled_error, Euler(), 1),
        # One variable alone is linearised completely, which makes the exponential method one of second order.
        (logistic_error, ExponentialEuler(), 2),
        (coupled_error, ExponentialEuler(), 1),
    ],
)
def test_order(error: Error, integrator: Integrator, order: int) -> None:
    errors = [error(integrator, steps) for steps in STEPS]
    slope = -np.polyfit(np.log(STEPS), np.log(errors), 1)[0]
    assert abs(slope - order) <= 0.1, f"order {slope:.3f}, errors {errors}"


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize(
    ("error", "integrator"),
    [(relaxation_error, Exact()), (coupled_error, Exact()), (relaxation_error, ExponentialEuler())],
)
def test_no_error_but_rounding(error: Error, integrator: Integrator, steps: int) -> None:
    """A step rounds at most five times at 1.1e-16: 1e-15. A coupled propagator is doubled twelve times: 2^12 eps."""
    per_step = 1e-12 if error is coupled_error else 1e-15
    assert error(integrator, steps) <= per_step * steps


@pytest.mark.parametrize("tau", [1e2, 1e4, 1e5, 1e6])
def test_exponential_euler_is_exact_for_slow_relaxation_too(tau: float) -> None:
    """Where dt / tau is small, (e^z - 1) / z must come from a series that is long enough."""
    steps = 200
    neuron = sl.LeakyIntegrator(integrator=ExponentialEuler(), tau_mem=tau)
    exact = -math.expm1(-steps / tau)
    assert abs(final_potential(neuron, steps, 1.0) - exact) <= 1e-15 * steps * exact


def test_exact_covers_a_rate_of_zero() -> None:
    """A leak that is switched off leaves a perfect integrator."""

    class Leaky(sl.Neuron):
        """v' = i - leak v."""

        leak = sl.Param(0.0, "1/ms", "leak", at_least=0.0)
        i = sl.Input("1", "current")
        v = sl.State(0.0, "1", "potential")
        output = "v"

        def derivative(self) -> dict[str, Tensor]:
            return {"v": self.i - self.leak * self.v}

    for integrator in (Exact(), ExponentialEuler(), Euler()):
        assert final_potential(Leaky(integrator=integrator), 16, 0.25) == 4.0


def test_exact_refuses_dynamics_that_are_not_linear() -> None:
    with pytest.raises(sl.errors.TraceError, match=r"linear.*Logistic.*ExponentialEuler"):
        Logistic()(torch.zeros(2, 1, 1))


def test_exponential_euler_is_stable_at_any_step() -> None:
    assert (
        abs(final_potential(sl.LeakyIntegrator(integrator=ExponentialEuler(), tau_mem=1.0, dt=500.0), 3, 1.0) - 1)
        < 1e-15
    )


def test_exponential_euler_of_a_nonlinear_neuron_has_the_gradient_of_its_own_step() -> None:
    """The slope that the step linearises about depends on the state, and so does the gradient."""
    x = torch.rand(4, 1, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    state = torch.tensor([[0.2, 0.7]], dtype=torch.float64, requires_grad=True)
    neuron = Logistic(integrator=ExponentialEuler(), dt=0.5)

    def run(x: Tensor, v: Tensor) -> Tensor:
        return sl.unroll(neuron, x, {"": {"v": v}})[0]

    assert torch.autograd.gradcheck(run, (x, state))
