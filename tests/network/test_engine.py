"""The engine: the same spikes for any division of a run and of a network, and however often it is built anew."""

from __future__ import annotations

import numpy as np
import pytest

import spikeloom as sl
from spikeloom import network as nw


def balanced(
    threads: int | None = 1, *, batch: int = 1, seed: int = 3, delay: object = None, sizes: tuple[int, int] = (300, 80)
) -> nw.Network:
    net = nw.Network(dt=0.1, seed=seed, threads=threads, batch=batch)
    lif = sl.Refractory(
        sl.synapses.Receptors(sl.LIF(tau_mem=20.0, v_th=20.0, v_reset=0.0), exc=sl.synapses.Delta()), t_ref=2.0
    )
    e, i = net.population(sizes[0], lif, name="E"), net.population(sizes[1], lif, name="I")
    for p in (e, i):
        net.connect(e, p, nw.FixedInDegree(30), weight=1.0, delay=delay or nw.Uniform(0.5, 6.0))
        net.connect(i, p, nw.FixedInDegree(8), weight=nw.Normal(-5.0, 0.5), delay=delay or 1.5)
        net.connect(nw.devices.Poisson(12000.0), p, weight=0.25, delay=0.1)
    net.record(e)
    net.record(i)
    return net


def spikes(*results: nw.Result) -> tuple[bytes, ...]:
    return tuple(np.concatenate(columns).tobytes() for columns in zip(*(r.events for r in results), strict=True))


def states(net: nw.Network) -> list[bytes]:
    return [array.tobytes() for p in net.populations for array in p.states.values()]


@pytest.fixture(scope="module")
def whole() -> tuple[tuple[bytes, ...], list[bytes]]:
    net = balanced()
    result = net.run(40.0)
    assert len(result.events.step) > 400
    return spikes(result), states(net)


@pytest.mark.parametrize("threads", [1, 2, 3, 9])
@pytest.mark.parametrize("at", [0.1, 13.3, 20.0])
def test_a_run_in_pieces_with_the_network_built_anew_is_the_run(
    whole: tuple[tuple[bytes, ...], list[bytes]], threads: int, at: float
) -> None:
    net = balanced(threads)
    first = net.run(at)
    net.changed()
    second = net.run(40.0 - at)
    assert (spikes(first, second), states(net)) == whole


def test_built_anew_in_every_step(whole: tuple[tuple[bytes, ...], list[bytes]]) -> None:
    net = balanced(2)
    results = [net.run(20.0)]
    for _ in range(30):
        net.changed()
        results.append(net.run(0.1))
    net.changed()
    net.changed()
    results.append(net.run(17.0))
    assert (spikes(*results), states(net)) == whole


def test_spikes_in_flight_do_not_depend_on_parts() -> None:
    found = []
    for threads in (1, 2, 5):
        net = balanced(threads, batch=2)
        net.run(12.3)
        found.append([column.tolist() for column in net.build().in_flight(net.step)])
        assert set(found[-1][1]) == {0, 1, 2, 3}
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("threads", [1, 3])
def test_independent_runs_keep_their_spikes_in_flight(threads: int) -> None:
    whole = balanced(2, batch=3)
    once = whole.run(30.0)
    net = balanced(threads, batch=3)
    first = net.run(14.2)
    net.changed()
    assert spikes(first, net.run(15.8)) == spikes(once)
    assert states(net) == states(whole)


def pair(delay: float) -> tuple[nw.Network, nw.Population]:
    """One neuron that a regular one reaches; it has no leak to speak of, so that each arrival shows."""
    net = nw.Network(dt=0.1, seed=1, threads=1)
    lif = sl.synapses.Receptors(sl.LIF(tau_mem=1e9, v_th=1.0), exc=sl.synapses.Delta())
    a, b = net.population(1, lif, name="a"), net.population(1, lif, name="b")
    a["v"] = 1.0
    net.connect(a, b, nw.FixedInDegree(1), weight=0.25, delay=delay)
    return net, b


def test_what_is_connected_later_carries_later_spikes_only() -> None:
    net, b = pair(2.0)
    net.run(1.0)
    a = net.populations[0]
    # The spike at 0.1 ms would arrive at 1.6 ms had this been there.
    net.connect(a, b, nw.FixedInDegree(1), weight=0.5, delay=1.5)
    net.run(1.0)
    assert b["v"][0] == pytest.approx(0.0)
    net.run(0.1)
    assert b["v"][0] == pytest.approx(0.25)
    a["v"] = 1.0
    net.run(1.6)
    assert b["v"][0] == pytest.approx(0.75)


def test_a_parameter_that_is_set_between_runs_loses_no_spike() -> None:
    net, b = pair(3.0)
    net.run(1.0)
    b["tau_mem"] = 1e8
    net.run(2.0)
    assert b["v"][0] == pytest.approx(0.0)
    net.run(0.1)
    assert b["v"][0] == pytest.approx(0.25)


