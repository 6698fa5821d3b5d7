"""Nonlinear integrate-and-fire neurons: closed forms, limits and the published firing patterns."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import spikeloom as sl
from spikeloom.errors import NonFiniteError, ParameterError, UnknownNameError
from spikeloom.neurons import (
    AdEx,
    Euler,
    ExponentialEuler,
    ExponentialIF,
    Izhikevich,
    Izhikevich2007,
    MetaDynamic,
    QuadraticIF,
    RungeKutta4,
    ThetaNeuron,
)

Times = NDArray[np.float64]


def steady(neuron: sl.Neuron, currents: list[float], duration: float) -> list[Times]:
    """Spike times in ms under constant currents, one neuron for each."""
    dt = float(neuron.param_values()["dt"])
    x = torch.tensor(currents, dtype=torch.float64).expand(round(duration / dt), 1, -1)
    with torch.no_grad():
        s = neuron(x)[:, 0]
    return [(np.flatnonzero(column) + 1) * dt for column in s.T.numpy()]


def recorded(neuron: sl.Neuron, x: Tensor, *names: str) -> tuple[Tensor, dict[str, Tensor]]:
    with torch.no_grad(), sl.record(neuron, *names) as trace:
        s = neuron(x)
    return s.flatten(), {name: trace[name].flatten() for name in names}


# Quadratic


def period(neuron: QuadraticIF, current: float) -> float:
    """The closed form of the class's docstring, from its own parameters."""
    p = {name: float(value) for name, value in neuron.param_values().items()}
    k = p["r"] * current - p["a"] * (p["v_c"] - p["v_rest"]) ** 2 / 4
    angle = [math.atan(math.sqrt(p["a"] / k) * (v - (p["v_rest"] + p["v_c"]) / 2)) for v in (p["v_peak"], p["v_reset"])]
    return p["tau_mem"] / math.sqrt(p["a"] * k) * (angle[0] - angle[1])


def test_rate_of_the_quadratic_neuron_grows_as_the_square_root_above_its_rheobase() -> None:
    # a (v_c - v_rest)^2 / 4 = 2.5 mV through 0.1 GOhm.
    above = [0.1, 0.3, 1.0, 3.0, 10.0]
    times = steady(QuadraticIF(), [25.0 + i for i in above], 10_000.0)
    rates = [1 / np.diff(t).mean() for t in times]
    slope = np.polyfit(np.log(above), np.log(rates), 1)[0]
    assert slope == pytest.approx(0.5, abs=0.05)
    assert not len(steady(QuadraticIF(), [24.9], 10_000.0)[0])


def test_period_of_the_quadratic_neuron_is_the_closed_form() -> None:
    neuron = QuadraticIF(dt=0.01, integrator=RungeKutta4(), v_reset=-70.0)
    currents = [30.0, 60.0, 200.0]
    for current, times in zip(currents, steady(neuron, currents, 500.0), strict=True):
        # A spike is seen at the end of its step, up to dt late; the rest starts from there.
        excess = np.diff(times) - period(neuron, current)
        assert (excess > -1e-3).all() and (excess < 0.01 + 1e-3).all()


def test_the_critical_potential_decides() -> None:
    state = {"": {"v": torch.tensor([[-55.5, -54.5]])}}
    s, end = sl.unroll(QuadraticIF(), torch.zeros(1000, 1, 2), state)
    assert s.sum(0).tolist() == [[0.0, 1.0]]
    assert end[""]["v"][0, 0] == pytest.approx(-65.0, abs=0.01)


# Theta


