"""Physiological neurons against published behaviour and an adaptive solver of their published equations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

import spikeloom as sl
from spikeloom.neurons import (
    ConnorStevens,
    FitzHughNagumo,
    HindmarshRose,
    HodgkinHuxley,
    MorrisLecar,
    RungeKutta4,
    TraubMiles,
    WangBuzsaki,
)
from spikeloom.neurons._rates import linoid

Derivative = Callable[[np.ndarray, float], list[float]]


def simulate(neuron: sl.Neuron, currents: Sequence[float] | Tensor, duration: float) -> tuple[Tensor, Tensor]:
    """Spikes and potential, [T, currents], at constant currents, or at given ones [T, N]."""
    i = torch.as_tensor(currents, dtype=torch.float64)
    i = i.expand(round(duration / float(neuron.dt)), -1) if i.dim() == 1 else i
    with torch.no_grad(), sl.record(neuron, "v") as trace:
        s = neuron(i.unsqueeze(1))
    return s[:, 0], trace["v"][:, 0]


def spike_times(neuron: sl.Neuron, s: Tensor) -> Tensor:
    return (s.nonzero().flatten() + 1) * float(neuron.dt)


def rates(neuron: sl.Neuron, s: Tensor) -> list[float]:
    """Sustained rate in Hz: from the intervals of the second half, 0 where it has fewer than three spikes."""
    found = []
    for column in s.T:
        times = spike_times(neuron, column)
        late = times[times > len(column) * float(neuron.dt) / 2]
        found.append(1000 / float(late.diff().mean()) if len(late) > 2 else 0.0)
    return found


def sustained(neuron: sl.Neuron, currents: Sequence[float], duration: float) -> list[float]:
    return rates(neuron, simulate(neuron, currents, duration)[0])


def kinetics(x: float, alpha: float, beta: float) -> float:
    return alpha * (1 - x) - beta * x


def hodgkin_huxley(y: np.ndarray, i: float) -> list[float]:
    v, m, h, n = y
    return [
        i - 120 * m**3 * h * (v - 50) - 36 * n**4 * (v + 77) - 0.3 * (v + 54.387),
        kinetics(m, 0.1 * (v + 40) / (1 - np.exp(-(v + 40) / 10)), 4 * np.exp(-(v + 65) / 18)),
        kinetics(h, 0.07 * np.exp(-(v + 65) / 20), 1 / (1 + np.exp(-(v + 35) / 10))),
        kinetics(n, 0.01 * (v + 55) / (1 - np.exp(-(v + 55) / 10)), 0.125 * np.exp(-(v + 65) / 80)),
    ]


def morris_lecar(y: np.ndarray, i: float) -> list[float]:
    v, w = y
    m = 0.5 * (1 + np.tanh((v + 1.2) / 18))
    v_dot = (i - 4.4 * m * (v - 120) - 8 * w * (v + 84) - 2 * (v + 60)) / 20
    return [v_dot, 0.04 * (0.5 * (1 + np.tanh((v - 2) / 30)) - w) * np.cosh((v - 2) / 60)]


def connor_stevens(y: np.ndarray, i: float) -> list[float]:
    v, m, h, n, a, b = y
    sodium, potassium = 120 * m**3 * h * (v - 55), 20 * n**4 * (v + 72)
    a_inf = (0.0761 * np.exp(0.0314 * (v + 94.22)) / (1 + np.exp(0.0346 * (v + 1.17)))) ** (1 / 3)
    b_inf = (1 / (1 + np.exp(0.0688 * (v + 53.3)))) ** 4
    tau_a = 0.3632 + 1.158 / (1 + np.exp(0.0497 * (v + 55.96)))
    tau_b = 1.24 + 2.678 / (1 + np.exp(0.0624 * (v + 50)))
    return [
        i - sodium - potassium - 47.7 * a**3 * b * (v + 75) - 0.3 * (v + 17),
        kinetics(m, 0.38 * (v + 29.7) / (1 - np.exp(-0.1 * (v + 29.7))), 15.2 * np.exp(-(v + 54.7) / 18)),
        kinetics(h, 0.266 * np.exp(-0.05 * (v + 48)), 3.8 / (1 + np.exp(-0.1 * (v + 18)))),
        kinetics(n, 0.02 * (v + 45.7) / (1 - np.exp(-0.1 * (v + 45.7))), 0.25 * np.exp(-0.0125 * (v + 55.7))),
        (a_inf - a) / tau_a,
        (b_inf - b) / tau_b,
    ]


def traub_miles(y: np.ndarray, i: float) -> list[float]:
    v, m, h, n = y
    u = v + 63
    return [
        i - 100 * m**3 * h * (v - 50) - 30 * n**4 * (v + 90) - 0.05 * (v + 60),
        kinetics(m, 0.32 * (13 - u) / (np.exp((13 - u) / 4) - 1), 0.28 * (u - 40) / (np.exp((u - 40) / 5) - 1)),
        kinetics(h, 0.128 * np.exp((17 - u) / 18), 4 / (1 + np.exp((40 - u) / 5))),
        kinetics(n, 0.032 * (15 - u) / (np.exp((15 - u) / 5) - 1), 0.5 * np.exp((10 - u) / 40)),
    ]


def wang_buzsaki(y: np.ndarray, i: float) -> list[float]:
    v, h, n = y
    alpha, beta = -0.1 * (v + 35) / (np.exp(-0.1 * (v + 35)) - 1), 4 * np.exp(-(v + 60) / 18)
    m = alpha / (alpha + beta)
    return [
        i - 35 * m**3 * h * (v - 55) - 9 * n**4 * (v + 90) - 0.1 * (v + 65),
        5 * kinetics(h, 0.07 * np.exp(-(v + 58) / 20), 1 / (np.exp(-0.1 * (v + 28)) + 1)),
        5 * kinetics(n, -0.01 * (v + 34) / (np.exp(-0.1 * (v + 34)) - 1), 0.125 * np.exp(-(v + 44) / 80)),
    ]


def fitzhugh_nagumo(y: np.ndarray, i: float) -> list[float]:
    v, w = y
    return [v - v**3 / 3 - w + i, 0.08 * (v + 0.7 - 0.8 * w)]


def hindmarsh_rose(y: np.ndarray, i: float) -> list[float]:
    v, r, z = y
    return [r - v**3 + 3 * v**2 - z + i, 1 - 5 * v**2 - r, 0.001 * (4 * (v + 1.6) - z)]


# The neuron, its published derivative, a current at which it fires on, and a time of a few of its spikes.
MODELS = [
    (HodgkinHuxley, hodgkin_huxley, 10.0, 60.0),
    (MorrisLecar, morris_lecar, 100.0, 400.0),
    (ConnorStevens, connor_stevens, 10.0, 140.0),
    (TraubMiles, traub_miles, 1.0, 80.0),
    (WangBuzsaki, wang_buzsaki, 1.0, 75.0),
    (FitzHughNagumo, fitzhugh_nagumo, 0.5, 160.0),
    (HindmarshRose, hindmarsh_rose, 2.0, 80.0),
]
by_model = pytest.mark.parametrize(
    ("kind", "derivative", "current", "duration"), MODELS, ids=[model[0].__name__ for model in MODELS]
)


def at_rest(neuron: sl.Neuron) -> np.ndarray:
    return np.array(
        [float(neuron.value(s.rest) if isinstance(s.rest, str) else s.rest) for s in neuron.states.values()]
    )


def reference(neuron: sl.Neuron, derivative: Derivative, current: float, duration: float) -> tuple[Tensor, Tensor]:
    """Spike times, and the potential at the end of each step, of an adaptive method of order 8."""

    def crossing(_t: float, y: np.ndarray) -> float:
        return float(y[0] - float(neuron.v_th))

    crossing.direction = 1  # type: ignore[attr-defined]
    times = np.arange(1, round(duration / float(neuron.dt)) + 1) * float(neuron.dt)
    span, start = (0.0, times[-1]), at_rest(neuron)
    solved = solve_ivp(
        lambda _t, y: derivative(y, current), span, start, "DOP853", times, events=crossing, rtol=1e-10, atol=1e-10
    )
    return torch.from_numpy(solved.t_events[0]), torch.from_numpy(solved.y[0])


@by_model
def test_the_statement_is_the_published_derivative(
    kind: type[sl.Neuron], derivative: Derivative, current: float, duration: float
) -> None:
    neuron = kind()
    numbers = np.random.default_rng(0)
    for _ in range(50):
        y = (
            at_rest(neuron)
            + numbers.uniform(0, 1, len(neuron.states)) * np.array([90.0, *[0.5] * 5])[: len(neuron.states)]
        )
        states = {name: torch.tensor(x, dtype=torch.float64) for name, x in zip(neuron.states, y, strict=True)}
        slopes = neuron.bind({**states, "i": torch.tensor(current, dtype=torch.float64)}).slopes()
        given = np.array([float(slopes[name]) for name in neuron.states])
        np.testing.assert_allclose(given, derivative(y, current), rtol=1e-11, atol=1e-11)


@by_model
def test_spike_times_of_an_adaptive_solver(
    kind: type[sl.Neuron], derivative: Derivative, current: float, duration: float
) -> None:
    """Exponential Euler, the default of most, is of first order: below 1 % of the time at the default dt."""
    wanted, _ = reference(kind(), derivative, current, duration)
    errors = []
    for dt in (float(kind().dt), float(kind().dt) / 4):
        neuron = kind(dt=dt)
        found = spike_times(neuron, simulate(neuron, [current], duration)[0][:, 0])
        assert len(found) == len(wanted) >= 3
        # The spike of a step is at its end, half a step late in the mean.
        errors.append(float((found - dt / 2 - wanted).abs().max()))
    assert errors[0] <= 0.01 * duration
    # A fourth of dt, a fourth of the error, beside the half step that the grid leaves open.
    assert errors[1] <= 0.3 * errors[0] + float(kind().dt) / 8


@pytest.mark.parametrize("x", [0.0, 1e-300, 1e-8, 1e-3, 0.0999, 0.1, 0.1001, 1.0, 30.0, 79.0, 81.0, 700.0, 1e4])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_linoid_and_its_slope_are_exact(x: float, sign: int, dtype: torch.dtype) -> None:
    given = torch.tensor(sign * x, dtype=dtype, requires_grad=True)
    y = linoid(given)
    (slope,) = torch.autograd.grad(y, given)
    exact = np.longdouble(float(given.detach()))
    if abs(exact) < 0.5:
        # Its power series, sum of B_n x^n / n!, to the term of x^12.
        terms = [
            1,
            -1 / 2,
            1 / 12,
            0,
            -1 / 720,
            0,
            1 / 30240,
            0,
            -1 / 1209600,
            0,
            1 / 47900160,
            0,
            -691 / 1307674368000,
        ]
        value = sum(np.longdouble(c) * exact**n for n, c in enumerate(terms))
        wanted = sum(n * np.longdouble(c) * exact ** (n - 1) for n, c in enumerate(terms) if n)
    else:
        grown = np.expm1(exact)
        value = exact / grown
        wanted = 1 / grown - value * (1 + 1 / grown) if exact < 11000 else -value
    eps = torch.finfo(dtype).eps
    # What is below e^-76 may be anything as small: the exponent is bounded.
    assert abs(float(y.detach()) - float(value)) <= 8 * eps * abs(float(value)) + 1e-30
    # At 0.1 the quotient's derivative cancels to 1 / x^2 of its terms.
    assert abs(float(slope) - float(wanted)) <= 200 * eps * abs(float(wanted)) + 1e-30


@pytest.mark.parametrize("v", [-40.0, -55.0])
def test_singular_potentials_of_hodgkin_and_huxley(v: float) -> None:
    """The kernels, forward and backward, at the potentials where alpha of m or n is 0 / 0, beside its neighbours."""
    neuron = HodgkinHuxley(v_th=v - 0.1, dt=0.01)
    results = []
    for shift in (-1e-6, 0.0, 1e-6):
        rest = {
            name: torch.full((1, 1), value, dtype=torch.float64)
            for name, value in zip("vmhn", at_rest(neuron), strict=True)
        }
        start = {**rest, "v": torch.full((1, 1), v + shift, dtype=torch.float64).requires_grad_()}
        with sl.record(neuron, "m", "n", "v") as trace:
            sl.unroll(neuron, torch.full((3, 1, 1), 5.0, dtype=torch.float64), {"": start})
        y = torch.stack([trace[name].sum() for name in "mnv"])
        (slope,) = torch.autograd.grad(y.sum(), start["v"])
        results.append(torch.cat([y.detach(), slope.flatten()]))
    below, here, above = results
    assert torch.isfinite(here).all()
    torch.testing.assert_close(here, (below + above) / 2, rtol=0, atol=1e-9)


def test_hodgkin_huxley_rests() -> None:
    neuron = HodgkinHuxley()
    s, v = simulate(neuron, [0.0], 1000.0)
    assert s.sum() == 0
    # The current of the leak, 10.613 mV above rest, is rounded; the equations settle 3.6 uV above -65 mV.
    assert (v + 65).abs().max() < 0.02
    assert v[-1] == pytest.approx(-64.99638, abs=1e-5)
    slopes = np.array(hodgkin_huxley(at_rest(neuron), 0.0))
    np.testing.assert_allclose(slopes[1:], 0, atol=1e-15)


def test_hodgkin_huxley_currents_and_rates() -> None:
    """Figures of an exponential Euler method of gates alone at dt = 0.01 ms; DOP853 has 55.06, 68.32 and 86.47 Hz."""
    neuron = HodgkinHuxley()
    s, v = simulate(neuron, [2.0, 5.0, 6.0, 6.5, 10.0, 20.0], 1000.0)
    assert s.sum(0)[:3].tolist() == [0, 1, 2]
    assert rates(neuron, s) == pytest.approx([0, 0, 0, 54.9, 68.1, 86.2], rel=5e-3)
    assert v[:, 1:].amax(0).sub(40).abs().max() < 1.5


def test_hodgkin_huxley_spike_shape() -> None:
    """Largest distance from the adaptive solution over a spike, by integrator; its order shows as it is refined."""
    _, wanted = reference(HodgkinHuxley(), hodgkin_huxley, 10.0, 20.0)
    errors = {}
    for integrator in (sl.neurons.ExponentialEuler(), RungeKutta4()):
        for dt in (0.01, 0.005):
            _, v = simulate(HodgkinHuxley(dt=dt, integrator=integrator), [10.0], 20.0)
            errors[type(integrator), dt] = float((v[round(0.01 / dt) - 1 :: round(0.01 / dt), 0] - wanted).abs().max())
    euler, runge = (
        [errors[type(method), dt] for dt in (0.01, 0.005)] for method in (sl.neurons.ExponentialEuler(), RungeKutta4())
    )
    # Mostly lateness: 0.1 ms at the second spike, where v falls by some 200 mV per ms.
    assert euler[0] < 25
    assert euler[0] / euler[1] == pytest.approx(2, rel=0.1)
    assert runge[0] < 2e-4
    assert runge[0] / runge[1] == pytest.approx(16, rel=0.15)


def test_the_convention_of_1952_is_shifted_by_the_rest() -> None:
    (s, v), (old_s, old_v) = (simulate(n, [10.0], 60.0) for n in (HodgkinHuxley(), HodgkinHuxley.preset("1952")))
    assert torch.equal(s, old_s)
    assert s.sum() == 4
    torch.testing.assert_close(old_v - 65, v, rtol=0, atol=1e-7)


def test_time_scales_of_gates_and_membrane() -> None:
    """Twice the rates at half the capacitance is the same neuron in half the time."""
    slow, fast = HodgkinHuxley(dt=0.02), HodgkinHuxley(dt=0.01, phi=2.0, c_mem=0.5)
    torch.testing.assert_close(simulate(slow, [10.0], 60.0)[1], simulate(fast, [10.0], 30.0)[1], rtol=0, atol=1e-7)


def test_hodgkin_huxley_is_refractory() -> None:
    """A second pulse of 0.5 ms needs a larger amplitude 5 and 8 ms after the first, and no longer after 25 ms."""
    neuron = HodgkinHuxley()
    amplitudes = torch.arange(6.0, 506.0, 2.0, dtype=torch.float64)
    least = {}
    for gap in (None, 5.0, 8.0, 25.0):
        i = torch.zeros(5000, len(amplitudes), dtype=torch.float64)
        if gap is not None:
            i[:50] = 30.0
        start = 0 if gap is None else round(gap / 0.01)
        i[start : start + 50] += amplitudes
        s, _ = simulate(neuron, i, 50.0)
        fired = s[start:].sum(0) > 0
        first = 0 if gap is None else round(3.0 / 0.01)
        assert gap is None or bool((s[:first].sum(0) == 1).all())
        least[gap] = float(amplitudes[fired][0])
    assert least[5.0] > 4 * least[8.0] > 16 * least[None]
    assert least[25.0] == pytest.approx(least[None], abs=2.0)


def fixed_points(neuron: MorrisLecar, i: float) -> list[float]:
    """Where dv/dt changes its sign along dw/dt = 0."""
    v = torch.linspace(-80, 60, 20001, dtype=torch.float64)
    w = (1 + torch.tanh((v - neuron.v3) / neuron.v4)) / 2
    speed = neuron.bind({"v": v, "w": w, "i": torch.tensor(i, dtype=torch.float64)}).slopes()["v"]
    return v[:-1][speed[:-1].sign() != speed[1:].sign()].tolist()


def growth(neuron: sl.Neuron, states: dict[str, float], i: float) -> np.ndarray:
    """Eigenvalues of the Jacobian of the statement."""
    names = list(states)

    def slopes(*values: Tensor) -> tuple[Tensor, ...]:
        bound = neuron.bind({**dict(zip(names, values, strict=True)), "i": torch.tensor(i, dtype=torch.float64)})
        return tuple(bound.slopes()[name] for name in names)

    values = tuple(torch.tensor(x, dtype=torch.float64) for x in states.values())
    jacobian = torch.autograd.functional.jacobian(slopes, values)
    return np.linalg.eigvals([[float(entry) for entry in row] for row in jacobian])


def test_morris_lecar_of_class_two_jumps_to_its_rate() -> None:
    neuron = MorrisLecar.preset("class II")
    assert sustained(neuron, [80.0, 87.0, 90.0, 100.0, 250.0], 1500.0) == pytest.approx(
        [0, 0, 9.8, 11.7, 0], rel=0.01, abs=0.05
    )
    # One fixed point, which loses its stability with a complex pair at 93.86 uA/cm^2 (Rinzel and Ermentrout 1998).
    for i, stable in ((93.7, True), (94.0, False)):
        (v,) = fixed_points(neuron, i)
        pair = growth(neuron, {"v": v, "w": 0.5 * (1 + np.tanh((v - 2) / 30))}, i)
        assert np.abs(pair.imag).min() > 0
        assert bool((pair.real < 0).all()) is stable


def test_morris_lecar_of_class_one_starts_at_rate_zero() -> None:
    neuron = MorrisLecar.preset("class I")
    given = sustained(neuron, [39.9, 40.1, 42.0, 45.0, 60.0, 120.0], 3000.0)
    assert given == pytest.approx([0, 2.0, 6.9, 10.1, 17.1, 0], rel=0.01, abs=0.05)
    # Two of three fixed points, saddle and node, meet and vanish where it begins to fire.
    assert [len(fixed_points(neuron, i)) for i in (30.0, 39.9, 40.1)] == [3, 3, 1]
    # The square root law of a saddle-node on an invariant circle.
    low, high = 39.9, 40.1
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if len(fixed_points(neuron, middle)) == 3 else (low, middle)
    excess = np.array([0.05, 0.1, 0.2])
    found = sustained(neuron, list(low + excess), 6000.0)
    slope = np.polyfit(np.log(excess), np.log(found), 1)[0]
    assert slope == pytest.approx(0.5, abs=0.05)


def test_depolarisation_block_is_a_rest() -> None:
    s, v = simulate(MorrisLecar.preset("class I"), [120.0], 1500.0)
    assert 0 < s.sum() < 10
    assert v[-2000:].max() - v[-2000:].min() < 1e-3
    assert v[-1] > 0


def test_morris_lecar_homoclinic_rests_beside_its_cycle() -> None:
    """At the same current silent from rest and firing from elsewhere."""
    resting = MorrisLecar.preset("homoclinic")
    moving = MorrisLecar.preset("homoclinic", v_rest=0.0, w_rest=0.05)
    assert sustained(resting, [38.5, 39.0], 1000.0) == [0, 0]
    assert min(sustained(moving, [38.5, 39.0], 1000.0)) > 25
    assert sustained(moving, [37.0], 1000.0) == [0]


def test_three_classes_of_prescott() -> None:
    currents = [36.0, 36.9, 37.0, 38.0, 42.0, 45.0, 60.0, 80.0]
    first, second, third = (simulate(MorrisLecar.preset(f"Prescott class {k}"), currents, 1000.0)[0] for k in (1, 2, 3))
    neuron = MorrisLecar()
    assert min(rate for rate in rates(neuron, first) if rate) < 30
    assert min(rate for rate in rates(neuron, second) if rate) > 70
    assert rates(neuron, third) == [0] * len(currents)
    assert third.sum(0).tolist() == [0] * 6 + [1, 1]


def test_the_a_current_lets_connor_and_stevens_fire_slowly() -> None:
    currents = [8.0, 8.15, 8.5, 10.0, 20.0]
    neuron = ConnorStevens()
    s, _ = simulate(neuron, currents, 3000.0)
    found = rates(neuron, s)
    assert s[:, 0].sum() == 0
    assert 0 < found[1] < 2.5
    assert found[1:] == sorted(found[1:])
    assert spike_times(neuron, s[:, 1])[0] > 250
    assert spike_times(HodgkinHuxley(), simulate(HodgkinHuxley(), [6.5], 50.0)[0][:, 0])[0] < 5
    # Without it, and with a leak that keeps the rest, it jumps to its rate and does not wait.
    without = ConnorStevens(g_a=0.0, e_leak=-70.0)
    s, _ = simulate(without, [7.5, 8.0, 8.5], 600.0)
    assert rates(without, s)[0] == 0
    assert rates(without, s)[1] > 70
    assert spike_times(without, s[:, 1])[0] < 6


def test_wang_and_buzsaki_fire_from_zero_to_400_hertz() -> None:
    """The paper's figures: any rate near the rheobase, 400 Hz, AHP some 15 mV below a threshold near -55 mV."""
    neuron = WangBuzsaki()
    s, v = simulate(neuron, [0.15, 0.17, 0.2, 1.0, 20.0], 1000.0)
    found = rates(neuron, s)
    assert found[0] == 0
    assert s[:, 1].sum() == 4
    assert found[2:] == pytest.approx([8.6, 59.7, 407], rel=0.01)
    assert v[25000:, 3].min() == pytest.approx(-68, abs=2.5)


