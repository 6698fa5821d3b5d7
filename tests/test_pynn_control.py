"""The back end of PyNN: what may be changed, recorded, read and cleared, and when; and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spikeloom.errors import NonFiniteError, ParameterError

pytest.importorskip("pyNN")
sim: Any = pytest.importorskip("spikeloom.pynn")

pytestmark = pytest.mark.peers


@pytest.fixture(autouse=True)
def begun() -> None:
    sim.setup(timestep=0.1)


def signal(cells: Any, name: str = "v", segment: int = -1) -> np.ndarray:
    (found,) = cells.get_data().segments[segment].filter(name=name)
    return np.asarray(found.magnitude)


def times(cells: Any, segment: int = -1) -> list[list[float]]:
    trains = cells.get_data("spikes").segments[segment].spiketrains
    return [np.asarray(train.magnitude).tolist() for train in trains]


def test_reset_runs_the_same_again_and_noise_differs() -> None:
    noise = sim.Population(5, sim.SpikeSourcePoisson(rate=300.0))
    cells = sim.Population(2, sim.IF_curr_exp(i_offset=1.0), initial_values={"v": -60.0})
    noise.record("spikes")
    cells.record("v")
    for _ in range(2):
        sim.run(20.0)
        assert sim.get_current_time() == 20.0
        sim.reset()
        assert sim.get_current_time() == 0.0
    assert np.array_equal(signal(cells, segment=0), signal(cells, segment=1))
    assert signal(cells)[0].tolist() == [-60.0, -60.0]
    assert times(noise, 0) != times(noise, 1)


def test_what_is_set_between_runs_counts_from_there_on() -> None:
    cells = sim.Population(3, sim.IF_curr_exp(tau_m=10.0, v_thresh=0.0))
    cells.record("v")
    sim.run(10.0)
    cells[1:2].set(v_rest=-60.0)
    cells[2].i_offset = 0.5
    cells[0:1].initialize(v=-70.0)
    sim.run(10.0)
    v, decay = signal(cells), np.exp(-np.arange(101) * 0.1 / 10.0)
    assert np.abs(v[:101] + 65.0).max() < 1e-12
    assert np.abs(v[101:, 0] - (-65.0 - 5.0 * decay[1:])).max() < 1e-9
    assert np.abs(v[100:, 1] - (-60.0 - 5.0 * decay)).max() < 1e-9
    # 0.5 nA through 10 MOhm.
    assert np.abs(v[100:, 2] - (-60.0 - 5.0 * decay)).max() < 1e-9
    assert cells.get("v_rest").tolist() == [-65.0, -60.0, -65.0]
    assert cells.get("tau_m") == 10.0
    assert cells[2].i_offset == 0.5


def test_sources_are_set_between_runs() -> None:
    listed = sim.Population(2, sim.SpikeSourceArray(spike_times=[[1.0, 15.0], []]))
    poisson = sim.Population(2, sim.SpikeSourcePoisson(rate=0.0))
    gamma = sim.Population(20, sim.SpikeSourceGamma(alpha=4.0, beta=800.0, start=10.0, duration=90.0))
    for source in (listed, poisson, gamma):
        source.record("spikes")
    sim.run(10.0)
    # What is in the past is left out.
    listed[1].spike_times = [3.0, 12.0]
    poisson[0:1].set(rate=2000.0)
    sim.run(110.0)
    assert times(listed) == [[1.0, 15.0], [12.0]]
    assert min(times(poisson)[0]) > 10.0
    assert times(poisson)[1] == []
    everything = np.concatenate(times(gamma))
    assert everything.min() > 10.0
    assert everything.max() <= 100.0
    # 20 trains of 200 spikes/s for 90 ms are 360 spikes, with a variance of a quarter of that of Poisson trains.
    assert abs(len(everything) - 360) < 4 * np.sqrt(360 / 4 + 20)


def test_weights_are_set_between_runs_and_spikes_on_their_way_arrive() -> None:
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[9.0], [11.0]]))
    cell = sim.Population(1, sim.IF_curr_delta(tau_m=1e9))
    synapses = sim.Projection(source, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=3.0))
    cell.record("v")
    sim.run(10.0)
    synapses.set(weight=2.0)
    sim.run(10.0)
    # One of each: what a spike does is decided when it arrives.
    assert signal(cell)[-1, 0] == pytest.approx(-61.0, abs=1e-5)
    assert synapses.get("weight", "list", with_address=False) == [2.0, 2.0]


def test_views_and_assemblies_connect_by_their_own_indices() -> None:
    source = sim.Population(6, sim.SpikeSourceArray(spike_times=[[], [1.0], [1.2], [2.0], [], []]))
    a, b = sim.Population(4, sim.IF_curr_delta(tau_m=1e9)), sim.Population(3, sim.IF_curr_delta(tau_m=1e9))
    both = a[2:4] + b
    weights = np.arange(1.0, 16.0).reshape(3, 5) / 10
    given = [(i, j, weights[i, j], 0.5) for i in range(3) for j in range(5)]
    synapses = sim.Projection(source[[1, 3, 5]], both, sim.FromListConnector(given))
    assert np.allclose(synapses.get("weight", "array"), weights)
    assert sorted(synapses.get(["weight", "delay"], "list")) == given
    assert len(synapses) == 15
    assert synapses[3].as_tuple("presynaptic_index", "postsynaptic_index") in [g[:2] for g in given]
    both.record("v")
    sim.run(5.0)
    # Two of the sources that are connected spike once.
    found = np.concatenate([signal(a)[-1], signal(b)[-1]])
    assert np.allclose(found + 65.0, weights[:2].sum(0), atol=1e-5)
    assert both.get_data().segments[0].analogsignals


@pytest.mark.parametrize(
    ("how", "value"), [("sum", 0.6), ("min", 0.1), ("max", 0.3), ("first", 0.3), ("last", 0.2)]
)  # fmt: skip
def test_several_synapses_of_one_pair(how: str, value: float) -> None:
    cells = sim.Population(2, sim.IF_cond_exp())
    listed = sim.FromListConnector([(0, 1, 0.3, 0.5), (0, 1, 0.1, 0.5), (0, 1, 0.2, 0.7)])
    table = sim.Projection(cells, cells, listed).get("weight", "array", multiple_synapses=how)
    assert table[0, 1] == pytest.approx(value)
    assert np.isnan(table).sum() == 3


def test_sampling_and_clearing() -> None:
    cells = sim.Population(3, sim.IF_cond_exp(i_offset=0.5))
    cells[1:].record(["v", "gsyn_exc"], sampling_interval=0.5)
    cells.record("spikes")
    sim.run(7.3)
    assert signal(cells).shape == (15, 2)
    cells.get_data(clear=True)
    sim.run(2.0)
    (found,) = cells.get_data("v").segments[0].filter(name="v")
    # Samples are counted from when the recording began, or was cleared.
    assert np.allclose(found.times.rescale("ms").magnitude, [7.3, 7.8, 8.3, 8.8, 9.3])
    assert np.isfinite(found.magnitude).all()
    assert cells[0:1].get_spike_counts() == {cells[0]: 0}


def test_cells_that_are_recorded_later() -> None:
    cells = sim.Population(4, sim.IF_curr_exp())
    cells[0:2].record("v")
    sim.run(1.0)
    cells[3:4].record("v")
    sim.run(1.0)
    v = signal(cells)
    assert v.shape == (21, 3)
    assert np.isnan(v[:, 2]).tolist() == [True] * 10 + [False] * 11
    assert np.isfinite(v[:, :2]).all()


def test_what_is_added_between_runs() -> None:
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[12.0]))
    sim.run(10.0)
    cell = sim.Population(1, sim.IF_curr_delta())
    sim.Projection(source, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=20.0, delay=1.0))
    cell.record(["spikes", "v"])
    sim.run_until(20.0)
    assert times(cell) == [[13.0]]
    assert signal(cell).shape == (101, 1)


def test_delays() -> None:
    cells = sim.Population(2, sim.IF_curr_exp())
    assert (sim.get_min_delay(), sim.get_max_delay()) == (0.1, 0.1)
    synapse = sim.StaticSynapse(delay=lambda d: 0.72 + d)
    made = sim.Projection(cells, cells, sim.AllToAllConnector(), synapse)
    assert made.get("delay", "array").tolist() == [[0.7, 1.7], [1.7, 0.7]]
    assert (sim.get_min_delay(), sim.get_max_delay()) == (0.7, 1.7)
    sim.setup(timestep=0.1, min_delay=0.5, max_delay=2.0)
    cells = sim.Population(2, sim.IF_curr_exp())
    made = sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse())
    assert set(made.get("delay", "list", with_address=False)) == {0.5}
    assert (sim.get_time_step(), sim.num_processes(), sim.rank()) == (0.1, 1, 0)


def _cells() -> Any:
    return sim.Population(2, sim.IF_curr_exp())


def _connected(**synapse: Any) -> Any:
    cells = _cells()
    return sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(**synapse))


def _after_a_run() -> None:
    made = _connected()
    sim.run(1.0)
    made.set(delay=2.0)


def _run(population: Any) -> None:
    sim.run(1.0)


REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: sim.TsodyksMarkramSynapse(U=0.5), NotImplementedError, "no TsodyksMarkramSynapse.*StaticSynapse"),
    (lambda: sim.STDPMechanism(), NotImplementedError, "no STDPMechanism"),
    (lambda: sim.IF_facets_hardware1(), NotImplementedError, "no IF_facets_hardware1"),
    (lambda: sim.setup(spike_precision="off_grid"), UserWarning, "whole time steps"),
    (lambda: sim.setup(dtype="float16"), ParameterError, "expected one of float32, float64"),
    (lambda: sim.setup(timestep=-0.1), ParameterError, "time step > 0"),
    (lambda: sim.setup(threads=0), ParameterError, "whole number >= 1"),
    (lambda: _connected(delay=0.01), Exception, r"Delays must be 0\.1 to inf ms"),
    (lambda: _connected(delay=float("nan")), Exception, "Delays must be"),
    (_after_a_run, NotImplementedError, "before the first run"),
    (lambda: _cells().record("v", sampling_interval=0.25), ParameterError, "multiple of the time step"),
    (lambda: _cells().record("gsyn_exc"), Exception, "gsyn_exc"),
    (lambda: _cells().initialize(w=1.0), Exception, "w"),
    (lambda: _cells().get("tau_mem"), Exception, "tau_mem"),
    (lambda: _cells().set(tau_mem=1.0), Exception, "tau_mem"),
    (lambda: _run(sim.Population(1, sim.IF_curr_exp(tau_m=-1.0))), ParameterError, "tau_mem"),
    (lambda: sim.DCSource().inject_into(sim.Population(1, sim.SpikeSourcePoisson())), TypeError, "spike source"),
    (lambda: sim.StepCurrentSource(times=[1.0, 0.5], amplitudes=[1.0, 2.0]), ValueError, "increasing"),
    (lambda: sim.StepCurrentSource(times=[1.0], amplitudes=[1.0, 2.0]), ValueError, "as many amplitudes"),
    (lambda: sim.Population(1, sim.SpikeSourceArray(spike_times=[3.0, 2.0])), ValueError, "in order"),
    (lambda: _run(sim.Population(1, sim.SpikeSourceArray(spike_times=[0.0]))), ValueError, r"0\.1 ms at least"),
    (lambda: _run(sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0, 1.01]))), ValueError, "at most one"),
    (lambda: sim.run(-1.0), ValueError, "in the past"),
]


@pytest.mark.parametrize(("act", "error", "text"), REFUSED, ids=range(len(REFUSED)))
def test_refused(act: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        act()


def test_a_refractory_period_between_steps_is_rounded_with_a_warning() -> None:
    sim.Population(1, sim.IF_curr_exp(tau_refrac=0.13))
    with pytest.warns(UserWarning, match=r"tau_refrac is rounded to multiples of the time step of 0\.1 ms"):
        sim.run(1.0)


def test_standard_models_are_all_simulated() -> None:
    for name in sim.list_standard_models():
        sim.Population(2, getattr(sim, name)()).record("spikes")
    sim.run(2.0)


def test_weights_are_set_by_number_list_table_and_distance() -> None:
    a, b = sim.Population(3, sim.IF_cond_exp()), sim.Population(2, sim.IF_cond_exp())
    listed = [(0, 0), (1, 0), (2, 1)]
    made = sim.Projection(a, b, sim.FromListConnector(listed), sim.StaticSynapse(weight=0.1, delay=0.5))

    def weights() -> list[float]:
        return [found[2] for found in sorted(made.get("weight", "list"))]

    made.set(weight=0.2)
    assert weights() == [0.2, 0.2, 0.2]
    made.set(weight=[0.1, 0.2, 0.3])
    assert weights() == [0.1, 0.2, 0.3]
    made.set(weight=np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, 3.0]]))
    assert weights() == [1.0, 2.0, 3.0]
    made.set(weight=lambda distance: 1.0 + distance, delay=1.04)
    assert weights() == [1.0, 2.0, 2.0]
    assert made[1].delay == 1.0
    for connection in made.connections:
        connection.weight = 0.5
    assert weights() == [0.5, 0.5, 0.5]
    assert a.label in made.describe()


def test_currents_after_a_reset() -> None:
    cell = sim.Population(1, sim.IF_curr_exp())
    source = sim.DCSource(amplitude=0.1)
    cell.inject(source)
    cell.record("v")
    sim.run(5.0)
    source.amplitude = 0.2
    sim.run(5.0)
    assert np.unique(source.get_data().magnitude).tolist() == [0.1, 0.2]
    assert source.amplitude == 0.2
    sim.reset()
    sim.run(5.0)
    assert np.unique(source.get_data().magnitude).tolist() == [0.2]
    # Twice the current, from the beginning on.
    first, second = (signal(cell, segment=k)[1:51] + 65.0 for k in (0, 1))
    assert np.allclose(second, 2 * first, rtol=0, atol=1e-9)


def test_what_was_recorded_before_an_error_is_kept() -> None:
    cell = sim.Population(1, sim.IF_cond_exp(i_offset=0.1))
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
    sim.Projection(source, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=1e300, delay=0.1))
    cell.record("v")
    with pytest.raises(NonFiniteError):
        sim.run(20.0)
    v = signal(cell)
    assert len(v) >= 50
    assert np.isfinite(v[:50]).all()


def test_descriptions_and_parameters_read_back() -> None:
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[1.0, 2.0], [3.0]]))
    cells = sim.Population((2, 2), sim.IF_curr_exp(tau_m=[10.0, 11.0, 12.0, 13.0]), label="grid")
    assert [list(train.value) for train in source.get("spike_times")] == [[1.0, 2.0], [3.0]]
    assert cells[[3, 1]].get("tau_m").tolist() == [11.0, 13.0]
    assert cells[2].tau_m == 12.0
    assert "grid" in cells.describe()
    assert "grid" in cells[1:].describe()
    assert "grid" in (cells + source).describe()
    assert cells.positions.shape == (3, 4)
    cells[1:3].initialize(v=-61.0)
    cells[3].set_initial_value("v", -62.0)
    assert [cell.get_initial_value("v") for cell in cells] == [-65.0, -61.0, -61.0, -62.0]
    cells.record("v")
    sim.run(0.1)
    assert signal(cells)[0].tolist() == [-65.0, -61.0, -61.0, -62.0]


def test_single_precision() -> None:
    sim.setup(timestep=0.1, dtype="float32")
    cell = sim.Population(1, sim.IF_curr_exp(i_offset=1.0))
    cell.record("v")
    sim.run(5.0)
    expected = -65.0 + 20.0 * (1 - np.exp(-np.arange(51) * 0.1 / 20.0))
    assert np.abs(signal(cell)[:, 0] - expected).max() < 1e-4


def test_of_several_values_in_a_step_the_last_one_counts() -> None:
    cell = sim.Population(1, sim.IF_curr_exp())
    source = sim.StepCurrentSource(times=[0.41, 0.42, 0.86], amplitudes=[0.5, -0.5, 0.25])
    cell.inject(source)
    sim.run(2.0)
    current = np.asarray(source.get_data().magnitude).ravel().tolist()
    assert current == [0.0] * 4 + [-0.5] * 5 + [0.25] * 12


def test_sources_that_are_on_for_a_while() -> None:
    start, duration = [0.0, 20.0, 50.0], [30.0, 40.0, 1e10]
    sources = sim.Population(3, sim.SpikeSourcePoisson(rate=2000.0, start=start, duration=duration))
    sources.record("spikes")
    sim.run(100.0)
    for train, begin, length in zip(times(sources), start, duration, strict=True):
        end = min(begin + length, 100.0)
        assert begin < min(train) < begin + 10.0
        assert end - 10.0 < max(train) <= end
        # One draw per step with a chance of 0.2.
        steps = (end - begin) / 0.1
        assert abs(len(train) - 0.2 * steps) < 4.5 * np.sqrt(0.16 * steps)