def test_the_theta_neuron_is_the_quadratic_one_on_a_circle() -> None:
    # (v + 1) (v - 1) + I + 1 = v^2 + I.
    drive, v_0, dt = 0.5, -2.0, 0.001
    theta = ThetaNeuron(dt=dt, eta=0.2, theta_0=2 * math.atan(v_0), integrator=RungeKutta4())
    quadratic = QuadraticIF(
        dt=dt, tau_mem=1.0, a=1.0, v_rest=-1.0, v_c=1.0, r=1.0, v_peak=1e4, v_reset=-1e4, integrator=RungeKutta4()
    )
    x = torch.full((2000, 1, 1), drive - 0.2, dtype=torch.float64)
    _, phase = recorded(theta, x, "theta")
    with sl.record(quadratic, "v") as trace:
        sl.unroll(quadratic, x + 1.2, {"": {"v": torch.full((1, 1), v_0, dtype=torch.float64)}})
    v = torch.tan(phase["theta"] / 2)
    t = dt * torch.arange(1, 2001, dtype=torch.float64)
    closed = math.sqrt(drive) * torch.tan(math.sqrt(drive) * t + math.atan(v_0 / math.sqrt(drive)))
    assert closed[-1] < 2  # before the spike, which comes at 3.9
    assert (v - closed).abs().max() < 1e-9
    assert (v - trace["v"].flatten()).abs().max() < 1e-9


@pytest.mark.parametrize("drive", [0.04, 0.5, 3.0])
def test_period_and_wrap_of_the_theta_neuron(drive: float) -> None:
    neuron = ThetaNeuron(dt=0.005)
    x = torch.full((20_000, 1, 1), drive, dtype=torch.float64)
    s, trace = recorded(neuron, x, "theta")
    times = np.flatnonzero(s) * 0.005
    # The phase is wrapped and not reset, so that steps do not add up to a delay; Midpoint's error is below 1e-4.
    assert np.diff(times).mean() == pytest.approx(math.pi / math.sqrt(drive), abs=0.01 / len(times) + 1e-4)
    assert -math.pi <= trace["theta"].min() and trace["theta"].max() < math.pi


def test_the_excitable_theta_neuron_rests() -> None:
    s, trace = recorded(ThetaNeuron(eta=-0.3), torch.zeros(1000, 1, 1, dtype=torch.float64), "theta")
    assert not s.any()
    assert trace["theta"][-1] == pytest.approx(-2 * math.atan(math.sqrt(0.3)), abs=1e-6)


# Exponential


def test_the_exponential_neuron_becomes_the_leaky_one() -> None:
    shared = {"c_mem": 200.0, "g_leak": 20.0, "v_rest": -70.0, "v_th": -50.0, "v_reset": -65.0, "v_peak": -40.0}
    # tau_mem ln((r i + v_rest - v_reset) / (r i + v_rest - v_th)), i / g_leak = 30 mV.
    leaky = 10.0 * math.log(25.0 / 10.0)
    errors = []
    for delta_t in (2.0, 0.5, 0.1, 0.001):
        neuron = ExponentialIF(dt=0.01, delta_t=delta_t, integrator=RungeKutta4(), **shared)
        (times,) = steady(neuron, [600.0], 200.0)
        errors.append(abs(np.diff(times).mean() - leaky))
    assert errors == sorted(errors, reverse=True)
    # One step for the upswing after the crossing and one for its rounding.
    assert errors[-1] < 0.02 + 1e-9 < errors[0]


def test_rheobase_of_the_exponential_neuron() -> None:
    rheobase = 30.0 * (-50.4 + 70.6 - 2.0)
    below, above = steady(ExponentialIF(), [0.99 * rheobase, 1.01 * rheobase], 1000.0)
    assert not len(below) and len(above) > 3


@pytest.mark.parametrize("delta_t", [1e-3, 2.0])
def test_the_upswing_does_not_overflow(delta_t: float) -> None:
    x = torch.full((300, 1, 1), 3e4, requires_grad=True)
    with sl.record(neuron := AdEx(delta_t=delta_t), "v", "w") as trace:
        s = neuron(x)
    s.sum().backward()
    assert s.sum() > 30
    assert all(torch.isfinite(value).all() for value in (*trace.values(), x.grad))


def intervals(name: str) -> tuple[Times, Times]:
    preset = AdEx.presets[name]
    assert preset.drive is not None and preset.duration is not None
    (times,) = steady(AdEx.preset(name, dt=0.05), [preset.drive], preset.duration)
    return times, np.diff(times)