def test_traub_and_miles_fire() -> None:
    """As in COBAHH it fires by itself; with the leak of -65 mV it rests, and fires at low rates."""
    assert sustained(TraubMiles(), [-0.5, 0.0, 1.0, 5.0], 600.0) == pytest.approx([0, 13.8, 45.6, 131], rel=0.01)
    resting = TraubMiles(e_leak=-65.0)
    s, v = simulate(resting, [0.0, 0.2], 1000.0)
    assert s[:, 0].sum() == 0
    assert v[-1, 0] == pytest.approx(-64.7646, abs=1e-3)
    assert 0 < rates(resting, s)[1] < 15


def test_fitzhugh_nagumo_rests_where_the_nullclines_meet() -> None:
    currents = [-0.4, 0.0, 0.2, 1.6, 2.0]
    _, v = simulate(FitzHughNagumo(), currents, 600.0)
    for i, end in zip(currents, v[-1].tolist(), strict=True):
        roots = np.roots([-1 / 3, 0, 1 - 1 / 0.8, i - 0.7 / 0.8])
        assert end == pytest.approx(float(roots[np.abs(roots.imag) < 1e-9].real[0]), abs=1e-6)


def test_fitzhugh_nagumo_loses_its_rest_by_a_hopf_bifurcation() -> None:
    """Where the trace 1 - v^2 - b / tau_w is zero: v = -+ sqrt(1 - b / tau_w)."""
    neuron = FitzHughNagumo()
    for sign in (-1, 1):
        v = sign * np.sqrt(1 - 0.8 / 12.5)
        w = (v + 0.7) / 0.8
        pair = growth(neuron, {"v": v, "w": w}, w - v + v**3 / 3)
        assert np.abs(pair.real).max() < 1e-12
        assert np.abs(pair.imag).min() > 0.1
    assert [rate > 0 for rate in sustained(neuron, [0.3, 0.35, 1.4, 1.45], 600.0)] == [False, True, True, False]


