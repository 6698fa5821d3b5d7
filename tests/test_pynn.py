"""The back end of PyNN: the same spikes as without PyNN, and cells and currents in its units, against closed forms."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import spikeloom as sl
from spikeloom import network as nw

pytest.importorskip("pyNN")
sim: Any = pytest.importorskip("spikeloom.pynn")

pytestmark = pytest.mark.peers

DT = 0.1
PAGE = Path(__file__).parents[1] / "docs" / "pynn.md"


def signal(cells: Any, name: str = "v", segment: int = -1) -> np.ndarray:
    (found,) = cells.get_data(name).segments[segment].filter(name=name)
    return np.asarray(found.magnitude)


def spikes(cells: Any, segment: int = -1) -> list[tuple[float, int]]:
    """Time and index of every spike."""
    trains = cells.get_data("spikes").segments[segment].spiketrains
    return sorted((float(t), k) for k, train in enumerate(trains) for t in train.magnitude)


def potential(cell: Any, weight: float = 0.0, receptor: str = "excitatory", duration: float = 30.0) -> np.ndarray:
    """Of a cell that one spike arrives at after 1.5 ms."""
    cells = sim.Population(1, cell)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0]))
    synapse = sim.StaticSynapse(weight=weight, delay=0.5)
    sim.Projection(source, cells, sim.AllToAllConnector(), synapse, receptor_type=receptor)
    cells.record("v")
    sim.run(duration)
    return signal(cells)[:, 0]


def since_arrival(duration: float = 30.0) -> np.ndarray:
    return np.maximum(np.arange(round(duration / DT) + 1) * DT - 1.5, 0.0)


def test_exponential_current() -> None:
    sim.setup(timestep=DT)
    v = potential(sim.IF_curr_exp(tau_m=10.0, cm=0.5, v_rest=-60.0, tau_syn_E=2.0), 0.3)
    # v_rest is not where it begins.
    t, begin = since_arrival(), -60.0 - 5.0 * np.exp(-np.arange(301) * DT / 10.0)
    expected = begin + 0.3 * (10.0 / 0.5) * 2.0 / (10.0 - 2.0) * (np.exp(-t / 10.0) - np.exp(-t / 2.0))
    assert np.abs(v - expected).max() < 1e-9


def test_inhibitory_alpha_current() -> None:
    sim.setup(timestep=DT)
    v = potential(sim.IF_curr_alpha(tau_m=10.0, cm=0.5, tau_syn_I=2.0), -0.3, "inhibitory")
    t, a = since_arrival(), 1 / 2.0 - 1 / 10.0
    psp = -0.3 * math.e / (0.5 * 2.0) * np.exp(-t / 10.0) * (1 - np.exp(-a * t) * (1 + a * t)) / a**2
    expected = -65.0 + psp + 0 * t
    assert np.abs(v - expected).max() < 1e-9


def test_delta_potential() -> None:
    sim.setup(timestep=DT)
    v = potential(sim.IF_curr_delta(tau_m=10.0), 2.5)
    times = np.arange(301)
    # At 1.5 ms the potential has jumped.
    assert np.abs(v - (-65.0 + 2.5 * np.exp(-since_arrival() / 10.0) * (times >= 15))).max() < 1e-9


def solved(slopes: Callable[..., list[float]], initial: list[float], step: int, duration: float) -> np.ndarray:
    """The potential, solved with small errors, with the state that `step` jumps by what arrives after 1.5 ms."""
    times = np.arange(round(duration / DT) + 1) * DT
    tight: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12, "method": "LSODA"}
    before = solve_ivp(slopes, (0.0, 1.5), initial, t_eval=times[:16].clip(max=1.5), **tight).y
    state = before[:, -1].copy()
    state[step] += 1.0
    after = solve_ivp(slopes, (1.5, duration), state, t_eval=times[15:].clip(1.5, duration), **tight).y
    return np.concatenate([before[0], after[0, 1:]])


@pytest.mark.parametrize("shape", ["exp", "alpha"])
def test_conductances(shape: str) -> None:
    sim.setup(timestep=DT)
    p = {"tau_m": 15.0, "cm": 0.5, "e_rev_E": 5.0, "tau_syn_E": 3.0, "v_rest": -62.0, "i_offset": 0.1}
    v = potential(getattr(sim, f"IF_cond_{shape}")(**p), 0.02)

    def slopes(_: float, y: np.ndarray) -> list[float]:
        v, g, h = y
        dv = (-62.0 - v) / 15.0 + (0.02 * g * (5.0 - v) + 0.1) / 0.5
        return [dv, (math.e * h - g) / 3.0 if shape == "alpha" else -g / 3.0, -h / 3.0]

    expected = solved(slopes, [-65.0, 0.0, 0.0], 2 if shape == "alpha" else 1, 30.0)
    # The method's error; the effect is 3 mV.
    assert np.abs(v - expected).max() < 1e-6


def test_adaptive_exponential() -> None:
    sim.setup(timestep=DT)
    p = {"cm": 0.281, "tau_m": 9.3667, "a": 4.0, "tau_w": 50.0, "delta_T": 2.0, "v_thresh": -50.4, "i_offset": 0.35}
    v = potential(sim.EIF_cond_exp_isfa_ista(tau_syn_E=3.0, **p), 0.005)

    def slopes(_: float, y: np.ndarray) -> list[float]:
        v, g, w = y
        leak = 0.281 / 9.3667 * (-70.6 - v + 2.0 * math.exp((v + 50.4) / 2.0))
        return [(leak + 0.005 * g * (0.0 - v) + 0.35 - w) / 0.281, -g / 3.0, (4e-3 * (v + 70.6) - w) / 50.0]

    assert np.abs(v - solved(slopes, [-70.6, 0.0, 0.0], 1, 30.0)).max() < 1e-5


def test_hodgkin_huxley_spikes() -> None:
    """Traub and Miles' cell with PyNN's parameters fires as the equations do."""
    sim.setup(timestep=DT)
    cell = sim.Population(1, sim.HH_cond_exp(i_offset=0.5))
    cell.record(["v", "spikes"])
    sim.run(30.0)

    def ratio(x: float) -> float:
        return 1.0 if x == 0 else x / math.expm1(x)

    def slopes(_: float, y: np.ndarray) -> list[float]:
        v, m, h, n = y
        u = v + 63.0
        dv = -20.0 * m**3 * h * (v - 50.0) - 6.0 * n**4 * (v + 90.0) - 0.01 * (v + 65.0) + 0.5
        dm = 0.32 * 4 * ratio((13 - u) / 4) * (1 - m) - 0.28 * 5 * ratio((u - 40) / 5) * m
        dh = 0.128 * math.exp((17 - u) / 18) * (1 - h) - 4 / (1 + math.exp((40 - u) / 5)) * h
        dn = 0.032 * 5 * ratio((15 - u) / 5) * (1 - n) - 0.5 * math.exp((10 - u) / 40) * n
        return [dv / 0.2, dm, dh, dn]

    def crossing(_: float, y: np.ndarray) -> float:
        return float(y[0])

    crossing.direction = 1.0  # type: ignore[attr-defined]
    found = solve_ivp(slopes, (0.0, 30.0), [-65.0, 0.0, 1.0, 0.0], "LSODA", events=crossing, rtol=1e-8, atol=1e-10)
    times = [t for t, _ in spikes(cell)]
    assert len(times) == len(found.t_events[0]) >= 2
    # A spike is at the end of the step in which the potential rises through 0 mV.
    late = np.array(times) - found.t_events[0]
    assert late.min() > -0.002
    assert late.max() < DT + 0.002


def test_izhikevich_by_hand() -> None:
    sim.setup(timestep=DT)
    cell = sim.Population(1, sim.Izhikevich(a=0.02, b=0.2, c=-65.0, d=6.0, i_offset=0.01))
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[10.0]))
    sim.Projection(source, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=5.0, delay=1.0))
    cell.record(["v", "u", "spikes"])
    sim.run(60.0)
    v, u, expected = -70.0, -14.0, [(-70.0, -14.0)]
    fired = []
    for step in range(1, 601):
        v, u = v + DT * ((0.04 * v + 5) * v + 140 - u + 10.0), u + DT * 0.02 * (0.2 * v - u)
        v += 5.0 if step == 110 else 0.0
        if v >= 30.0:
            v, u = -65.0, u + 6.0
            fired.append(round(step * DT, 9))
        expected.append((v, u))
    assert [t for t, _ in spikes(cell)] == fired
    assert len(fired) >= 2
    assert np.abs(np.column_stack([signal(cell), signal(cell, "u")]) - expected).max() < 1e-8


def test_period_with_refractory_cells() -> None:
    """A constant current of i nA fires with the period tau_refrac + tau_m ln(R i / (R i - v_thresh + v_rest))."""
    sim.setup(timestep=DT)
    cells = sim.Population(3, sim.IF_curr_exp(i_offset=[0.8, 1.0, 2.0], tau_refrac=[2.0, 3.0, 5.0], tau_m=10.0, cm=0.5))
    cells.record("spikes")
    sim.run(200.0)
    for k, (i, t_ref) in enumerate([(0.8, 2.0), (1.0, 3.0), (2.0, 5.0)]):
        times = [t for t, index in spikes(cells) if index == k]
        rise = 10.0 * math.log(20.0 * i / (20.0 * i - 15.0))
        # The threshold is looked at where a step ends.
        period = math.ceil(rise / DT - 1e-9) * DT + t_ref
        assert np.allclose(np.diff(times), period, rtol=0, atol=1e-6)


SOURCES: dict[str, Callable[[], Any]] = {
    "DC": lambda: sim.DCSource(amplitude=0.4, start=5.0, stop=20.0),
    "step": lambda: sim.StepCurrentSource(times=[2.0, 10.0, 15.0], amplitudes=[0.4, -0.2, 0.1]),
    "AC": lambda: sim.ACSource(amplitude=0.3, offset=0.1, frequency=80.0, phase=30.0, start=3.3, stop=21.0),
    "noise": lambda: sim.NoisyCurrentSource(mean=0.2, stdev=0.1, start=4.0, stop=25.0, dt=0.5),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_currents_charge_the_membrane(kind: str) -> None:
    """The recorded current, held over each step, gives the recorded potential, in one run or in two."""
    sim.setup(timestep=DT)
    cells = sim.Population(4, sim.IF_curr_exp(tau_m=10.0, cm=0.5))
    source = SOURCES[kind]()
    cells[1:3].inject(source)
    cells[1].inject(source)
    source.record()
    cells.record("v")
    sim.run(11.0)
    sim.run(19.0)
    current = np.asarray(source.get_data().magnitude).ravel()
    assert len(current) == 301
    assert np.ptp(current) > 0.1
    for cell, times in enumerate((0, 2, 1, 0)):
        v, decay = np.full(301, -65.0), math.exp(-DT / 10.0)
        for k in range(300):
            v[k + 1] = v[k] * decay + (1 - decay) * (-65.0 + 20.0 * times * current[k])
        # The phase of the sine is rounded otherwise.
        assert np.abs(signal(cells)[:, cell] - v).max() < 1e-7


def test_noise_is_held_and_normally_distributed() -> None:
    sim.setup(timestep=DT, seed=5)
    source = sim.NoisyCurrentSource(mean=0.2, stdev=0.1, dt=0.5)
    sim.Population(1, sim.IF_curr_exp()).inject(source)
    sim.run(2000.0)
    current = np.asarray(source.get_data().magnitude).ravel()[:20000].reshape(-1, 5)
    assert (np.ptp(current, axis=1) == 0).all()
    # 4000 draws: within four standard errors.
    assert abs(current[:, 0].mean() - 0.2) < 4 * 0.1 / math.sqrt(4000)
    assert abs(current[:, 0].std() - 0.1) < 4 * 0.1 / math.sqrt(8000)


def through_pynn(pieces: tuple[float, ...], **options: Any) -> tuple[list[list[tuple[float, int]]], list[Any]]:
    """A balanced network: its spikes, and the synapses of each projection."""
    sim.setup(timestep=DT, seed=7, **options)
    rng = sim.NumpyRNG(seed=3)
    cell = sim.IF_curr_exp(tau_m=20.0, cm=0.2, tau_syn_E=5.0, tau_syn_I=10.0, tau_refrac=2.0, i_offset=0.1)
    exc, inh = sim.Population(160, cell, label="E"), sim.Population(40, cell, label="I")
    noise = sim.Population(160, sim.SpikeSourcePoisson(rate=200.0), label="noise")
    made = []
    for pre, weight, receptor in ((exc, 0.03, "excitatory"), (inh, -0.4, "inhibitory")):
        for post in (exc, inh):
            synapse = sim.StaticSynapse(weight=weight, delay=sim.RandomDistribution("uniform", (0.5, 3.0), rng=rng))
            connector = sim.FixedProbabilityConnector(0.1, rng=rng)
            made.append(sim.Projection(pre, post, connector, synapse, receptor_type=receptor))
    made.append(sim.Projection(noise, exc, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.2, delay=1.0)))
    for cells in (exc, inh, noise):
        cells.record("spikes")
    for duration in pieces:
        sim.run(duration)
    return [spikes(cells) for cells in (exc, inh, noise)], [p.get(["weight", "delay"], "list") for p in made]


def without_pynn(synapses: list[Any]) -> list[list[tuple[float, int]]]:
    net = nw.Network(dt=DT, seed=7, dtype=torch.float64)
    exc, inh = sl.synapses.Exponential(tau_syn=5.0), sl.synapses.Exponential(tau_syn=10.0)
    lif = sl.LIF(tau_mem=20.0, r=100.0, v_rest=-65.0, v_th=-50.0, v_reset=-65.0)
    cell = sl.Refractory(sl.synapses.Receptors(lif, exc=exc, inh=inh, keep_input=True), t_ref=2.0)
    e, i = net.population(160, cell, name="E"), net.population(40, cell, name="I")
    noise = net.population(160, nw.Poisson(200.0), name="noise")
    ends = [(e, e, "exc"), (e, i, "exc"), (i, e, "inh"), (i, i, "inh"), (noise, e, "exc")]
    for (pre, post, receptor), table in zip(ends, synapses, strict=True):
        source, target, weight, delay = np.array(table).T
        rule = nw.rules.Explicit(source.astype(int), target.astype(int))
        net.connect(pre, post, rule, weight=weight, delay=delay, receptor=receptor)
    for cells in (e, i):
        net.connect(nw.DirectCurrent(0.1), cells, receptor="i")
    for cells in (e, i, noise):
        net.record(cells)
    trains = net.run(200.0).spikes.values()
    return [sorted(zip(np.round(s.times, 9).tolist(), s.neurons.tolist(), strict=True)) for s in trains]


def test_same_spikes_as_without_pynn() -> None:
    found, synapses = through_pynn((200.0,))
    assert found == without_pynn(synapses)
    # It is a network that does something: 2 to 100 spikes/s.
    assert 2.0 < len(found[0]) / 160 / 0.2 < 100.0
    assert len(found[1]) > 0


def test_same_spikes_in_pieces_and_on_threads() -> None:
    whole, _ = through_pynn((100.0,), threads=1)
    assert through_pynn((30.0, 0.1, 69.9), threads=2)[0] == whole


@pytest.mark.parametrize("shape", ["exp", "alpha"])
@pytest.mark.parametrize("membrane", ["LIF", "AdExp"])
def test_composed_cells_are_the_standard_ones(membrane: str, shape: str) -> None:
    found = []
    p = {"tau_m": 12.0, "cm": 0.3, "tau_refrac": 1.0}
    for composed in (True, False):
        sim.setup(timestep=DT)
        if composed:
            response = sim.ExpPSR if shape == "exp" else sim.AlphaPSR
            fast, slow = response(tau_syn=2.0, e_syn=0.0), response(tau_syn=4.0, e_syn=-75.0)
            cell = sim.PointNeuron(getattr(sim, membrane)(**p), excitatory=fast, inhibitory=slow)
        else:
            name = f"IF_cond_{shape}" if membrane == "LIF" else f"EIF_cond_{shape}_isfa_ista"
            cell = getattr(sim, name)(tau_syn_E=2.0, tau_syn_I=4.0, e_rev_E=0.0, e_rev_I=-75.0, **p)
        cells = sim.Population(2, cell)
        source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[2.0, 5.0], [3.0]]))
        for index, receptor in enumerate(("excitatory", "inhibitory")):
            synapse = sim.StaticSynapse(weight=0.05, delay=1.0)
            sim.Projection(source[index : index + 1], cells, sim.AllToAllConnector(), synapse, receptor_type=receptor)
        cells.record("v")
        sim.run(10.0)
        cells[1:].set(**({"inhibitory.tau_syn": 8.0} if composed else {"tau_syn_I": 8.0}))
        sim.run(10.0)
        found.append(signal(cells))
    assert np.array_equal(*found)
    assert np.ptp(found[0]) > 1.0
    assert not np.array_equal(found[0][:, 0], found[0][:, 1])


def test_the_script_of_the_documentation_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (script,) = re.findall(r"^```py\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    exec(compile(script, PAGE.name, "exec"), {})
    assert 2.0 < float(capsys.readouterr().out.split()[0]) < 100.0