def adaptation_index(isi: Times) -> float:
    """Mean relative change from one interval to the next; Naud et al. 2008, section 4, without skipped ones."""
    return float(np.mean((isi[1:] - isi[:-1]) / (isi[1:] + isi[:-1])))


def bursts(times: Times, gap: float) -> list[int]:
    """Spikes in each burst, where an interval longer than `gap` ms parts them."""
    return [len(part) for part in np.split(times, np.flatnonzero(np.diff(times) > gap) + 1)]


ADEX: dict[str, Callable[[Times, Times], bool]] = {
    "Brette-Gerstner": lambda t, isi: len(t) > 5 and bool((np.diff(isi) > 0).all()),
    "tonic": lambda t, isi: len(t) > 30 and isi[-10:].std() < 0.01 * isi.mean() and abs(adaptation_index(isi)) < 0.01,
    "adapting": lambda t, isi: adaptation_index(isi) > 0.1 and isi[-1] > 5 * isi[0] and bool((np.diff(isi) > -1).all()),
    "initial burst": lambda t, isi: bool((isi[:2] < 10).all() and (isi[2:] > 50).all()) and np.ptp(isi[3:]) < 1,
    "regular bursting": lambda t, isi: len(bursts(t, 50)) >= 4 and set(bursts(t, 50)[1:]) == {2} and isi.max() > 100,
    "delayed accelerating": lambda t, isi: t[0] > 30 and bool((np.diff(isi) < 0.1).all()) and isi[-1] < 0.6 * isi[0],
    "delayed regular bursting": lambda t, isi: t[0] > 50 and set(bursts(t, 30)[:-1]) == {4} and len(bursts(t, 30)) > 5,
    "transient": lambda t, isi: len(t) == 1 and t[0] < 100,
    "irregular": lambda t, isi: (
        len(t) > 20 and isi[5:].std() > 0.3 * isi[5:].mean() and len(set(isi[5:].round(1))) > 12
    ),
}


@pytest.mark.parametrize("name", AdEx.presets)
def test_firing_pattern_of_the_adaptive_exponential_neuron(name: str) -> None:
    times, isi = intervals(name)
    assert ADEX[name](times, isi), (times.round(1), isi.round(1))


def test_the_patterns_are_those_of_the_equations() -> None:
    """A method of higher order at a shorter step finds the same spikes."""
    for name, tolerance in (("adapting", 1.5), ("regular bursting", 1.0), ("delayed accelerating", 2.0)):
        preset = AdEx.presets[name]
        assert preset.drive is not None
        fine = AdEx.preset(name, dt=0.01, integrator=RungeKutta4())
        (exact,) = steady(fine, [preset.drive], 150.0)
        errors = []
        for dt in (0.1, 0.05):
            (times,) = steady(AdEx.preset(name, dt=dt), [preset.drive], 150.0)
            assert len(times) == len(exact), name
            errors.append(np.abs(times - exact).max())
        assert errors[1] < 0.6 * errors[0] < tolerance, name  # first order


# Izhikevich


def pattern(name: str) -> tuple[Times, Times, Tensor, Times]:
    """Spike times, intervals, potential and the times of the steps."""
    neuron = Izhikevich.preset(name)
    x = Izhikevich.protocol(name).double()
    s, trace = recorded(neuron, x, "v")
    dt = float(neuron.param_values()["dt"])
    times = np.flatnonzero(s) * dt
    return times, np.diff(times), trace["v"], np.arange(len(s)) * dt


def swings(v: Tensor, t: Times, after: float) -> int:
    """Local maxima of the potential from a time on."""
    x = v.numpy()[t > after]
    return int(((x[1:-1] > x[:-2]) & (x[1:-1] > x[2:])).sum())