def test_fitzhugh_nagumo_is_excitable() -> None:
    """A pulse of 1 ms leads to one spike or to none."""
    i = torch.zeros(4000, 2, dtype=torch.float64)
    i[:20] = torch.tensor([0.4, 0.9])
    s, v = simulate(FitzHughNagumo(), i, 200.0)
    assert s.sum(0).tolist() == [0, 1]
    assert v[:, 0].max() < -0.7
    torch.testing.assert_close(v[-1], torch.full((2,), -1.199408, dtype=torch.float64), rtol=0, atol=1e-3)


def bursts(times: Tensor) -> tuple[Tensor, Tensor]:
    """Spikes of each burst and time from its first to that of the next; intervals above 40 part them."""
    starts = torch.cat([torch.tensor([0]), (times.diff() > 40).nonzero().flatten() + 1])
    return starts.diff(), times[starts].diff()


def test_hindmarsh_and_rose_burst() -> None:
    neuron = HindmarshRose.preset("bursting")
    s, _ = simulate(neuron, [0.0, 2.0, 4.0], 2600.0)
    assert s[:, 0].sum() == 0
    numbers, periods = bursts(spike_times(neuron, s[:, 1]))
    wanted, _ = reference(neuron, hindmarsh_rose, 2.0, 2600.0)
    wanted_numbers, wanted_periods = bursts(wanted)
    # The first burst, from no adaptation, is longer than those that follow.
    assert numbers.tolist() == wanted_numbers.tolist() == [70, 9, 9, 9, 9]
    assert periods[1:].std() < 0.05
    assert periods[1:].mean() == pytest.approx(float(wanted_periods[1:].mean()), abs=0.05)
    tonic = spike_times(neuron, s[40000:, 2]).diff()
    assert tonic.std() / tonic.mean() < 0.01


