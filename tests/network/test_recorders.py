"""Recorders: what is recorded is what happened, whatever the slices, the threads and the fate of files."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import DataError, NonFiniteError, ParameterError, RecordingError, UnknownNameError
from spikeloom.network import _pace, _recording_file


def network(*, threads: int = 1, batch: int = 1, seed: int = 3) -> nw.Network:
    """200 neurons driven by noise, some connected, so that all have a history of their own."""
    net = nw.Network(dt=0.1, seed=seed, threads=threads, batch=batch)
    cell = sl.Refractory(sl.LIF(tau_mem=20.0, v_th=20.0, decay_input=False), t_ref=2.0)
    e = net.population(150, cell, name="E", initial={"v": nw.Uniform(0.0, 20.0)})
    i = net.population(50, cell, name="I", initial={"v": nw.Uniform(0.0, 20.0)})
    for target in (e, i):
        net.connect(e, target, nw.FixedInDegree(20), weight=0.5, delay=1.5)
        net.connect(nw.Poisson(6000.0), target, weight=0.2, delay=1.5)
    return net


def record(net: nw.Network, to: Path | None = None) -> None:
    e, i = net.populations
    net.record(e, "s", nw.Rate(5.0), to=to)
    net.record(e[[3, 149, 7, 64]], "v", every=0.5, to=to)
    net.record(i, "s", "v", to=to)


def assert_same(a: nw.Result, b: nw.Result) -> None:
    assert (a.start, a.stop, list(a)) == (b.start, pytest.approx(b.stop), list(b))
    for name in a:
        for column in ("times", "neurons", "runs", "recorded"):
            assert np.array_equal(getattr(a[name].spikes, column), getattr(b[name].spikes, column)), (name, column)
        assert a[name].signals.keys() == b[name].signals.keys()
        for variable, signal in a[name].signals.items():
            assert np.array_equal(signal.values, b[name][variable].values), (name, variable)
            assert np.array_equal(signal.neurons, b[name][variable].neurons)
            np.testing.assert_allclose(signal.times, b[name][variable].times, rtol=1e-12)
            assert signal.unit == b[name][variable].unit


@pytest.fixture(scope="module", params=[1, 2], ids=["one run", "batch"])
def whole(request: pytest.FixtureRequest) -> nw.Result:
    net = network(batch=request.param)
    record(net)
    return net.run(60.0)


def test_states_are_those_after_the_step(whole: nw.Result) -> None:
    """Step by step, reading the population itself after each."""
    net = network(batch=whole.batch)
    population = net.populations[1]
    net.record(population)
    for step in range(20):
        result = net.run(0.1)
        assert np.array_equal(whole["I"]["v"].values[..., step, :], population["v"])
        assert whole["I"]["v"].times[step] == pytest.approx(net.time)
        now = np.isclose(whole["I"].times, net.time)
        assert np.array_equal(whole["I"].neurons[now], result["I"].neurons)


def test_every_and_views_pick_samples_and_columns(whole: nw.Result) -> None:
    net = network(batch=whole.batch)
    net.record(net.populations[0], "v")
    full = net.run(60.0)["E"]["v"]
    some = whole["E"]["v"]
    assert np.array_equal(some.values, full.values[..., 4::5, :][..., [3, 149, 7, 64]])
    np.testing.assert_allclose(some.times, full.times[4::5])
    assert some.times[0] == pytest.approx(0.5)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_and_pieces_of_a_run_do_not_matter(whole: nw.Result, threads: int) -> None:
    net = network(threads=threads, batch=whole.batch)
    record(net)
    pieces = [net.run(duration) for duration in (0.3, 7.1, 0.1, 42.5, 10.0)]
    assert_same(whole, sum(pieces[1:], pieces[0]))


def test_slices_and_room_do_not_matter(whole: nw.Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pace.Pace, "next", lambda self: (7, 1))
    monkeypatch.setattr("spikeloom.network.recorders._ROOM", 3 * 50 * 4)
    monkeypatch.setattr("spikeloom.network.recorders._BINS", 2)
    net = network(batch=whole.batch)
    record(net)
    assert_same(whole, net.run(60.0))


def test_rates_are_counted_spikes(whole: nw.Result) -> None:
    spikes, rate = whole["E"].spikes, whole["E"]["rate"]
    counted = nw.analysis.rate_over_time(spikes, 5.0).rates
    np.testing.assert_allclose(np.atleast_3d(rate.values).reshape(counted.shape), counted, rtol=1e-12)
    np.testing.assert_allclose(rate.times, np.arange(1, 13) * 5.0)


def test_a_bin_that_was_not_seen_from_its_beginning_is_left_out() -> None:
    net = network()
    net.run(12.0)
    net.record(net.populations[0], nw.Rate(5.0))
    assert np.allclose(net.run(10.0)["E"]["rate"].times, [20.0])
    assert np.allclose(net.run(10.0)["E"]["rate"].times, [25.0, 30.0])


def test_weights_are_recorded_every_so_often() -> None:
    net = network()
    projection = net.projections[0]
    net.record(projection, every=20.0)
    signal = net.run(50.0).weights[projection.name]
    assert np.allclose(signal.times, [20.0, 40.0])
    assert np.array_equal(signal.values[1], projection.synapses().weight)


def test_recording_does_not_change_the_network(whole: nw.Result) -> None:
    net = network(batch=whole.batch)
    net.record(net.populations[0])
    assert np.array_equal(net.run(60.0)["E"].times, whole["E"].times)


def test_a_file_has_what_memory_would_have(whole: nw.Result, tmp_path: Path) -> None:
    net = network(threads=2, batch=whole.batch)
    record(net, tmp_path / "long.h5")
    for duration in (0.3, 29.7, 30.0):
        result = net.run(duration)
        assert list(result) == []
    assert_same(whole, nw.Result.load(tmp_path / "long.h5"))
    with pytest.raises(ParameterError, match=r"Result\.load"):
        result["E"]


def test_a_window_of_a_file(whole: nw.Result, tmp_path: Path) -> None:
    path = whole.save(tmp_path / "a.h5")
    part = nw.Result.load(path, start=20.3, stop=31.0)
    assert part["E"].times.min() > 20.3 and part["E"].times.max() <= 31.0 + 1e-9
    everything = whole["E"].times
    assert len(part["E"].times) == ((everything > 20.3 + 1e-6) & (everything < 31.0 + 1e-6)).sum()
    np.testing.assert_allclose(part["E"]["v"].times, np.arange(20.5, 31.01, 0.5))
    assert np.array_equal(part["E"]["v"].values, whole["E"]["v"].values[..., 40 + 1 - 1 : 62, :])


def test_a_full_disk_loses_nothing(whole: nw.Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "full.h5"
    net = network(batch=whole.batch)
    record(net, path)
    net.record(net.projections[0], every=20.0)
    net.run(10.0)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(_recording_file, "_reserve", full)
        with pytest.raises(RecordingError, match=r"full\.h5.*No space left.*up to 10 ms") as caught:
            net.run(50.0)
        now = net.time
        assert now > 10.0
        assert caught.value.result.stop == pytest.approx(now)
        with pytest.raises(RecordingError):
            net.run(60.0 - now)
        assert net.time == now
        assert nw.Result.load(path).stop == pytest.approx(10.0)
    net.run(60.0 - now)
    assert_same(whole, nw.Result.load(path))


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="reserves room by writing elsewhere")
def test_room_is_reserved_before_the_file_is_touched(tmp_path: Path) -> None:
    import resource
    import signal

    path = tmp_path / "limited.h5"
    net = network()
    record(net, path)
    net.run(5.0)
    before = path.read_bytes()
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 1000, limits[1]))
    try:
        with pytest.raises(RecordingError, match="too large"):
            net.run(5.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    net.run(10.0 - net.time)
    assert nw.Result.load(path).stop == pytest.approx(10.0)


KILLED = """
import sys
import numpy as np
from pathlib import Path
from spikeloom.network._recording_file import RecordingFile
from spikeloom.network._recording_tracks import signal_track, spike_tracks