PATTERNS: dict[str, Callable[[Times, Times, Tensor, Times], bool]] = {
    "tonic spiking": lambda t, isi, v, s: len(t) >= 5 and abs(isi[-1] - isi[-2]) < 1,
    "phasic spiking": lambda t, isi, v, s: len(t) == 1 and t[0] > 20,
    "tonic bursting": lambda t, isi, v, s: len(bursts(t, 20)) >= 4 and min(bursts(t, 20)[:-1]) >= 5,
    "phasic bursting": lambda t, isi, v, s: len(bursts(t, 20)) == 1 and len(t) >= 4 and t[-1] < 80,
    "mixed mode": lambda t, isi, v, s: bool((isi[:2] < 6).all() and (isi[2:] > 25).all()) and len(isi) >= 4,
    "spike frequency adaptation": lambda t, isi, v, s: len(isi) >= 4 and bool((np.diff(isi) > 0).all()),
    # The current rises slowly: from low rates in class 1, from a rate at once in class 2.
    "class 1 excitable": lambda t, isi, v, s: isi[0] > 2.5 * isi[-1] and bool((np.diff(isi) < 0).all()),
    "class 2 excitable": lambda t, isi, v, s: isi[0] < 2 * isi[-1] and t[0] > 60,
    # The pulse ends at 13 ms.
    "spike latency": lambda t, isi, v, s: len(t) == 1 and t[0] > 16,
    "subthreshold oscillation": lambda t, isi, v, s: len(t) == 1 and swings(v, s, t[0] + 5) >= 3,
    # Pulses 20 and 40 ms apart; one period of the oscillation is 40 ms.
    "resonator": lambda t, isi, v, s: len(t) == 1 and t[0] > 320,
    # Pulses 5 and 10 ms apart.
    "integrator": lambda t, isi, v, s: len(t) == 1 and t[0] < 30,
    # The inhibition ends at 25 ms.
    "rebound spike": lambda t, isi, v, s: len(t) == 1 and t[0] > 25,
    "rebound burst": lambda t, isi, v, s: len(t) >= 5 and len(bursts(t, 20)) == 1 and t[0] > 25,
    # The pulse that failed at 10 ms succeeds at 80 ms, after inhibition.
    "threshold variability": lambda t, isi, v, s: len(t) == 1 and t[0] > 80,
    # One pulse starts the spikes and another ends them.
    "bistability": lambda t, isi, v, s: len(t) >= 4 and t[0] < 50 and np.ptp(isi) < 2 and t[-1] < 221,
    # Reset to -60 mV, then a hump well above it before the way back to rest.
    "depolarizing after-potential": lambda t, isi, v, s: len(t) == 1 and bool(v[s > t[0] + 1].max() > -55),
    # A ramp to 8 fails, a steep one to 4 succeeds.
    "accommodation": lambda t, isi, v, s: len(t) == 1 and t[0] > 300,
    # 75 from 50 to 250 ms, 80 before and after.
    "inhibition-induced spiking": lambda t, isi, v, s: len(t) >= 3 and t[0] > 50 and t[-1] < 255 and isi.min() > 20,
    "inhibition-induced bursting": lambda t, isi, v, s: min(bursts(t, 20)) >= 4 and len(bursts(t, 20)) >= 2
    and t[0] > 50 and t[-1] < 255,
}  # fmt: skip


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern_of_izhikevich(name: str) -> None:
    t, isi, v, steps = pattern(name)
    assert PATTERNS[name](t, isi, v, steps), t


def test_there_are_twenty_patterns_and_seven_cell_types() -> None:
    assert len(PATTERNS) == 20
    assert set(Izhikevich.presets) == {*PATTERNS, "RS", "IB", "CH", "FS", "TC", "RZ", "LTS", "STDP"}
    with pytest.raises(UnknownNameError, match="resonator"):
        Izhikevich.protocol("resonatro")


def cells(drive: float) -> dict[str, tuple[Times, Times]]:
    found = {}
    for name in ("RS", "IB", "CH", "FS", "LTS"):
        (times,) = steady(Izhikevich.preset(name), [drive], 400.0)
        found[name] = (times, np.diff(times))
    return found


