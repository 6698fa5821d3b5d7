"""Times and potentials against closed forms and against NEST's numbers, to rounding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.network import Network, Population
from spikeloom.synapses import Alpha, Delta, Exponential, Receptors
from tests.network.oracle import trains

# Says in `note` how it was made.
NEST: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "nest.json").read_text())
DTYPES = (torch.float64, torch.float32)
# mV per pA: 10 ms over 250 pF.
R = 10.0 / 250.0
MODELS = {
    "iaf_psc_alpha": lambda tau: Alpha(tau_syn=tau),
    "iaf_psc_exp": lambda tau: Exponential(tau_syn=tau),
    "iaf_psc_delta": lambda tau: Delta(),
}


def iaf(model: str, exc: float = 2.0, inh: float = 2.0) -> sl.Neuron:
    """NEST's model of that name with its default parameters, but for the synaptic time constants."""
    lif = sl.LIF(tau_mem=10.0, r=R, v_rest=-70.0, v_reset=-70.0, v_th=-55.0, dt=0.1)
    return sl.Refractory(Receptors(lif, exc=MODELS[model](exc), inh=MODELS[model](inh)), t_ref=2.0)


def timed(network: Network, times: list[float], name: str) -> Population:
    """Neurons of which each spikes once, at a time of its own: they relax to 2 and cross 1 in the middle of a step."""
    steps = np.rint(np.array(times) / network.dt) - 0.5
    lif = sl.LIF(tau_mem=10.0, v_rest=2.0, v_reset=-1e30, dt=network.dt)
    return network.population(len(times), lif, name=name, initial={"v": 2 - np.exp(steps * network.dt / 10.0)})


def spike_times(result: nw.Result, population: Population) -> list[float]:
    step, _, _ = np.nonzero(trains(result, population))
    return [round((n + 1) * population.network.dt, 1) for n in step]


