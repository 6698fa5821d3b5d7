"""What a user tries who comes from elsewhere: it works, or the message says what to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import DTypeError, ParameterError, ShapeError, SpikeloomError, UnknownNameError
from spikeloom.network import analysis, rules


@pytest.fixture
def net() -> nw.Network:
    made = nw.Network(dt=0.1, seed=1, threads=1)
    cells = made.population(10, sl.LIF(tau_mem=20.0), name="cells")
    made.connect(cells, cells, rules.AllToAll(), weight=2.0, delay=1.5)
    return made


Attempt = Callable[[nw.Network, nw.Population], Any]
REFUSED: dict[str, tuple[Attempt, type[SpikeloomError], str]] = {
    "state as attribute": (lambda _, c: setattr(c, "v", 1.0), ParameterError, r"items, population\['v'\]"),
    "parameter as attribute": (lambda _, c: setattr(c, "tau_mem", 5.0), ParameterError, r"population\['tau_mem'\]"),
    "weight assigned": (lambda n, _: setattr(n.projections[0], "weight", 1.0), ParameterError, "Call set_weights"),
    "delay assigned": (lambda n, _: setattr(n.projections[0], "delay", 1.0), ParameterError, "Connect anew"),
    "rule by name": (lambda n, c: n.connect(c, c, "all_to_all"), ParameterError, r"rules\.AllToAll\(\)"),
    "source as device": (
        lambda n, c: n.connect(nw.SpikeTimes([[1.0]]), c), ParameterError, r"SpikeTimes\(1 spikes\).*net\.population"
    ),
    "neuron before n": (lambda n, _: n.population(sl.LIF(), 10), ParameterError, r"net\.population\(100, "),
    "name is a number": (lambda n, _: n.population(3, sl.LIF(), name=3), ParameterError, "expected a text, got 3"),
    "capital of a state": (lambda _, c: c["V"], UnknownNameError, "Did you mean 'v'"),
    "mask too short": (lambda _, c: c[np.ones(3, dtype=bool)], ShapeError, r"expected a mask of \[10\], got \[3\]"),
    "list to record": (lambda n, c: n.record(c, ["v"]), ParameterError, r"got \['v'\]\. For example record"),
    "class to record": (lambda n, c: n.record(c, nw.Rate), ParameterError, r"expected a name or Rate\(bin\)"),
    "delays below 0": (
        lambda n, c: n.connect(c, c, rules.AllToAll(), delay=nw.Normal(1.0, 1.0)), ParameterError, r"example low=0\.1"
    ),
    "unsorted times": (lambda n, c: nw.StepCurrent([10.0, 0.0], [1.0, 0.0]), ParameterError, r"got \[10\.0, 0\.0\]"),
    "no seed": (lambda n, c: nw.Network(seed=None), ParameterError, "expected a whole number >= 0, got None"),
    "text for dt": (lambda n, c: nw.Network(dt="0.1"), ParameterError, "got '0.1'"),
}  # fmt: skip


@pytest.mark.parametrize("story", REFUSED)
def test_what_a_message_says(net: nw.Network, story: str) -> None:
    attempt, kind, words = REFUSED[story]
    with pytest.raises(kind, match=words):
        attempt(net, net.populations[0])


def test_reading_a_state_as_attribute(net: nw.Network) -> None:
    with pytest.raises(AttributeError, match=r"population\['v'\]"):
        _ = net.populations[0].v
    assert not hasattr(net.populations[0], "nothing")


def test_numbers_of_numpy(net: nw.Network) -> None:
    made = nw.Network(dt=np.float64(0.5), seed=np.int64(3), batch=np.int32(2), threads=np.int64(1))
    cells = made.population(np.int64(2), sl.LIF(), shape=2)
    made.record(cells, "v", every=np.int64(1))
    assert made.run(np.int64(2)).duration == 2.0
    assert made.run(np.float32(0.5)).stop == 2.5
    assert (made.dt, made.seed, made.batch) == (0.5, 3, 2)


def test_what_is_printed(net: nw.Network) -> None:
    assert repr(net) == "Network(1 populations, 10 neurons, 1 projections, at 0 ms)"


def test_a_view_is_iterated(net: nw.Network) -> None:
    chosen = net.populations[0][[3, 1]]
    assert [one.indices.tolist() for one in chosen] == [[3], [1]]


@pytest.fixture(scope="module")
def result() -> nw.Result:
    made = nw.Network(dt=0.1, seed=1, threads=1)
    cells = made.population(10, sl.LIF(tau_mem=20.0), name="cells")
    made.connect(nw.DirectCurrent(1.5), cells)
    made.record(cells)
    made.record(cells[:2], "v", every=1.0)
    return made.run(50.0)


@pytest.mark.parametrize("given", ["recording", "result", "times"])
@pytest.mark.parametrize("statistic", ["cv", "neuron_rates", "rate_over_time", "spike_synchronization"])
def test_statistics_of_something_else(result: nw.Result, statistic: str, given: str) -> None:
    what = {"recording": result["cells"], "result": result, "times": result["cells"].times}[given]
    with pytest.raises(DTypeError, match=r'result\.spikes\["E"\]'):
        getattr(analysis, statistic)(what)


def test_golomb_chi_of_spikes(result: nw.Result) -> None:
    with pytest.raises(DTypeError, match="expected a Signal or an array, got SpikeTrains"):
        analysis.golomb_chi(result.spikes["cells"])  # type: ignore[arg-type]


def test_a_run_that_there_is_not(result: nw.Result) -> None:
    with pytest.raises(ParameterError, match="run: expected 0 to 0, got 1"):
        result.spikes["cells"].trains(1)


def test_what_was_not_recorded(net: nw.Network) -> None:
    net.record(net.populations[0])
    with pytest.raises(UnknownNameError, match=r"Call net\.record\(cells, 'v'\) before the run"):
        net.run(1.0)["cells"]["v"]


def test_pictures_of_everything(net: nw.Network, result: nw.Result) -> None:
    for what in (result, result.spikes["cells"], result["cells"]["v"], net.projections[0]):
        assert what.plot().axes


@pytest.mark.parametrize("name", ["network", "traces", "connectivity", "raster"])
def test_a_picture_of_something_else(net: nw.Network, name: str) -> None:
    with pytest.raises(DTypeError, match=r"what to draw: expected .*, got Population"):
        getattr(sl.plot, name)(net.populations[0])


def test_what_is_in_a_file(net: nw.Network, tmp_path: Any) -> None:
    net.record(net.populations[0], to=tmp_path / "spikes.h5")
    with pytest.raises(ParameterError, match=r"Read it with sl\.network\.Result\.load\('"):
        net.run(1.0)["cells"]


def test_states_and_parameters_of_a_view(net: nw.Network) -> None:
    cells = net.populations[0]
    cells[:3]["v"] = 0.5
    cells[[9, 0]]["v"] = [0.9, 0.1]
    assert np.allclose(cells["v"], [0.1, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0.9])
    cells[3:5]["tau_mem"] = 5.0
    assert np.allclose(cells["tau_mem"], [20, 20, 20, 5, 5, 20, 20, 20, 20, 20])
    assert np.allclose(cells[4:6]["tau_mem"], [5, 20])
    cells[:5]["v"] = nw.Uniform(2.0, 3.0)
    assert (cells[:5]["v"] >= 2.0).all() and cells["v"][9] == np.float32(0.9)
    for wrong in ([1.0, 2.0], "one", float("nan")):
        with pytest.raises(SpikeloomError, match="expected"):
            cells[:5]["v"] = wrong
    with pytest.raises(UnknownNameError, match="variable of cells"):
        cells[:5]["w"] = 1.0


def test_states_of_a_view_in_a_batch() -> None:
    made = nw.Network(batch=2)
    cells = made.population(4, sl.LIF())
    cells[1:3]["v"] = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert cells["v"].tolist() == [[0, 1, 2, 0], [0, 3, 4, 0]]


def test_weights_of_projections_between_the_same_populations(net: nw.Network) -> None:
    cells = net.populations[0]
    second = net.connect(cells, cells, rules.OneToOne())
    for projection in net.projections:
        net.record(projection)
    shapes = {name: signal.values.shape for name, signal in net.run(0.1).weights.items()}
    assert shapes == {"cells to cells": (1, 100), "cells to cells (2)": (1, 10)}
    with pytest.raises(ParameterError, match="name of a projection"):
        net.connect(cells, cells, rules.OneToOne(), name=second.name)


@pytest.mark.parametrize("neuron", [sl.neurons.AdEx, sl.neurons.Izhikevich], ids=lambda n: n.__name__)
def test_an_upswing_has_no_closed_form(neuron: type[sl.neurons.Neuron]) -> None:
    made = nw.EventDriven()
    made.record(made.population(1, neuron(), name="cell"))
    with pytest.raises(ParameterError, match=r"neuron of cell, event by event: .*linear"):
        made.run(1.0)