def test_cell_types_of_izhikevich() -> None:
    found = cells(10.0)
    rs, ib, ch, fs, lts = (isi for _, isi in found.values())
    assert rs[0] < 0.7 * rs[-1] and np.ptp(rs[2:]) < 2
    assert ib[0] < 8 and (ib[3:] > 20).all()
    assert len(bursts(found["CH"][0], 15)) >= 5 and min(bursts(found["CH"][0], 15)[1:-1]) >= 2 and ch.min() < 5
    assert np.ptp(fs[2:]) < 1.5 and fs[-1] < 0.5 * rs[-1]
    assert lts[0] < 0.6 * lts[-1] and lts[-1] < rs[-1]


def test_thalamocortical_cells_fire_tonically_and_in_rebound() -> None:
    neuron, dt = Izhikevich.preset("TC", v_0=-63.0, u_0=-15.75), 0.25
    (tonic,) = steady(neuron, [1.5], 300.0)
    assert len(tonic) > 5 and np.ptp(np.diff(tonic)[2:]) < 5
    x = torch.zeros(800, 1, 1, dtype=torch.float64)
    x[:400] = -25.0
    s = neuron(x).flatten()
    rebound = np.flatnonzero(s) * dt
    assert (rebound > 100).all() and (np.diff(rebound[:4]) < 15).all() and len(rebound) >= 4


def test_the_resonator_cell_rings() -> None:
    neuron = Izhikevich.preset("RZ", v_0=-62.0, u_0=-16.1)
    x = torch.zeros(800, 1, 1, dtype=torch.float64)
    x[40:44] = 1.0
    s, trace = recorded(neuron, x, "v")
    t = np.arange(800) * 0.25
    assert not s.any() and swings(trace["v"], t, 12.0) >= 3


def test_the_spike_timing_preset_is_the_published_recursion() -> None:
    """dt of 1 ms, reset at the beginning of the next step; Traub et al. 2020."""
    generator = torch.Generator().manual_seed(0)
    i = 25 * torch.rand(300, generator=generator, dtype=torch.float64)
    s, trace = recorded(Izhikevich.preset("STDP"), i.view(-1, 1, 1), "v", "u")
    v, u, z = -70.0, -14.0, 0.0
    for n, current in enumerate(i.tolist()):
        v, u = v - (v + 65) * z, u + 2 * z
        v, u = v + 0.04 * v * v + 5 * v + 140 - u + current, u + 0.004 * v - 0.02 * u
        z = float(v >= 30)
        assert s[n] == z
        if not z:  # a spike is recorded after its reset
            assert trace["v"][n].item() == pytest.approx(v, rel=1e-9) and trace["u"][n].item() == pytest.approx(u)
    assert s.sum() > 5


def test_both_forms_of_izhikevich_are_one() -> None:
    """0.04 v^2 + 5 v + 140 has the zeros v_rest and v_th; u is shifted by b v_rest."""
    v_rest, v_th = ((-5 + sign * math.sqrt(25 - 22.4)) / 0.08 for sign in (-1, 1))
    dynamics = {"dt": 0.1, "a": 0.02, "b": 0.2, "c": -55.0, "d": 4.0, "v_peak": 30.0, "integrator": Euler()}
    old = Izhikevich(**dynamics)
    new = Izhikevich2007(c_mem=1.0, k=0.04, v_rest=v_rest, v_th=v_th, **dynamics)
    x = torch.full((1000, 1, 1), 10.0, dtype=torch.float64)
    start = {n: torch.full((1, 1), x, dtype=torch.float64) for n, x in (("v", -70.0), ("u", -14.0 - 0.2 * v_rest))}
    with sl.record(new, "v", "u") as trace:
        s_new, _ = sl.unroll(new, x - 0.2 * v_rest, {"": start})
    s, wanted = recorded(old, x, "v", "u")
    assert s.sum() >= 4 and torch.equal(s, s_new.flatten())
    assert (trace["v"].flatten() - wanted["v"]).abs().max() < 1e-6
    assert (trace["u"].flatten() + 0.2 * v_rest - wanted["u"]).abs().max() < 1e-6