def voltages(network: Network, population: Population, milliseconds: int) -> NDArray[np.float64]:
    """The potential of the only neuron after each millisecond."""
    found = []
    for _ in range(milliseconds):
        network.run(1.0)
        found.append(float(population["v"][0]))
    return np.array(found)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_constant_current(dtype: torch.dtype) -> None:
    """1000 pA: v = -70 + 40 (1 - exp(-t / 10)) until the spike at 4.8 ms, which is that of the steps that reach -55."""
    net = Network(dt=0.1, dtype=dtype)
    cell = net.population(1, iaf("iaf_psc_alpha"), parameters={"v_rest": -70.0 + 1000.0 * R})
    cell["v"] = -70.0
    net.record(cell)
    seen = []
    for _ in range(60):
        net.run(0.1)
        seen.append(float(cell["v"][0]))
    # A step of float32 rounds potentials near -64 to 4e-6, and a hundredth of what was rounded decays.
    tolerance = 1e-8 if dtype == torch.float64 else 2e-4
    np.testing.assert_allclose(seen, NEST["dc"]["v"], atol=tolerance, rtol=0)
    t = 0.1 * np.arange(1, 48)
    np.testing.assert_allclose(seen[:47], -70 + 40 * -np.expm1(-t / 10), atol=tolerance, rtol=0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_constant_current_spike_times(dtype: torch.dtype) -> None:
    net = Network(dt=0.1, dtype=dtype)
    cell = net.population(1, iaf("iaf_psc_alpha"), parameters={"v_rest": -70.0 + 1000.0 * R}, initial={"v": -70.0})
    net.record(cell)
    assert spike_times(net.run(50.0), cell) == NEST["dc"]["spikes"]


@pytest.mark.parametrize("model", MODELS)
def test_given_spikes(model: str) -> None:
    """Spikes that arrive after delays of 0.1, 1.3 and 2.7 ms: the same potentials and the same spikes as NEST."""
    wanted = NEST[f"given {model}"]
    net = Network(dt=0.1, dtype=torch.float64)
    cell = net.population(1, iaf(model, wanted.get("tau_syn_ex", 2.0), wanted.get("tau_syn_in", 2.0)), name="cell")
    exc, inh = timed(net, wanted["exc"], "exc"), timed(net, wanted["inh"], "inh")
    w = wanted["w"]
    for source, receptor, weight, delay in (
        (exc, "exc", w, 1.3),
        (exc, "exc", w / 2, 0.1),
        (inh, "inh", -w, 2.7),
    ):
        net.connect(source, cell, nw.rules.AllToAll(), weight=weight, delay=delay, receptor=receptor)
    net.record(cell)
    net.record(exc)
    result = net.run(80.0)
    assert spike_times(result, exc) == wanted["exc"]
    assert spike_times(result, cell) == wanted["spikes"]


@pytest.mark.parametrize("model", MODELS)
def test_given_spikes_potential(model: str) -> None:
    wanted = NEST[f"given {model}"]
    net = Network(dt=0.1, dtype=torch.float64)
    cell = net.population(1, iaf(model, wanted.get("tau_syn_ex", 2.0), wanted.get("tau_syn_in", 2.0)), name="cell")
    exc, inh = timed(net, wanted["exc"], "exc"), timed(net, wanted["inh"], "inh")
    rule, w = nw.rules.AllToAll(), wanted["w"]
    net.connect(exc, cell, rule, weight=w, delay=1.3, receptor="exc")
    net.connect(exc, cell, rule, weight=w / 2, delay=0.1, receptor="exc")
    net.connect(inh, cell, rule, weight=-w, delay=2.7, receptor="inh")
    np.testing.assert_allclose(voltages(net, cell, len(wanted["v"])), wanted["v"], atol=1e-8, rtol=0)


@pytest.mark.parametrize("threads", (1, 2))
@pytest.mark.parametrize("model", ("iaf_psc_delta", "iaf_psc_exp"))
def test_recurrent_network(model: str, threads: int) -> None:
    """40 neurons, 400 synapses with weights and delays of their own: all spikes of 300 ms as in NEST."""
    wanted = NEST[f"net {model}"]
    net = Network(dt=0.1, dtype=torch.float64, threads=threads)
    neuron = iaf(model, wanted.get("tau_syn_ex", 2.0), wanted.get("tau_syn_in", 2.0))
    rest = -70.0 + R * np.array(wanted["i"])
    cells = net.population(40, neuron, name="cells", parameters={"v_rest": rest}, initial={"v": wanted["v0"]})
    pre, post, weight, delay = (np.array(wanted[name]) for name in ("pre", "post", "weight", "delay"))
    for receptor, chosen in (("exc", weight > 0), ("inh", weight < 0)):
        rule = nw.rules.Explicit(pre[chosen], post[chosen])
        net.connect(cells, cells, rule, weight=weight[chosen], delay=delay[chosen], receptor=receptor)
    net.record(cells)
    result = net.run(300.0)
    step, _, neurons = np.nonzero(trains(result, cells))
    assert [round((n + 1) * 0.1, 1) for n in step] == wanted["times"]
    assert neurons.tolist() == wanted["senders"]
    np.testing.assert_allclose(cells["v"], wanted["v_end"], atol=1e-8, rtol=0)


@pytest.mark.parametrize(("synapse", "shift"), ((Delta(), 0), (Exponential(), 1)), ids=("late", "early"))
@pytest.mark.parametrize("delay", (0.1, 0.4, 12.8))
def test_arrival(synapse: sl.synapses.Synapse, shift: int, delay: float) -> None:
    """A spike at 3 ms with delay d first moves the potential at 3 + d, or in the step that begins then."""
    net = Network(dt=0.1, dtype=torch.float64)
    cell = net.population(1, Receptors(sl.LIF(tau_mem=10.0), exc=synapse), name="cell")
    net.connect(timed(net, [3.0], "source"), cell, nw.rules.AllToAll(), weight=0.5, delay=delay)
    moved = []
    for _ in range(200):
        net.run(0.1)
        moved.append(float(cell["v"][0]) != 0)
    assert round((moved.index(True) + 1) * 0.1, 1) == pytest.approx(3.0 + delay + 0.1 * shift)