def chain(threads: int, sizes: tuple[int, ...], delay: float = 0.1, batch: int = 1) -> nw.Network:
    """Populations that hand on every spike to all of the next; the first is driven in every step."""
    net = nw.Network(dt=0.1, seed=1, threads=threads, batch=batch)
    lif = sl.synapses.Receptors(sl.LIF(tau_mem=1e9, v_th=0.5), exc=sl.synapses.Delta())
    drive = net.population(1, nw.SpikeTimes([np.arange(1, 40) * 0.1]), name="drive")
    previous: nw.Population = drive
    for k, size in enumerate(sizes):
        cells = net.population(size, lif, name=str(k))
        net.connect(previous, cells, nw.rules.AllToAll(), weight=1.0, delay=delay)
        net.record(cells)
        previous = cells
    return net


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("sizes", [(1, 1), (3, 130, 1), (64, 65)])
@pytest.mark.parametrize("delay", [0.1, 0.4])
def test_small_and_odd_populations(threads: int, batch: int, sizes: tuple[int, ...], delay: float) -> None:
    net = chain(threads, sizes, delay, batch)
    result = net.run(2.0) + net.run(2.0)
    assert net.build().interval == round(delay / 0.1)
    for k, size in enumerate(sizes):
        # What is driven at t arrives after the delays of as many synapses.
        expected = np.arange(1, 40) * 0.1 + (k + 1) * delay
        expected = expected[expected < 4.0 + 1e-6]
        for neuron in {0, size - 1}:
            trains = result[str(k)]
            for run in range(batch):
                mine = (trains.neurons == neuron) & (trains.spikes.runs == run)
                assert trains.times[mine] == pytest.approx(expected)


@pytest.mark.parametrize("threads", [1, 3])
def test_queues_grow_and_drop_no_spike(threads: int) -> None:
    net = nw.Network(dt=0.1, seed=1, threads=threads)
    lif = sl.synapses.Receptors(sl.LIF(tau_mem=1e9, v_th=0.5), exc=sl.synapses.Delta())
    drive = net.population(1, nw.SpikeTimes([np.arange(1, 40) * 0.1]), name="drive")
    many = net.population(700, lif, name="many")
    counter = net.population(1, sl.synapses.Receptors(sl.LIF(tau_mem=1e12, v_th=1e9), exc=sl.synapses.Delta()))
    net.connect(drive, many, nw.rules.AllToAll(), weight=1.0, delay=0.1)
    net.connect(many, counter, nw.rules.AllToAll(), weight=1.0, delay=nw.Uniform(0.1, 20.0))
    net.run(3.1)
    queues = [queue for part in net.build().parts for queue in part.queues]
    capacities = {queue.capacity for queue in queues if queue.rows.bundle.longest > 9}
    assert capacities == {1 << 15}
    net.run(30.0)
    # 39 spikes of 700 neurons, each of which arrives once.
    assert counter["v"][0] == pytest.approx(39 * 700)


def test_a_full_log_ends_a_slice_and_loses_nothing() -> None:
    net = chain(2, (3000,))
    assert sum(len(part.log[0]) for part in net.build().parts) < 2 * 39 * 3000
    assert len(net.run(4.0)["0"].times) == 39 * 3000


@pytest.mark.parametrize("threads", [1, 4])
def test_no_synapses_and_no_neurons_in_some_parts(threads: int) -> None:
    net = nw.Network(dt=0.1, seed=1, threads=threads)
    cells = net.population(5, sl.LIF(tau_mem=20.0, v_th=1.0), name="cells")
    net.connect(cells, cells, nw.FixedInDegree(0), weight=1.0, delay=1.0)
    net.record(cells)
    cells["v"] = 2.0
    first = net.run(1.0)
    net.changed()
    assert len((first + net.run(1.0)).events.step) == 5


def test_parameters_of_runs_and_of_neurons_go_together() -> None:
    net = nw.Network(dt=0.1, batch=3, threads=1)
    thresholds = np.linspace(1.0, 2.0, 5)
    cells = net.population(5, sl.LIF(tau_mem=20.0), parameters={"v_th": thresholds}, initial={"v": 0.9})
    cells["v_reset"] = np.linspace(0.0, 0.5, 15).reshape(3, 5)
    cells["tau_mem"] = np.array([[10.0], [20.0], [40.0]]).repeat(5, axis=1)
    net.run(10.0)
    expected = 0.9 * np.exp(-10.0 / np.array([10.0, 20.0, 40.0]))
    np.testing.assert_allclose(cells["v"], expected[:, None].repeat(5, axis=1), rtol=1e-5)
    with pytest.raises(sl.errors.ParameterError, match="v_reset < v_th"):
        cells["v_reset"] = np.full((3, 5), 1.5)
