"""Integrators: their order, stability and agreement with closed forms, measured on statements made for that."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import NonFiniteError, ParameterError, TraceError
from spikeloom.neurons import (
    AdLIF,
    Euler,
    Exact,
    ExponentialEuler,
    Heun,
    Integrator,
    LeakyIntegrator,
    Midpoint,
    Milstein,
    RungeKutta4,
    RungeKutta45,
    Substeps,
    SymplecticEuler,
)
from spikeloom.parameters import Noise


class Pendulum(sl.Neuron):
    """dx/dt = y, dy/dt = -sin(x) - friction y + i: two coupled variables, nonlinear."""

    dt = sl.Param(0.1, "ms", "time step", low=0.0)
    friction = sl.Param(0.3, "1", "friction")
    i = sl.Input("1", "torque")
    x = sl.State(1.0, "1", "angle")
    y = sl.State(0.5, "1", "velocity")
    output = "x"

    def derivative(self) -> dict[str, Tensor]:
        return {"x": self.y, "y": -torch.sin(self.x) - self.friction * self.y + self.i}


class Decay(sl.Neuron):
    """dx/dt = -x^3 + i: one variable, nonlinear."""

    dt = sl.Param(0.1, "ms", "time step", low=0.0)
    i = sl.Input("1", "drive")
    x = sl.State(1.0, "1", "the variable")
    output = "x"

    def derivative(self) -> dict[str, Tensor]:
        return {"x": -self.x * self.x * self.x + self.i}


def final(kind: type[sl.Neuron], integrator: Integrator, dt: float, duration: float = 2.0) -> float:
    steps = round(duration / dt)
    x = torch.full((steps, 1, 1), 0.7, dtype=torch.float64)
    return kind(dt=dt, integrator=integrator)(x)[-1].item()


# Coupled variables are held for a step by ExponentialEuler, so it is of first order there, and second alone.
ORDERS = [
    (Pendulum, Euler(), 1),
    (Pendulum, ExponentialEuler(), 1),
    (Pendulum, Midpoint(), 2),
    (Pendulum, Heun(), 2),
    (Pendulum, RungeKutta4(), 4),
    (Pendulum, Substeps(of=Midpoint(), n=3), 2),
    (Decay, Euler(), 1),
    (Decay, ExponentialEuler(), 2),
    (Decay, Midpoint(), 2),
    (Decay, Milstein(), 1),
    (Decay, RungeKutta4(), 4),
]


@pytest.mark.parametrize(("kind", "integrator", "order"), ORDERS, ids=lambda v: getattr(v, "__name__", repr(v)))
def test_order_of_convergence(kind: type[sl.Neuron], integrator: Integrator, order: int) -> None:
    truth = final(kind, RungeKutta4(), 1 / 2048)
    # Short enough that the next order does not show, long enough that rounding does not.
    steps = (1 / 64, 1 / 128, 1 / 256) if order < 4 else (1 / 16, 1 / 32, 1 / 64)
    errors = [abs(final(kind, integrator, dt) - truth) for dt in steps]
    measured = math.log(errors[0] / errors[-1]) / math.log(steps[0] / steps[-1])
    assert abs(measured - order) < 0.1, f"{integrator!r}: errors {errors}"


def test_substeps_are_steps() -> None:
    parts = final(Pendulum, Substeps(of=RungeKutta4(), n=5), 0.5)
    assert parts == pytest.approx(final(Pendulum, RungeKutta4(), 0.1), abs=1e-14)
    with pytest.raises(ParameterError, match=r"Substeps\.n.*at least 1"):
        Substeps(of=Euler(), n=0)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-7, 1e-10])
@pytest.mark.parametrize("per_neuron", [True, False])
def test_error_control_keeps_the_tolerance(tolerance: float, per_neuron: bool) -> None:
    truth = final(Pendulum, RungeKutta4(), 1 / 2048)
    controlled = RungeKutta45(rtol=tolerance, atol=tolerance, per_neuron=per_neuron)
    # The error of one step is controlled; over two time units of a damped pendulum it hardly grows.
    assert abs(final(Pendulum, controlled, 0.5) - truth) < 10 * tolerance


def test_neurons_with_steps_of_their_own_do_not_disturb_each_other() -> None:
    calm, wild = torch.zeros(4, 1, 1, dtype=torch.float64), torch.full((4, 1, 1), 30.0, dtype=torch.float64)
    neuron = Decay(dt=0.5, integrator=RungeKutta45())
    together = neuron(torch.cat([calm, wild], dim=2))
    assert torch.equal(together[:, :, :1], neuron(calm))
    shared = Decay(dt=0.5, integrator=RungeKutta45(per_neuron=False))(torch.cat([calm, wild], dim=2))
    assert not torch.equal(shared[:, :, :1], neuron(calm))
    torch.testing.assert_close(shared, together, rtol=1e-5, atol=1e-8)


def test_error_control_is_differentiable() -> None:
    x = torch.full((3, 1, 2), 0.4, dtype=torch.float64, requires_grad=True)
    neuron = Decay(dt=0.5, integrator=RungeKutta45(rtol=1e-9, atol=1e-9))
    torch.autograd.gradcheck(neuron, (x,))


def test_error_control_cannot_be_compiled_and_says_so() -> None:
    with pytest.raises(TraceError, match=r"RungeKutta45.*cannot be compiled"):
        Decay(integrator=RungeKutta45()).plan(torch.zeros(2, 1, 1))


def test_error_control_names_where_nan_came_from() -> None:
    x = torch.zeros(5, 1, 3, dtype=torch.float64)
    x[2, 0, 1] = math.nan
    with pytest.raises(NonFiniteError, match="Decay"):
        Decay(integrator=RungeKutta45())(x)


@pytest.mark.parametrize(
    ("integrator", "longest"),
    [(Euler(), 40.0), (Midpoint(), 40.0), (RungeKutta4(), 20 * 2.7853), (Heun(), 40.0)],
    ids=repr,
)
def test_a_step_too_long_is_refused_with_the_longest(integrator: Integrator, longest: float) -> None:
    """dv/dt = -v/20: growth beyond 1 where dt/20 exceeds the end of the method's interval of stability."""
    sl.LIF(dt=longest - 0.1, integrator=integrator)
    with pytest.raises(ParameterError, match=r"time constant at rest is 20 ms.*unstable") as caught:
        sl.LIF(dt=longest + 0.1, integrator=integrator)
    assert f"at most {longest:.3g} ms" in str(caught.value)


