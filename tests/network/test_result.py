"""Results: reading, joining, saving, and handing over to pandas and Neo."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import MissingPackageError, ParameterError, ShapeError, UnknownNameError


@pytest.fixture(scope="module")
def net() -> nw.Network:
    """Neurons under a constant current, each with its own, so that spike times are known."""
    network = nw.Network(dt=0.1, seed=1, threads=1)
    cells = network.population(4, sl.CurrentLIF(tau_mem=10.0, tau_syn=5.0, v_th=1.0), name="cells")
    network.connect(nw.Poisson(3000.0), cells, weight=0.3)
    network.record(cells, "s", "v")
    return network


@pytest.fixture(scope="module")
def results(net: nw.Network) -> tuple[nw.Result, nw.Result]:
    return net.run(50.0), net.run(25.0)


def test_spikes_by_population(results: tuple[nw.Result, nw.Result]) -> None:
    first, _ = results
    cells = first["cells"]
    assert len(cells.times) == len(cells.neurons) > 0
    assert cells.senders is cells.neurons or np.array_equal(cells.senders, cells.neurons)
    assert first.spikes["cells"] is cells.spikes
    assert (np.diff(cells.times) >= 0).all()
    assert cells.rate == first.rate("cells") == pytest.approx(len(cells.times) / 4 / 0.05)
    assert [len(train) for train in cells.spikes.trains()] == np.bincount(cells.neurons, minlength=4).tolist()


def test_times_are_those_of_the_ends_of_steps(results: tuple[nw.Result, nw.Result]) -> None:
    """A neuron that spikes is reset at the end of that step: the potential recorded at that time is the reset one."""
    first, _ = results
    cells = first["cells"]
    rows = np.rint(cells.times / 0.1).astype(int) - 1
    assert np.allclose(cells["v"].times[rows], cells.times)
    assert (cells["v"].values[rows, cells.neurons] == 0.0).all()
    assert (first.events.step == rows).all()


def test_results_of_runs_that_follow_each_other_are_joined(results: tuple[nw.Result, nw.Result]) -> None:
    first, second = results
    both = first + second
    assert (both.start, both.stop) == (0.0, pytest.approx(75.0))
    assert len(both["cells"].times) == len(first["cells"].times) + len(second["cells"].times)
    assert np.allclose(both["cells"]["v"].times, np.arange(1, 751) * 0.1)
    parted = both.spikes["cells"].between(50.0, 75.0)
    assert np.array_equal(parted.times, second["cells"].times)
    with pytest.raises(ParameterError, match="begins at 75"):
        second + first


def test_saving_and_loading(results: tuple[nw.Result, nw.Result], tmp_path: Path) -> None:
    both = results[0] + results[1]
    loaded = nw.Result.load(both.save(tmp_path / "result.h5"))
    assert np.array_equal(loaded["cells"].times, both["cells"].times)
    assert np.array_equal(loaded["cells"]["v"].values, both["cells"]["v"].values)
    assert loaded["cells"]["v"].values.dtype == np.float32
    assert (loaded.start, loaded.stop, loaded.dt, loaded.batch) == (0.0, pytest.approx(75.0), 0.1, 1)


@pytest.mark.parametrize("name", ["a/b", ".", "..", "50 % E", "äöü"])
def test_any_name_of_a_population_can_be_saved(name: str, tmp_path: Path) -> None:
    trains = nw.SpikeTrains.of([[1.0], [2.0]], stop=3.0, name=name)
    recording = nw.Recording(name, 0, 2, trains)
    result = nw.Result(0.0, 3.0, 0.1, 1, {name: recording})
    assert list(nw.Result.load(result.save(tmp_path / "a.h5"))) == [name]


def test_unknown_names(results: tuple[nw.Result, nw.Result]) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'cells'"):
        results[0]["cell"]
    with pytest.raises(UnknownNameError, match="one of v"):
        results[0]["cells"]["u"]


def test_independent_runs() -> None:
    network = nw.Network(dt=0.1, seed=1, threads=1, batch=3)
    cells = network.population(4, sl.CurrentLIF(tau_mem=10.0, tau_syn=5.0, v_th=1.0), name="cells")
    network.connect(nw.Poisson(3000.0), cells, weight=0.3)
    network.record(cells, "s", "v")
    result = network.run(50.0)
    trains = result.spikes["cells"]
    assert result["cells"]["v"].values.shape == (3, 500, 4)
    apart = [trains.in_run(run) for run in range(3)]
    assert sum(map(len, apart)) == len(trains)
    assert len({tuple(each.times) for each in apart}) == 3
    assert [each.tolist() for each in trains.trains(2)] == [each.tolist() for each in apart[2].trains()]


def test_pandas(results: tuple[nw.Result, nw.Result]) -> None:
    pytest.importorskip("pandas", reason="needs pandas")
    first, _ = results
    table = first.to_pandas()
    assert list(table.columns) == ["time", "population", "neuron", "run"]
    assert np.array_equal(table["neuron"], first["cells"].neurons) and set(table["population"]) == {"cells"}
    assert first["cells"]["v"].to_pandas().loc[first["cells"]["v"].times[3], 2] == first["cells"]["v"].values[3, 2]


def test_neo(results: tuple[nw.Result, nw.Result]) -> None:
    pytest.importorskip("neo", reason="needs Neo")
    first, _ = results
    segment = first.to_neo()
    assert len(segment.spiketrains) == 4
    train = segment.spiketrains[1]
    assert np.allclose(train.rescale("ms").magnitude, first.spikes["cells"].trains()[1])
    assert train.annotations["population"] == "cells" and float(train.t_stop.rescale("ms")) == 50.0
    (signal,) = segment.analogsignals
    assert signal.shape == (500, 4) and str(signal.units.dimensionality) == "dimensionless"
    assert np.allclose(signal.times.rescale("ms").magnitude, first["cells"]["v"].times)
    assert np.array_equal(signal.magnitude, first["cells"]["v"].values)


def test_neo_has_units() -> None:
    pytest.importorskip("neo", reason="needs Neo")
    for unit in ("mV", "nS", "1/s", "uA/cm^2", "1"):
        signal = nw.Signal("v", np.zeros((3, 2), np.float32), np.arange(1.0, 4.0), np.arange(2), unit, 1.0)
        result = nw.Result(0.0, 3.0, 0.1, 1, {"a": nw.Recording("a", 0, 2, None, {"v": signal})})
        (analog,) = result.to_neo().analogsignals
        assert float(analog.sampling_period.rescale("ms")) == 1.0


def test_missing_packages_say_what_to_install(
    results: tuple[nw.Result, nw.Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    for package, call in (("pandas", results[0].to_pandas), ("neo", results[0].to_neo)):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingPackageError, match=r"[Pp]ip install spikeloom\[analysis\]"):
            call()


def test_spike_trains_from_arrays() -> None:
    trains = nw.SpikeTrains.of([[5.0, 1.0], [], [2.0]], stop=10.0)
    assert trains.times.tolist() == [1.0, 2.0, 5.0] and trains.neurons.tolist() == [0, 2, 0]
    assert [each.tolist() for each in trains.trains()] == [[1.0, 5.0], [], [2.0]]
    assert trains[[2, 0]].recorded.tolist() == [0, 2]
    assert [each.tolist() for each in trains[1:].trains()] == [[], [2.0]]
    assert trains.rate == pytest.approx(100.0)
    with pytest.raises(ParameterError, match="0 to 10"):
        nw.SpikeTrains.of([[11.0]], stop=10.0)
    with pytest.raises(ParameterError, match="got nan"):
        nw.SpikeTrains.of([[1.0, float("nan")]], stop=10.0)
    with pytest.raises(ShapeError, match="0 to 2"):
        trains[3]
    with pytest.raises(ParameterError, match="within 0 to 10"):
        trains.between(5.0, 11.0)
    with pytest.raises(ParameterError, match="0 to 0"):
        trains.in_run(1)
