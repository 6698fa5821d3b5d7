"""Neurons are split among threads at block boundaries; forks and concurrent callers do not disturb each other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import torch

import spikeloom as sl
from spikeloom.compile import _openmp, _threads
from spikeloom.compile._numba import GRAIN


@pytest.fixture(params=["PyTorch's", "their own"])
def two_threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "their own":
        monkeypatch.setattr(_openmp, "available", lambda: False)
    elif not _openmp.available():
        pytest.skip("PyTorch does not run on GNU OpenMP here")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [0, 1, GRAIN - 1, GRAIN, GRAIN + 1, 2 * GRAIN, 7 * GRAIN + 13, 64 * GRAIN])
@pytest.mark.parametrize("steps", [1, 10_000])
def test_every_neuron_is_done_once(count: int, steps: int, two_threads: None) -> None:
    pieces: list[tuple[int, int]] = []
    _threads.parallel(lambda lo, hi: pieces.append((lo, hi)), count, GRAIN, steps)
    pieces.sort()
    assert [lo for lo, _ in pieces] == [0, *(hi for _, hi in pieces[:-1])]
    assert pieces[-1][1] == count
    assert all(lo % GRAIN == 0 for lo, _ in pieces)
    if count * steps < 1 << 15 or count <= GRAIN:
        assert len(pieces) == 1


def test_an_error_in_a_thread_reaches_the_caller(two_threads: None) -> None:
    def fail(lo: int, hi: int) -> None:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        _threads.parallel(fail, 8 * GRAIN, GRAIN, 1000)


def test_all_threads_work(two_threads: None) -> None:
    """Each of two pieces waits for the other to begin."""
    both = threading.Barrier(2, timeout=20)
    _threads.parallel(lambda lo, hi: both.wait() and None, 2 * GRAIN, GRAIN, 1 << 10)


def test_two_python_threads_run_different_nets_at_once(two_threads: None) -> None:
    nets = [
        sl.nn.Sequential(torch.nn.Linear(8, 600), neuron) for neuron in (sl.LIF(tau_mem=3.0), sl.IF(soft_reset=True))
    ]
    x = torch.rand(20, 8, 8, generator=torch.Generator().manual_seed(0)) * 4
    wanted = [gradients(net, x) for net in nets]
    found: list[list[list[torch.Tensor]]] = [[], []]
    start = threading.Barrier(2)

    def work(k: int) -> None:
        start.wait()
        for _ in range(10):
            found[k].append(gradients(nets[k], x))

    threads = [threading.Thread(target=work, args=(k,)) for k in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in (0, 1):
        assert len(found[k]) == 10
        assert all(torch.equal(a, b) for run in found[k] for a, b in zip(run, wanted[k], strict=True))


def gradients(net: torch.nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    with sl.record(net, "v") as trace:
        y = net(x)
    loss = (y + trace["1.v"]).square().sum()
    return [y.detach(), *torch.autograd.grad(loss, list(net.parameters()))]


# Sums are NumPy's: PyTorch's own threads do not survive a fork either.
FORK = """
import os, sys, numpy as np, torch, spikeloom as sl
torch.set_num_threads(2)
neuron = sl.LIF(tau_mem=2.0)
x = torch.from_numpy(np.linspace(0, 3, 40 * 4096, dtype=np.float32).reshape(40, 1, 4096))
with torch.no_grad():
    wanted = int(neuron(x).numpy().sum())
    torch.mm(torch.rand(500, 500), torch.rand(500, 500))
    child = os.fork()
    found = int(neuron(x).numpy().sum())
if child == 0:
    os._exit(0 if found == wanted else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_child_after_fork_runs_a_large_kernel() -> None:
    """The threads of a pool do not survive fork; waiting for them would hang."""
    assert subprocess.run([sys.executable, "-c", FORK], timeout=15).returncode == 0