def test_rheobase_of_the_regular_spiking_cell() -> None:
    # Minimum of k v (v - 20) - b v + i, v from rest.
    rheobase = 0.7 * (20 - 2 / 0.7) ** 2 / 4
    below, above = steady(Izhikevich2007.preset("RS"), [0.99 * rheobase, 1.01 * rheobase], 2000.0)
    assert not len(below) and len(above) >= 2


def test_cells_of_2007() -> None:
    found = {}
    for name, preset in Izhikevich2007.presets.items():
        assert preset.drive is not None
        (found[name],) = steady(Izhikevich2007.preset(name), [preset.drive], 500.0)
    rs, ib = np.diff(found["RS"]), np.diff(found["IB"])
    assert len(rs) >= 5 and np.ptp(rs) < 0.1 * rs.mean()
    assert ib[0] < 0.3 * ib[-1] and np.ptp(ib[1:]) < 15
    assert set(bursts(found["CH"], 15)[:-1]) == {2} and len(bursts(found["CH"], 15)) >= 5


def test_strong_inhibition_with_a_method_that_is_stable_for_it() -> None:
    x = torch.full((200, 1, 1), -3000.0)
    assert Izhikevich()(x).any()  # thrown across the peak by the long step
    assert not Izhikevich(integrator=ExponentialEuler())(x).any()


def test_parameters_that_do_not_go_together() -> None:
    with pytest.raises(ParameterError, match="v_reset < v_peak"):
        AdEx(v_reset=30.0)
    with pytest.raises(ParameterError, match="v_rest < v_c"):
        QuadraticIF(v_c=-70.0)
    with pytest.raises(ParameterError, match="c < v_peak"):
        Izhikevich(c=30.0)


# Meta-dynamic


def published(i: list[float], a: float, b: float, c: float, d: float) -> list[float]:
    """The paper's recursion, in which the reset comes at the beginning of the next step."""
    v, u, z, spikes = 0.0, 0.08, 0.0, []
    for current in i:
        v, u = v * (1 - z) + z * c, u + z * d
        v, u = v + (v * v - v - u + current), u + a * (b * v - u)
        z = float(v > 0.5)
        spikes.append(z)
    return spikes


@pytest.mark.parametrize("name", MetaDynamic.presets)
def test_meta_dynamic_neuron_is_the_published_recursion(name: str) -> None:
    i = torch.rand(200, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    values = MetaDynamic.presets[name].values
    wanted = published(i.tolist(), *(float(values[n]) for n in "abcd"))  # type: ignore[arg-type]
    s = MetaDynamic.preset(name)(i.view(-1, 1, 1)).flatten().tolist()
    assert s == wanted and 5 < sum(s) < 195


def test_meta_types_differ() -> None:
    currents = torch.linspace(0, 1, 21, dtype=torch.float64).expand(100, 1, -1)
    counts = {name: tuple(MetaDynamic.preset(name)(currents).sum((0, 1)).tolist()) for name in MetaDynamic.presets}
    assert len(set(counts.values())) == 9
    assert all(max(count) > min(count) for count in counts.values())


def test_the_square_does_not_overflow() -> None:
    x = torch.full((50, 1, 1), 0.6, requires_grad=True)
    scale = torch.ones(50, 1, 1)
    scale[10], scale[30] = -1e30, 1e30
    with sl.record(neuron := MetaDynamic(), "v", "u") as trace:
        s = neuron(x * scale)
    s.sum().backward()
    assert x.grad is not None and torch.isfinite(x.grad).all()
    assert all(torch.isfinite(value).all() for value in trace.values())
    with pytest.raises(NonFiniteError):
        MetaDynamic()(torch.full((3, 1, 1), math.nan))


def test_learned_meta_parameters_have_gradients() -> None:
    names = ("a", "b", "c", "d")
    neuron = MetaDynamic(
        **{n: torch.full((6,), float(v)) for n, v in zip(names, (0.02, 0.2, 0.0, 0.08), strict=True)}, learn=names
    )
    neuron(torch.rand(20, 3, 6, generator=torch.Generator().manual_seed(0))).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in neuron.parameters())
