"""Piecewise-linear neurons from event to event, against small steps, an adaptive solver and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import DTypeError, NonFiniteError, ParameterError, ShapeError
from spikeloom.neurons import McKean, PiecewiseLinearIF, RungeKutta4


def constant(value: float, duration: float, neuron: sl.Neuron) -> Tensor:
    return torch.full((round(duration / float(neuron.dt)),), value, dtype=torch.float64)


def pieces(v: float, a: float) -> float:
    """The three segments, written as such."""
    if v < a / 2:
        return -v
    return v - a if v < (1 + a) / 2 else 1 - v


def adaptive(
    values: list[tuple[float, float]], *, v_th: float = 0.5, epsilon: float = 0.1, gamma: float = 0.5
) -> list[float]:
    """Upward crossings of a McKean neuron, current by current, by an adaptive method of order 8."""
    y, t, found = np.zeros(2), 0.0, []

    def crossing(_t: float, y: np.ndarray, *_: float) -> float:
        return float(y[0] - v_th)

    crossing.direction = 1  # type: ignore[attr-defined]
    for current, duration in values:
        solved = solve_ivp(
            lambda _t, y, i=current: [pieces(y[0], 0.25) - y[1] + i, epsilon * (y[0] - gamma * y[1])],
            (t, t + duration), y, "DOP853", events=crossing, rtol=1e-12, atol=1e-12, max_step=0.05,
        )  # fmt: skip
        found += solved.t_events[0].tolist()
        y, t = solved.y[:, -1], t + duration
    return found


def test_spike_times_of_small_steps() -> None:
    """RK4 at 0.0005: the spike times, interpolated between the grid points, within 1e-6."""
    neuron = McKean(dt=0.0005, integrator=RungeKutta4())
    i = constant(0.5, 120.0, neuron)
    with torch.no_grad(), sl.record(neuron, "v") as trace:
        s = neuron(i.view(-1, 1, 1)).flatten()
    v, k = trace["v"].flatten(), s.nonzero().flatten()
    stepped = 0.0005 * (k + (0.5 - v[k - 1]) / (v[k] - v[k - 1]))
    exact = neuron.spike_times(i)
    assert len(exact) == 4
    assert (stepped - exact).abs().max() < 1e-6


def test_spike_times_of_an_adaptive_solver() -> None:
    neuron = McKean()
    i = torch.cat([constant(c, d, neuron) for c, d in [(0.5, 90.0), (0.0, 30.0), (0.45, 45.0), (0.7, 60.0)]])
    wanted = adaptive([(0.5, 90.0), (0.0, 30.0), (0.45, 45.0), (0.7, 60.0)])
    found = neuron.spike_times(i)
    assert len(wanted) == len(found) >= 6
    # What the adaptive method leaves at the corners of f.
    np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=2e-8)


@pytest.mark.parametrize("v_th", [0.125, 0.3, 0.625, 0.9])
def test_any_threshold_on_and_beside_the_corners(v_th: float) -> None:
    neuron = McKean(v_th=v_th)
    found = neuron.spike_times(constant(0.5, 100.0, neuron))
    np.testing.assert_allclose(found.numpy(), adaptive([(0.5, 100.0)], v_th=v_th), rtol=0, atol=2e-8)


@pytest.mark.parametrize(
    ("epsilon", "gamma"), [(0.02, 0.5), (1.0, 0.5), (1.9, 0.5), (0.5, 0.0), (0.25, 0.0), (3.0, 0.3)]
)
def test_real_complex_and_equal_eigenvalues(epsilon: float, gamma: float) -> None:
    """epsilon = 1/4 without decay has a double eigenvalue on the outer pieces."""
    neuron = McKean(epsilon=epsilon, gamma=gamma)
    found = neuron.spike_times(
        torch.cat([constant(0.5, 60.0, neuron), constant(-1.0, 5.0, neuron), constant(0.4, 30.0, neuron)])
    )
    wanted = adaptive([(0.5, 60.0), (-1.0, 5.0), (0.4, 30.0)], epsilon=epsilon, gamma=gamma)
    assert len(wanted) >= 1
    np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=5e-8)


def test_a_threshold_that_the_peak_just_reaches() -> None:
    """A crossing and its return lie within a short time, which steps might miss."""
    neuron = McKean(dt=0.001, epsilon=0.3, integrator=RungeKutta4())
    i = constant(0.5, 60.0, neuron)
    with sl.record(neuron, "v") as trace:
        neuron(i.view(-1, 1, 1))
    v = trace["v"].flatten()
    peaks = v[1:-1][(v[1:-1] > v[:-2]) & (v[1:-1] >= v[2:])]
    assert len(peaks) >= 3
    for height in peaks.tolist():
        for v_th in (height - 1e-6, height + 1e-6):
            assert len(McKean(epsilon=0.3, v_th=v_th).spike_times(constant(0.5, 60.0, McKean()))) == int(
                (peaks > v_th).sum()
            )


def test_a_changing_current_is_a_change_at_every_step() -> None:
    """White noise: the event-driven solution starts anew in each step, as the integrators do."""
    neuron = McKean(dt=0.05, integrator=sl.neurons.Substeps(of=RungeKutta4(), n=10))
    i = 0.4 + 0.6 * torch.randn(1600, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    stepped = (neuron(i.view(-1, 1, 1)).flatten().nonzero().flatten() + 1) * 0.05
    exact = neuron.spike_times(i)
    assert len(exact) == len(stepped) >= 3
    assert bool(((stepped - exact > -1e-9) & (stepped - exact < 0.05 + 1e-9)).all())


@pytest.mark.parametrize(("i", "fires"), [(0.0, False), (0.37, False), (0.5, True), (0.75, True), (0.9, False)])
def test_a_limit_cycle_where_the_fixed_point_is_on_the_rising_piece(i: float, fires: bool) -> None:
    """v = (i - a) / (1 / gamma - 1) lies there for i between 0.375 and 0.875, and repels since 1 > epsilon gamma."""
    neuron = McKean()
    late = neuron.spike_times(constant(i, 400.0, neuron))
    assert bool((late > 300).any()) is fires


def test_a_period_repeats_to_rounding() -> None:
    neuron = McKean()
    intervals = neuron.spike_times(constant(0.5, 400.0, neuron)).diff()[3:]
    assert len(intervals) > 5
    assert intervals.max() - intervals.min() < 1e-11


@pytest.mark.parametrize("current", [0.02, 0.5, 3.0, 40.0])
@pytest.mark.parametrize("slope", [0.0, 0.35, 1.0, 2.0])
def test_exact_crossing_of_the_absolute_integrate_and_fire(current: float, slope: float) -> None:
    """Time from v_reset to 0, a linear relaxation, and from 0 to v_th, an exponential escape."""
    neuron = PiecewiseLinearIF(slope=slope, v_reset=-0.8, v_th=1.2)
    down = math.log1p(slope * 0.8 / current) / slope if slope else 0.8 / current
    period = 10 * (down + math.log1p(1.2 / current))
    found = neuron.spike_times(constant(current, 5.5 * period, neuron))
    wanted = 10 * math.log1p(1.2 / current) + period * torch.arange(len(found), dtype=torch.float64)
    assert len(found) >= 5
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12 * float(wanted[-1]) + 1e-13)


def test_steps_meet_the_exact_crossing() -> None:
    """Exponential Euler is exact within a piece; the spike is at the end of the step of the crossing."""
    neuron = PiecewiseLinearIF(dt=0.01)
    i = constant(0.5, 200.0, neuron)
    stepped = (neuron(i.view(-1, 1, 1)).flatten().nonzero().flatten() + 1) * 0.01
    exact = neuron.spike_times(i)
    lateness = stepped.diff() - exact.diff()
    assert len(stepped) == len(exact) == 9
    assert bool((lateness > -1e-3).all() and (lateness < 0.01 + 1e-3).all())


def test_adaptation_from_event_to_event() -> None:
    """With a coupled adaptation that jumps, beside RK4 between the exact resets."""
    neuron = PiecewiseLinearIF(slope=0.35, beta=0.6, jump=0.3, tau_adapt=30.0, v_reset=0.2)
    found = neuron.spike_times(constant(0.9, 300.0, neuron))

    def crossing(_t: float, y: np.ndarray) -> float:
        return float(y[0] - 1)

    crossing.terminal = True  # type: ignore[attr-defined]
    t, y, wanted = 0.0, [0.0, 0.0], []
    while True:
        solved = solve_ivp(
            lambda _t, y: [((y[0] if y[0] > 0 else -0.35 * y[0]) - y[1] + 0.9) / 10, (0.6 * y[0] - y[1]) / 30],
            (t, 300.0), y, "DOP853", events=crossing, rtol=1e-12, atol=1e-12, max_step=0.2,
        )  # fmt: skip
        if not len(solved.t_events[0]):
            break
        t, y = float(solved.t_events[0][0]), [0.2, float(solved.y[1, -1]) + 0.3]
        wanted.append(t)
    assert len(wanted) == len(found) >= 4
    assert found.diff()[-1] > found.diff()[0]
    np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=1e-8)


def test_a_soft_reset_goes_on_from_the_threshold() -> None:
    """At the crossing itself there is nothing above threshold, and both resets are the same."""
    i = constant(0.5, 200.0, PiecewiseLinearIF())
    hard, soft = PiecewiseLinearIF(), PiecewiseLinearIF(soft_reset=True)
    torch.testing.assert_close(hard.spike_times(i), soft.spike_times(i), rtol=0, atol=1e-12)


def test_what_cannot_be_solved_is_refused() -> None:
    neuron = McKean()
    with pytest.raises(ShapeError, match="a value for each step"):
        neuron.spike_times(torch.zeros(3, 1))
    with pytest.raises(DTypeError):
        neuron.spike_times(torch.zeros(3, dtype=torch.int64))
    with pytest.raises(NonFiniteError):
        neuron.spike_times(torch.tensor([0.0, math.nan]))
    with pytest.raises(ParameterError, match="Make one neuron for each"):
        McKean(a=torch.tensor([0.2, 0.3])).spike_times(torch.zeros(3))
    with pytest.raises(ParameterError, match="v_rest < v_th"):
        PiecewiseLinearIF(v_rest=2.0)


@pytest.mark.parametrize("neuron", [McKean(v_th=0.2), PiecewiseLinearIF(v_th=0.1, v_reset=-0.1)], ids=repr)
def test_the_contract_holds_where_it_spikes(neuron: sl.Neuron) -> None:
    low, high = neuron.inputs["i"].span
    i = low + (high - low) * torch.rand(13, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert 0 < neuron(i).mean() < 0.2
    sl.check_neuron(neuron)