@pytest.mark.parametrize("integrator", [ExponentialEuler(), SymplecticEuler()], ids=repr)
def test_what_grows_by_coupling_is_refused(integrator: Integrator) -> None:
    """A method that is stable for each variable alone need not be for two: its own step decides."""
    given = {"a": 8.0, "v_th": math.inf, "integrator": integrator}
    with pytest.raises(ParameterError, match=r"at most [0-9.]+ ms.*unstable") as caught:
        AdLIF(dt=80.0, **given)
    longest = float(str(caught.value).split("at most ")[1].split(" ms")[0])
    for factor, grows in ((0.97, False), (1.03, True)):
        neuron = AdLIF(dt=0.1, **given)
        x = torch.ones(3000, 1, 1, dtype=torch.float64)
        # Past the check, as training may take a parameter.
        neuron.__dict__["_values"]["dt"] = factor * longest
        with sl.record(neuron, "v") as trace:
            neuron(x)
        assert bool(trace["v"].abs().max() > 1e3) == grows


def test_a_step_that_becomes_too_long_is_refused() -> None:
    neuron = sl.LIF(integrator=Euler())
    with pytest.raises(ParameterError, match="unstable"):
        neuron.tau_mem = torch.tensor([20.0, 0.4])
    assert float(neuron.tau_mem) == 20.0
    neuron.tau_mem = torch.tensor([20.0, 0.6])


@pytest.mark.parametrize("integrator", [Exact(), ExponentialEuler(), Substeps(of=Euler(), n=50)], ids=repr)
def test_stable_at_long_steps(integrator: Integrator) -> None:
    y = LeakyIntegrator(tau_mem=0.5, dt=20.0, integrator=integrator)(torch.ones(5, 1, 1))
    assert bool(((y > 0.9) & (y < 1.1)).all())


def test_exponential_euler_is_exact_for_one_linear_variable() -> None:
    x = torch.rand(20, 2, 3, dtype=torch.float64)
    given = LeakyIntegrator(integrator=ExponentialEuler())(x)
    torch.testing.assert_close(given, LeakyIntegrator(integrator=Exact())(x), rtol=1e-13, atol=1e-13)


