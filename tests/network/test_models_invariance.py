"""Every ready model: the same spikes on any number of threads and ranks, in pieces, and after a checkpoint."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spikeloom import network as nw
from spikeloom.network import models

NAMES = sorted(models.catalogue())
# Long enough for spikes, short enough for a test.
STEPS = 600
SMALL = {
    "brunel": {"order": 100},
    "brunel-delta": {"order": 100},
    "brunel-alpha": {"order": 100},
    "microcircuit": {"scale": 0.02},
}


def built(name: str, threads: int | None) -> nw.Network:
    return models.catalogue()[name](**SMALL.get(name, {})).build(threads=threads)


def digest(net: nw.Network, *results: nw.Result) -> str:
    """Of all recorded spikes and all states."""
    found = hashlib.sha256()
    for result in results:
        for name, trains in result.spikes.items():
            found.update(name.encode() + trains.times.tobytes() + trains.neurons.tobytes())
    for population in net.populations:
        for state, values in population.states.items():
            found.update(state.encode() + values.tobytes())
    return found.hexdigest()[:16]


@pytest.mark.parametrize("name", NAMES)
def test_threads_pieces_and_resume(name: str, tmp_path: Path) -> None:
    net = built(name, 1)
    half, file = STEPS // 2 * net.dt, tmp_path / "half.safetensors"
    first, second = net.run(half), net.run(half)
    expected = digest(net, first + second)
    for threads in (2, 3):
        net = built(name, threads)
        whole = net.run(2 * half)
        assert digest(net, whole) == expected
    net = built(name, 2)
    begun = net.run(half)
    net.save(file)
    net = built(name, 3)
    net.restore(file)
    ended = net.run(half)
    assert digest(net, begun + ended) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="started by torchrun with gloo")
def test_ranks() -> None:
    found = [_digests(ranks) for ranks in (1, 2, 4)]
    assert found[0] == found[1] == found[2]
    assert len(found[0].splitlines()) == len(NAMES)


def _digests(ranks: int) -> str:
    """A line for each model, as rank 0 prints it."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks), __file__]
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


if __name__ == "__main__":
    with nw.distributed() as here:
        for model in NAMES:
            network = built(model, 1)
            # Each interval is a message to every rank.
            outcome = digest(network, network.run(STEPS // 6 * network.dt))
            if here.first:
                print(model, outcome, flush=True)