file = RecordingFile(Path(sys.argv[1]), 0.1, 1, 0)
about = {"name": "v", "unit": "mV", "every": 1, "dtype": "float32"}
file.add(*spike_tracks("E", 0, 100, np.arange(100)))
file.add(signal_track("E", {"number": 0, "size": 100}, 1, np.arange(50), about))
file.prepare(0)
for n in range(0, 10**9, 100):
    steps = np.repeat(np.arange(n, n + 100), 20)
    for track, rows in enumerate(((steps + 1.0) * 0.1, (steps % 100).astype(np.int32), np.zeros(2000, np.int16))):
        file.put(track, rows)
    file.put(3, np.broadcast_to(np.arange(n, n + 100, dtype=np.float32)[None, :, None], (1, 100, 50)))
    file.write(n + 100)
    print(n + 100, flush=True)
"""


def test_a_killed_process_leaves_all_but_the_last_slice(tmp_path: Path) -> None:
    path = tmp_path / "killed.h5"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(30):
            written = int(process.stdout.readline())
        process.kill()
    result = nw.Result.load(path)
    steps = round(result.stop / 0.1)
    assert steps >= written
    assert np.array_equal(result["E"].times, (np.repeat(np.arange(steps), 20) + 1.0) * 0.1)
    assert np.array_equal(result["E"]["v"].values, np.broadcast_to(np.arange(steps)[:, None], (steps, 50)))


@pytest.mark.parametrize("flags", [1, 5])
def test_flags_of_a_dead_writer_are_seen_through(whole: nw.Result, tmp_path: Path, flags: int) -> None:
    """1: open for writing, 5: in single-writer mode; both as HDF5 leaves them, with a checksum that fits."""
    from spikeloom.network._superblock import checksum

    path = whole.save(tmp_path / "a.h5")
    content = bytearray(path.read_bytes())
    content[11] = flags
    content[44:48] = checksum(bytes(content[:44])).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(OSError, match="already open for write"):
        h5py.File(path, "r", locking="best-effort")
    assert_same(whole, nw.Result.load(path))


def test_a_restored_network_takes_its_file_up(whole: nw.Result, tmp_path: Path) -> None:
    path, checkpoint = tmp_path / "a.h5", tmp_path / "c.safetensors"
    net = network(batch=whole.batch)
    record(net, path)
    net.run(20.0)
    net.save(checkpoint)
    net.run(25.0)
    # In the same process, whose file has more already, and in another one.
    net.restore(checkpoint)
    net.run(15.0)
    assert nw.Result.load(path).stop == pytest.approx(35.0)
    again = network(threads=2, batch=whole.batch)
    record(again, path)
    again.restore(checkpoint)
    again.run(40.0)
    assert_same(whole, nw.Result.load(path))


def test_a_file_of_something_else_is_not_overwritten(whole: nw.Result, tmp_path: Path) -> None:
    path = whole.save(tmp_path / "a.h5")
    before = path.read_bytes()
    net = network()
    net.record(net.populations[0], to=path)
    with pytest.raises(ParameterError, match="does not exist yet"):
        net.run(1.0)
    with pytest.raises(ParameterError, match="does not exist yet"):
        whole.save(path)
    assert path.read_bytes() == before


def test_nothing_that_was_recorded_is_lost_to_nan() -> None:
    net = network()
    record(net)
    net.run(5.0)
    net.populations[0].states["v"][0, 5] = np.nan
    with pytest.raises(NonFiniteError) as caught:
        net.run(5.0)
    result = caught.value.result
    assert result.stop == pytest.approx(net.time) and len(result["I"]["v"].times) == round((net.time - 5.0) / 0.1)


def test_what_cannot_be_recorded_is_refused(tmp_path: Path) -> None:
    net = network()
    e, i = net.populations
    with pytest.raises(UnknownNameError, match="Did you mean 'v'"):
        net.record(e, "vv")
    with pytest.raises(ParameterError, match="multiple of dt"):
        net.record(e, "v", every=0.25)
    with pytest.raises(ParameterError, match="multiple of dt"):
        net.record(e, "v", every=float("nan"))
    with pytest.raises(ParameterError, match="multiple of dt"):
        net.record(e, nw.Rate(0.0))
    with pytest.raises(ParameterError, match="none for spikes"):
        net.record(e, every=1.0)
    with pytest.raises(ParameterError, match="at least one neuron"):
        net.record(e[:0])
    with pytest.raises(ParameterError, match="folder that exists"):
        net.record(e, to=tmp_path / "missing" / "a.h5")
    with pytest.raises(ParameterError, match="this network"):
        net.record(network().populations[0])
    with pytest.raises(ParameterError, match="population, a view or a projection"):
        net.record("E")  # type: ignore[arg-type]
    net.record(i, "v")
    with pytest.raises(ParameterError, match="a second"):
        net.record(i[:5], "v")


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got none"):
        nw.Result.load(tmp_path / "missing.h5")
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(DataError, match="an HDF5 file"):
        nw.Result.load(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w"):
        pass
    with pytest.raises(DataError, match="another HDF5 file"):
        nw.Result.load(tmp_path / "other.h5")
    path = nw.Result(0.0, 1.0, 0.1, 1).save(tmp_path / "newer.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 99
    with pytest.raises(DataError, match="at most 1, got 99"):
        nw.Result.load(path)