class Geometric(sl.Neuron):
    """dx = mu x dt + sigma x dW, solved by x exp((mu - sigma^2/2) t + sigma W) (Ito) or x exp(mu t + sigma W)."""

    dt = sl.Param(0.1, "ms", "time step", low=0.0)
    mu = sl.Param(0.2, "1", "drift")
    sigma = sl.Param(0.6, "1", "volatility")
    i = sl.Input("1", "Brownian increment of the step in units of sqrt(dt)")
    x = sl.State(1.0, "1", "the variable")
    w = sl.State(0.0, "1", "the Brownian path")
    xi = Noise("of x", drives="x")
    output = "x"

    def derivative(self) -> dict[str, Tensor]:
        return {"x": self.mu * self.x}

    def charge(self) -> dict[str, Tensor]:
        return {**super().charge(), "w": self.w + torch.sqrt(self.dt) * self.xi}

    def diffusion(self) -> dict[str, Tensor]:
        return {"x": self.sigma * self.x}


def strong_error(integrator: Integrator, dt: float, ito: bool) -> float:
    """Mean distance from the solution on the same path after one time unit, over 20 000 paths."""
    torch.manual_seed(3)
    neuron = Geometric(dt=dt, integrator=integrator)
    with torch.no_grad(), sl.record(neuron, "w", "x") as trace:
        neuron(torch.zeros(round(1 / dt), 1, 20_000, dtype=torch.float64))
    drift = 0.2 - (0.6**2 / 2 if ito else 0.0)
    return (trace["x"][-1] - torch.exp(drift + 0.6 * trace["w"][-1])).abs().mean().item()


# Slopes of the mean error over paths; 20 000 paths leave an uncertainty of about 0.01.
@pytest.mark.parametrize(
    ("integrator", "order", "ito"), [(Euler(), 0.5, True), (Milstein(), 1.0, True), (Heun(), 1.0, False)], ids=repr
)
def test_strong_order(integrator: Integrator, order: float, ito: bool) -> None:
    steps = (1 / 32, 1 / 64, 1 / 128, 1 / 256)
    errors = [strong_error(integrator, dt, ito) for dt in steps]
    measured = math.log(errors[0] / errors[-1]) / math.log(steps[0] / steps[-1])
    assert abs(measured - order) < 0.1, f"{integrator!r}: errors {errors}"


class OrnsteinUhlenbeck(sl.Neuron):
    """tau dx = -x dt + sigma sqrt(2 tau) dW: stationary variance sigma^2."""

    tau = sl.Param(5.0, "ms", "time constant", low=0.0)
    sigma = sl.Param(2.0, "1", "standard deviation")
    i = sl.Input("1", "drive")
    x = sl.State(0.0, "1", "the variable")
    xi = Noise("of x", drives="x")
    output = "x"

    def derivative(self) -> dict[str, Tensor]:
        return {"x": (self.i - self.x) / self.tau}

    def diffusion(self) -> dict[str, Tensor]:
        return {"x": self.sigma * torch.sqrt(2 / self.tau)}


@pytest.mark.parametrize("integrator", [Euler(), Heun(), Milstein()], ids=repr)
def test_ornstein_uhlenbeck_is_stationary(integrator: Integrator) -> None:
    torch.manual_seed(0)
    y = OrnsteinUhlenbeck(dt=0.05, integrator=integrator)(torch.zeros(1000, 1, 20_000))
    # Euler's variance is sigma^2 / (1 - dt / 2 tau); 20 000 samples know it to 1 %.
    assert y[-1].var().item() == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize("integrator", [Exact(), ExponentialEuler(), RungeKutta4()], ids=repr)
def test_integrators_without_noise_refuse_it(integrator: Integrator) -> None:
    with pytest.raises(TraceError, match="has no noise"):
        OrnsteinUhlenbeck(integrator=integrator)(torch.zeros(2, 1, 1))


def test_diffusion_without_noise_is_refused() -> None:
    class Undriven(OrnsteinUhlenbeck):
        xi = Noise("of nothing")

    with pytest.raises(TraceError, match=r"gives noise to 'x', which has none"):
        Undriven(integrator=Euler())(torch.zeros(2, 1, 1))
