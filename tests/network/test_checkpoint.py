"""Checkpoints: a run that goes on from one is the run, bit for bit; damaged files and other networks are refused."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import CheckpointError, ParameterError
from tests.network.random_networks import Form, forms


def made(
    threads: int = 1, *, seed: int = 5, n: int = 150, weight: float = 0.8, delay: float = 1.5, v_th: float = 20.0
) -> nw.Network:
    net = nw.Network(dt=0.1, seed=seed, threads=threads, batch=2)
    lif = sl.Refractory(
        sl.synapses.Receptors(sl.LIF(tau_mem=20.0, v_th=v_th, v_reset=0.0), exc=sl.synapses.Delta()), t_ref=2.0
    )
    e = net.population(n, lif, name="E", initial={"v": nw.Uniform(0.0, 20.0)})
    i = net.population(70, lif, name="I", parameters={"tau_mem": nw.Normal(20.0, 1.0, low=1.0)})
    for p in (e, i):
        net.connect(e, p, nw.FixedInDegree(20), weight=weight, delay=nw.Uniform(0.1, 6.0))
        net.connect(i, p, nw.FixedInDegree(8), weight=nw.Normal(-3.0, 0.5), delay=delay)
        net.connect(nw.devices.Poisson(12000.0), p, weight=0.25, delay=0.1)
    net.record(e, "s", nw.Rate(0.7))
    net.record(i)
    net.record(i[::3], "v", every=0.3)
    return net


def content(net: nw.Network, result: nw.Result) -> list[bytes]:
    found = [column.tobytes() for column in result.events]
    found += [np.ascontiguousarray(s.values).tobytes() for s in (result["E"]["rate"], result["I"]["v"])]
    return found + [array.tobytes() for p in net.populations for array in p.states.values()]


@pytest.fixture(scope="module")
def whole() -> list[bytes]:
    net = made()
    result = net.run(40.0)
    assert len(result.events.step) > 400
    return content(net, result)


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 3), (2, 1)])
def test_a_run_that_goes_on_from_a_checkpoint_is_the_run(
    tmp_path: Path, whole: list[bytes], before: int, after: int
) -> None:
    first = made(before)
    begun = first.run(17.9)
    first.save(tmp_path / "there")
    second = made(after)
    second.restore(tmp_path / "there")
    assert second.time == pytest.approx(17.9)
    assert content(second, begun + second.run(22.1)) == whole


def test_a_network_that_has_run_is_set_back(tmp_path: Path, whole: list[bytes]) -> None:
    net = made(2)
    begun = net.run(13.0)
    net.save(tmp_path / "there")
    net.run(9.0)
    net.restore(tmp_path / "there")
    assert content(net, begun + net.run(27.0)) == whole


def test_a_checkpoint_before_the_first_step(tmp_path: Path, whole: list[bytes]) -> None:
    made().save(tmp_path / "there")
    net = made()
    net.populations[0]["v"] = 3.0
    net.restore(tmp_path / "there")
    assert content(net, net.run(40.0)) == whole


def test_periodic_checkpoints_hold_what_the_run_has_recorded(tmp_path: Path, whole: list[bytes]) -> None:
    path = tmp_path / "deep" / "last"
    first = made(2)
    assert content(first, first.run(40.0, checkpoint=path, every=7.0)) == whole
    second = made()
    recorded = second.restore(path)
    assert (recorded.start, recorded.stop) == (0.0, pytest.approx(35.0))
    assert content(second, recorded + second.run(5.0)) == whole
    assert [p.name for p in path.parent.iterdir()] == ["last"]


def test_what_was_set_during_the_simulation_is_restored(tmp_path: Path) -> None:
    def changed(net: nw.Network) -> None:
        net.populations[0]["tau_mem"] = np.linspace(10.0, 30.0, 150)
        net.populations[1]["v"] = nw.Uniform(0.0, 1.0)

    first = made()
    first.run(10.0)
    changed(first)
    first.run(5.0)
    first.save(tmp_path / "there")
    second = made(2)
    second.restore(tmp_path / "there")
    # The next draw is the next one also here.
    for net in (first, second):
        net.populations[1]["v"] = nw.Uniform(0.0, 1.0)
    assert content(first, first.run(10.0)) == content(second, second.run(10.0))


def test_what_was_connected_during_the_simulation_carries_no_earlier_spike(tmp_path: Path) -> None:
    def more(net: nw.Network) -> None:
        net.connect(net.populations[0], net.populations[1], nw.FixedInDegree(5), weight=0.5, delay=9.0)

    first = made()
    first.run(10.0)
    more(first)
    first.run(5.0)
    first.save(tmp_path / "there")
    second = made(2)
    more(second)
    second.restore(tmp_path / "there")
    assert content(first, first.run(10.0)) == content(second, second.run(10.0))


DEVICES: dict[str, Callable[[], nw.Device]] = {
    "alternating": lambda: nw.AlternatingCurrent(1.0, 40.0),
    "noise": lambda: nw.NoiseCurrent(1.0, 2.0, interval=0.5),
    "poisson": lambda: nw.Poisson(nw.devices.Sinusoid(3000.0, 2000.0, 60.0)),
    "step": lambda: nw.StepCurrent([3.0, 13.5], [2.0, 0.5]),
}
SOURCES: dict[str, Callable[[], nw.Source]] = {
    "correlated": lambda: nw.devices.Correlated(80.0, 0.4),
    "gamma": lambda: nw.devices.Gamma(80.0, 3.0),
    "packet": lambda: nw.devices.PulsePacket([5.0, 12.0, 20.0], 0.5),
    "regular": lambda: nw.devices.Regular(3.3),
    "times": lambda: nw.SpikeTimes([[k * 0.7, 10.0 + k * 0.5] for k in range(1, 21)]),
}


@pytest.mark.parametrize("driven", [*DEVICES, *SOURCES, "gap"])
def test_whatever_drives_goes_on(tmp_path: Path, driven: str) -> None:
    def relay(threads: int) -> nw.Network:
        net = nw.Network(dt=0.1, seed=2, threads=threads)
        cells = net.population(130, sl.LIF(v_th=0.8), name="cells", initial={"v": nw.Uniform(0.0, 0.8)})
        if driven in SOURCES:
            source = net.population(20, SOURCES[driven](), name="source")
            net.connect(source, cells, nw.FixedInDegree(5), weight=8.0, delay=2.0)
            net.record(source)
        elif driven in DEVICES:
            net.connect(DEVICES[driven](), cells, weight=0.3 if driven == "poisson" else 1.0)
        else:
            net.connect(cells, cells, nw.GapJunction(nw.FixedInDegree(3)), weight=0.05)
            net.connect(nw.Poisson(900.0), cells, weight=0.5)
        net.record(cells, "s", "v")
        return net

    once = relay(1)
    whole = once.run(24.0)
    first = relay(2)
    begun = first.run(11.3)
    first.save(tmp_path / "there")
    second = relay(3)
    second.restore(tmp_path / "there")
    again = begun + second.run(12.7)
    assert len(np.unique(whole["cells"]["v"].values[113:])) > 1000
    assert [column.tolist() for column in whole.events] == [column.tolist() for column in again.events]
    assert whole["cells"]["v"].values.tolist() == again["cells"]["v"].values.tolist()


@given(form=forms(), cut=st.integers(0, 100), threads=st.integers(1, 4))
@settings(max_examples=15, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_any_network_goes_on(form: Form, cut: int, threads: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole = form.build(torch.float32)
        once = whole.run(10.0)
        first = form.build(torch.float32, threads=threads)
        begun = first.run(cut / 10)
        first.save(f"{folder}/there")
        second = form.build(torch.float32)
        second.restore(f"{folder}/there")
        again = begun + second.run((100 - cut) / 10)
    assert [column.tolist() for column in once.events] == [column.tolist() for column in again.events]
    for one, other in zip(whole.populations, second.populations, strict=True):
        for name, state in one.states.items():
            np.testing.assert_array_equal(state, other.states[name])


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (lambda: made(seed=6), r"network\.seed: 5 in the checkpoint, 6 in the network"),
        (lambda: made(n=151), r"populations\[E\]\.shape\[0\]: 150 in the checkpoint, 151"),
        (lambda: made(weight=0.7), r"projections\[E to E\]\.weight: 0\.8 in the checkpoint, 0\.7"),
        (lambda: made(delay=1.6), r"projections\[I to E\]\.delay: 1\.5 in the checkpoint, 1\.6"),
        (lambda: made(v_th=19.0), r"populations\[E\]\.parameters\.v_th"),
        (lambda: _more(made()), r"devices: 2 in the checkpoint, 3 in the network"),
    ],
    ids=["seed", "size", "weight", "delay", "parameter", "device"],
)
def test_another_network_is_refused(tmp_path: Path, other: Callable[[], nw.Network], named: str) -> None:
    made().save(tmp_path / "there")
    net = other()
    before = [array.tobytes() for p in net.populations for array in p.states.values()]
    with pytest.raises(CheckpointError, match=named):
        net.restore(tmp_path / "there")
    assert before == [array.tobytes() for p in net.populations for array in p.states.values()]


def _more(net: nw.Network) -> nw.Network:
    net.connect(nw.devices.Poisson(1.0), net.populations[0], weight=0.1)
    return net


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path, net = tmp_path / "there", made()
    net.save(path)
    good = path.read_bytes()
    places = np.random.default_rng(1).integers(0, len(good), 40)
    damaged = [good[:at] + bytes([good[at] ^ 16]) + good[at + 1 :] for at in places]
    damaged += [good[:at] for at in (0, 7, 100, len(good) // 2, len(good) - 1)]
    for bad in [*damaged, b"\x80\x04pickle", b"x" * 1000]:
        path.write_bytes(bad)
        with pytest.raises(CheckpointError, match="there"):
            net.restore(path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        net.restore(tmp_path / "nothing")


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    path, net = tmp_path / "there", made()
    net.save(path)
    good = path.read_bytes()
    (size,) = struct.unpack("<Q", good[:8])
    header = json.loads(good[8 : 8 + size])
    values = json.loads(header["__metadata__"]["spikeloom network"])
    values["version"] += 1
    header["__metadata__"]["spikeloom network"] = json.dumps(values)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + good[8 + size :])
    with pytest.raises(CheckpointError, match=r"version of .*expected at most 1, got 2"):
        net.restore(path)


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one_and_the_recordings(tmp_path: Path) -> None:
    path, net = tmp_path / "there", made()
    net.save(path)
    good = path.read_bytes()
    with pytest.raises(CheckpointError, match="cannot be written") as caught:
        net.run(10.0, checkpoint=path / "below a file", every=2.0)
    assert caught.value.result.stop == pytest.approx(2.0)
    assert path.read_bytes() == good
    assert net.run(8.0).start == pytest.approx(2.0)


@pytest.mark.parametrize("every", [0.0, -1.0, 0.15, float("nan"), True])
def test_an_interval_that_is_none_is_refused(tmp_path: Path, every: float) -> None:
    with pytest.raises(ParameterError, match="every of run"):
        made().run(1.0, checkpoint=tmp_path / "there", every=every)
    with pytest.raises(ParameterError, match="checkpoint of run"):
        made().run(1.0, every=1.0)


KILLED = """
    import sys
    sys.path.insert(0, {folder!r})
    from tests.network import test_checkpoint as t
    net = t.made()
    net.run(1e6, checkpoint={path!r}, every=0.5, progress=False)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_run_goes_on_from_its_last_interval(tmp_path: Path) -> None:
    path = tmp_path / "last"
    script = textwrap.dedent(KILLED.format(folder=str(Path(__file__).parents[2]), path=str(path)))
    process = subprocess.Popen([sys.executable, "-c", script])
    try:
        began = time.monotonic()
        while not path.exists() and process.poll() is None and time.monotonic() - began < 60:
            time.sleep(0.01)
        # Wherever it is: mostly while it writes.
        time.sleep(0.3)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    net = made(2)
    recorded = net.restore(path)
    assert net.step % 5 == 0
    assert net.step > 0
    again = made()
    assert content(again, again.run(net.time + 3.0)) == content(net, recorded + net.run(3.0))