def test_hindmarsh_and_rose_burst_without_order() -> None:
    neuron = HindmarshRose.preset("chaotic")
    s, _ = simulate(neuron, [3.25], 4000.0)
    numbers, periods = bursts(spike_times(neuron, s[:, 0]))
    assert len(set(numbers[2:].tolist())) > 2
    assert periods[2:].std() / periods[2:].mean() > 0.2


# With a threshold that is crossed within the few steps of the contract test.
CROSSING = [
    HodgkinHuxley(v_th=-64.5),
    HodgkinHuxley.preset("1952", v_th=0.5),
    MorrisLecar(v_th=-60.0),
    ConnorStevens(v_th=-67.5),
    TraubMiles(v_th=-59.9),
    WangBuzsaki(v_th=-63.8),
    FitzHughNagumo(v_th=-1.1),
    HindmarshRose(v_th=-1.5),
]


@pytest.mark.parametrize("neuron", CROSSING, ids=repr)
def test_the_contract_holds_where_it_spikes(neuron: sl.Neuron) -> None:
    low, high = neuron.inputs["i"].span
    i = low + (high - low) * torch.rand(13, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert 0 < neuron(i).mean() < 0.2
    sl.check_neuron(neuron)


def test_a_refractory_period_does_not_count_and_leaves_the_spike_its_shape() -> None:
    neuron = HodgkinHuxley()
    (s, v), (counted, same) = (simulate(n, [10.0], 60.0) for n in (neuron, sl.Refractory(neuron, t_ref=20.0)))
    assert torch.equal(v, same)
    assert spike_times(neuron, counted[:, 0]).tolist() == spike_times(neuron, s[:, 0])[::2].tolist()


def test_precise_crossings() -> None:
    """Between the grid points, to what the RK4 of the step leaves."""
    inner = FitzHughNagumo(integrator=RungeKutta4())
    neuron = sl.neurons.Precise(inner)
    with sl.record(neuron, "ahead") as trace:
        s = neuron(torch.full((3200, 1, 1), 0.5, dtype=torch.float64)).flatten()
    times = spike_times(inner, s) - trace["ahead"].flatten()[s > 0]
    wanted, _ = reference(inner, fitzhugh_nagumo, 0.5, 160.0)
    assert len(times) == 4
    torch.testing.assert_close(times, wanted, rtol=0, atol=1e-5)


def test_a_spike_is_an_upward_crossing_only() -> None:
    """As often as v passes v_th upward, however long it stays above, and not where it begins above."""
    neuron = HodgkinHuxley()
    s, v = simulate(neuron, [10.0], 60.0)
    before = torch.cat([torch.full((1, 1), -65.0), v[:-1]])
    assert torch.equal(s, ((v >= 0) & (before < 0)).double())
    above = FitzHughNagumo(v_rest=1.5)
    s, v = simulate(above, [0.0], 50.0)
    assert v[0] > 1
    assert s.sum() == 0
