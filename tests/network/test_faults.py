"""What goes wrong in a run is told exactly, and nothing that was recorded is lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import NonFiniteError


def clocks(threads: int | None = 1, *, batch: int = 1, n: int = 200) -> nw.Network:
    """Neurons that count: v grows by 1 a step and spikes at 7, whatever else happens."""
    net = nw.Network(dt=0.1, seed=1, threads=threads, batch=batch)
    neuron = sl.synapses.Receptors(sl.LIF(tau_mem=1e9, v_th=6.5), exc=sl.synapses.Delta())
    cells = [net.population(n, neuron, name=name) for name in ("first", "second")]
    drive = net.population(1, nw.SpikeTimes([np.arange(1, 500) * 0.1]), name="drive")
    for each in cells:
        net.connect(drive, each, nw.rules.AllToAll(), weight=1.0, delay=0.1)
        net.record(each)
    return net


@pytest.mark.parametrize(("threads", "batch"), [(1, 1), (3, 1), (2, 3)])
def test_nan_is_named_with_its_neuron_and_its_time(threads: int, batch: int) -> None:
    net = clocks(threads, batch=batch)
    net.run(5.0)
    second = net.populations[1]
    second.states["v"][-1, 150] = np.nan
    second.states["v"][-1, 151] = np.nan
    where = "v of neuron 150 of second" + (f" in run {batch - 1}" if batch > 1 else "")
    with pytest.raises(NonFiniteError, match=f"{where} became NaN between 4.8 and 6.4 ms") as caught:
        net.run(1000.0)
    result = caught.value.result
    # At the end of the interval in which it was seen, all that was recorded until then is there.
    assert result.start == pytest.approx(5.0)
    assert 6.4 <= result.stop < 110.0
    assert len(result["first"].times) > 0
    assert net.time == pytest.approx(result.stop)
    # Once it is mended, the network goes on.
    second["v"] = 0.0
    assert net.run(1.0).stop == pytest.approx(result.stop + 1.0)


def test_nan_in_the_last_steps_of_a_run_is_named_as_well() -> None:
    net = clocks()
    net.run(0.3)
    net.populations[0]["v"][7] = np.nan
    with pytest.raises(NonFiniteError, match=r"v of neuron 7 of first became NaN between 0\.4 and 0\.5 ms"):
        net.run(0.2)


def test_infinity_is_not_nan() -> None:
    net = nw.Network(dt=0.1, seed=1, threads=1)
    cells = net.population(10, sl.LIF(tau_mem=20.0), name="cells")
    cells.states["v"][0, 3] = -np.inf
    assert net.run(10.0).stop == pytest.approx(10.0)


def test_ctrl_c_keeps_what_was_simulated() -> None:
    net = clocks()
    threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(nw.Interrupted) as caught:
        net.run(1e7)
    result = caught.value.result
    assert 0 < result.stop < 1e7
    assert net.time == result.stop
    # Spikes at 0.8 ms, since the first arrives at 0.2, then every 0.7 ms while the drive lasts.
    expected = np.arange(0.8, min(result.stop, 50.05) + 1e-6, 0.7)
    first = result["first"]
    assert first.times[first.neurons == 3] == pytest.approx(expected)
    assert net.run(1.0).start == pytest.approx(result.stop)


def test_ctrl_c_outside_of_a_run_is_as_ever() -> None:
    net = clocks()
    net.run(1.0)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1.0)


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_constant_over_a_long_run() -> None:
    net = nw.Network(dt=0.1, seed=3, threads=2)
    lif = sl.Refractory(sl.synapses.Receptors(sl.LIF(v_th=20.0), exc=sl.synapses.Delta()), t_ref=2.0)
    cells = net.population(500, lif, name="cells")
    net.connect(cells, cells, nw.FixedInDegree(50), weight=0.1, delay=1.5)
    net.connect(nw.devices.Poisson(15000.0), cells, weight=0.2, delay=1.5)
    net.record(cells)
    net.run(2000.0)
    before = _resident()
    spikes = 0
    for _ in range(10):
        spikes += len(net.run(2000.0).events.step)
    assert spikes > 10_000
    assert _resident() - before < 8e6
