"""Several processes: the same spikes as one, errors that name the rank, checkpoints that any number goes on from."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import runpy
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from spikeloom import network as nw
from spikeloom.errors import ParameterError

FILE = Path(__file__).with_name("rank_scenarios.py")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked")


def _scenarios() -> Any:
    spec = importlib.util.spec_from_file_location("rank_scenarios", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def launched(folder: Path, size: int, *tasks: Any, timeout: float = 60.0) -> list[Any]:
    """What each rank has left behind: a list with an entry for each task, or None where it died."""
    folder.mkdir(exist_ok=True)
    context = multiprocessing.get_context("forkserver")
    # Importing takes seconds; it is done once, and processes are forked from there.
    context.set_forkserver_preload(["spikeloom.network", "torch.distributed"])
    port, found = _port(), []
    processes = []
    for rank in range(size):
        task = (rank, size, port, str(folder), tasks, timeout)
        process = context.Process(target=runpy.run_path, args=(str(FILE), {"task": task}), daemon=True)
        process.start()
        processes.append(process)
    limit = time.monotonic() + 120
    for process in processes:
        process.join(max(0.0, limit - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
    for rank in range(size):
        left = folder / f"{rank}.json"
        found.append(json.loads(left.read_text()) if left.exists() else None)
    return found


def errors(folder: Path) -> str:
    """What the processes have printed."""
    return "\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.err")))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Any], Path]:
    """The run in this process, a recording, and a folder with the checkpoint of its middle."""
    scenarios, folder = _scenarios(), tmp_path_factory.mktemp("whole")
    net = scenarios.made()
    first = net.run(13.0)
    net.save(folder / "of 1")
    result = first + net.run(27.0)
    assert len(result.events.step) > 300
    return scenarios.content(net, result), scenarios.recorded(nw.Ranks(), str(folder)), folder


@pytest.mark.parametrize(("size", "threads"), [(2, 2), (3, 1)])
def test_the_same_is_learnt_on_any_number_of_ranks(tmp_path: Path, size: int, threads: int) -> None:
    once = _scenarios().learned(nw.Ranks(), 1, str(tmp_path))
    assert once[0] == once[1]
    assert once[0][1] > 0.1
    found = launched(tmp_path / "out", size, ("learned", threads, str(tmp_path)))
    assert None not in found, errors(tmp_path / "out")
    assert [learnt for (learnt,) in found] == [once] * size
    scenarios = _scenarios()
    # And here from what the ranks have written.
    (tmp_path / f"learned by {size}").rename(tmp_path / "learned by 1")
    assert scenarios.learned(nw.Ranks(0, 1), 2, str(tmp_path))[1] == once[1]


@pytest.mark.parametrize(("size", "threads"), [(2, 2), (4, 1)])
def test_the_same_on_any_number_of_ranks(
    whole: tuple[str, list[Any], Path], tmp_path: Path, size: int, threads: int
) -> None:
    once, record, folder = whole
    found = launched(
        tmp_path, size, ("same", threads, str(folder)), ("recorded", str(folder)), ("nan",), ("interrupted",)
    )
    assert None not in found, errors(tmp_path)
    for ran, recorded, nan, interrupted in found:
        assert ran[0] == once
        assert recorded == record
        assert "v of neuron 69 of I in run 1 became NaN between 0 and 1.6 ms" in nan[0] or "3.2 ms" in nan[0]
        assert interrupted == found[0][3]
        assert interrupted
        assert nan == found[0][2]
    # From the middle on, without what had been recorded before.
    net = _scenarios().made()
    net.restore(folder / "of 1")
    rest = _scenarios().content(net, net.run(27.0))
    assert {ran[1] for ran, *_ in found} == {rest}
    # And here from what the ranks have written.
    net = _scenarios().made(3)
    recorded = net.restore(folder / f"of {size}")
    assert (recorded.start, recorded.stop) == (20.0, pytest.approx(34.0))
    net.run(6.0)
    original = _scenarios().made()
    original.run(40.0)
    assert net.populations[0]["v"].tolist() == original.populations[0]["v"].tolist()
    one, several = (nw.Result.load(folder / f"of {k}.h5") for k in (1, size))
    assert one["E"]["v"].values.tolist() == several["E"]["v"].values.tolist()


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("killed", "rank 1 has died"),
        ("raises", "rank 1 ended with ValueError: no room on the disk"),
        ("hangs", "rank 1 has not answered for 1 s"),
        ("differs", r"rank 1 is not that of rank 0, network.seed: 5 on rank 0, 6 here"),
    ],
)
def test_a_rank_that_fails_is_named_by_all_others(tmp_path: Path, how: str, named: str) -> None:
    path = tmp_path / "last"
    timeout = 1.0 if how == "hangs" else 60.0
    found = launched(tmp_path / "out", 3, ("fails", how, str(path)), timeout=timeout)
    for rank in (0, 2):
        assert found[rank] is not None, errors(tmp_path / "out")
        ((kind, message, reached, took),) = found[rank]
        assert kind == "RankError"
        assert named in message
        assert took < 30
    if how == "killed":
        assert found[1] is None
    if how != "differs":
        net = _scenarios().made()
        net.recorders.append(_scenarios()._At(net, lambda *_: None))
        net.restore(path)
        assert reached - 2.1 < net.time <= reached + 0.1
        assert net.time > 20.0


def test_alone_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with nw.distributed() as ranks:
        assert (ranks.number, ranks.size, ranks.first) == (0, 1, True)
        assert nw.Network().ranks.size == 1
    with pytest.raises(ParameterError, match=r"distributed\.timeout"), nw.distributed(timeout=0.0):
        pass


# Two namespaces joined by a virtual cable; each process sees its end of it only.
CABLE = """
    set -e
    mount -t tmpfs none /run
    ip netns add a && ip netns add b
    ip link add va netns a type veth peer name vb netns b
    ip -n a addr add 10.9.0.1/24 dev va && ip -n b addr add 10.9.0.2/24 dev vb
    for n in a b; do ip -n $n link set lo up && ip -n $n link set v$n up; done
    """
INSIDE = ["unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c"]


@pytest.mark.slow
def test_two_machines(whole: tuple[str, list[Any], Path], tmp_path: Path) -> None:
    """As far as the network goes: the processes reach each other over a virtual cable only."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("unshare and ip, which make network namespaces, are not installed")
    probe = subprocess.run([*INSIDE, CABLE], capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"network namespaces are not permitted here: {probe.stderr.strip()[-200:]}")
    once, _, folder = whole
    lines = [CABLE]
    for rank, name in enumerate("ab"):
        task = (rank, 2, 29500, str(tmp_path), [("same", 1, str(folder))], 60.0)
        code = f"import runpy; runpy.run_path({str(FILE)!r}, {{'task': {task!r}}})"
        settings = f"MASTER_ADDR=10.9.0.1 GLOO_SOCKET_IFNAME=v{name}"
        lines.append(f"{settings} ip netns exec {name} {sys.executable} -c {shlex.quote(code)} &")
    ran = subprocess.run(
        [*INSIDE, "\n".join([*lines, "wait"])], capture_output=True, text=True, check=False, timeout=120
    )
    found = [tmp_path / f"{rank}.json" for rank in range(2)]
    assert all(path.exists() for path in found), ran.stderr + errors(tmp_path)
    assert [json.loads(path.read_text())[0][0] for path in found] == [once, once]
