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
