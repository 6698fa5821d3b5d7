"""What the processes of `test_ranks.py` do; each runs this file, and leaves what it found in `out`."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import spikeloom as sl
from spikeloom import network as nw
from spikeloom.errors import NonFiniteError, RankError
from spikeloom.network.recorders import Recorder


def made(threads: int | None = 1, *, seed: int = 5, name: str = "E") -> nw.Network:
    """Two populations, spread delays, everything that can be recorded."""
    net = nw.Network(dt=0.1, seed=seed, threads=threads, batch=2)
    lif = sl.synapses.Receptors(sl.LIF(tau_mem=20.0, v_th=20.0, v_reset=0.0), exc=sl.synapses.Delta())
    e = net.population(150, lif, name=name, initial={"v": nw.Uniform(0.0, 20.0)})
    i = net.population(70, lif, name="I", parameters={"tau_mem": nw.Normal(20.0, 1.0, low=1.0)})
    for p in (e, i):
        net.connect(e, p, nw.FixedInDegree(20), weight=0.8, delay=nw.Uniform(0.3, 6.0))
        net.connect(i, p, nw.FixedInDegree(8), weight=nw.Normal(-3.0, 0.5), delay=1.5)
        net.connect(nw.devices.Poisson(9000.0), p, weight=0.25, delay=0.1)
    net.record(e, "s", nw.Rate(0.7))
    net.record(i)
    net.record(i[::3], "v", every=0.3)
    return net


def content(net: nw.Network, result: nw.Result) -> str:
    """Digest of everything that was recorded, and of all states."""
    first = net.populations[0].name
    arrays = [*result.events, result[first]["rate"].values, result["I"]["v"].values]
    arrays += [array for p in net.populations for array in p.states.values()]
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def same(ranks: nw.Ranks, threads: int, path: str) -> list[Any]:
    """The run in two pieces, with periodic checkpoints; and from a checkpoint of one process."""
    net = made(threads)
    first = net.run(20.0)
    net.changed()
    found = [content(net, first + net.run(20.0, checkpoint=f"{path}/of {ranks.size}", every=7.0))]
    net.restore(f"{path}/of 1")
    found.append(content(net, net.run(40.0 - net.time)))
    return found


def learned(ranks: nw.Ranks, threads: int, path: str) -> list[Any]:
    """Weights of a plastic projection, after a change of the network, and from a checkpoint of one process."""
    found = []
    for resumed in (False, True):
        net = made(threads)
        cells = net.populations[0]
        rule = sl.plasticity.STDP(a_plus=0.05, a_minus=0.06)
        plastic = net.connect(
            cells, cells, nw.FixedInDegree(20), weight=0.5, delay=nw.Uniform(0.3, 6.0), plasticity=rule
        )
        assert isinstance(plastic, nw.Projection)
        if resumed:
            net.restore(f"{path}/learned by 1")
        else:
            net.run(15.0)
            net.save(f"{path}/learned by {ranks.size}")
            net.changed()
        net.run(25.0)
        weights = np.ascontiguousarray(plastic.synapses().weight)
        found.append([hashlib.sha256(weights.tobytes()).hexdigest(), float(np.abs(weights - 0.5).max())])
    return found


def recorded(ranks: nw.Ranks, path: str) -> list[Any]:
    """A recording in a file, and one of a single neuron; states that are set in between."""
    net = made()
    net.record(net.populations[0][3], "v", to=f"{path}/of {ranks.size}.h5")
    net.run(5.0)
    net.populations[0]["v"] = np.linspace(0.0, 10.0, 150)
    net.run(5.0)
    return [net.populations[0]["v"].tolist()]


def nan(ranks: nw.Ranks) -> list[Any]:
    """A neuron in the last part has NaN from some step on."""
    net = made()
    net.run(1.0)
    net.populations[1].states["v"][1, 69] = np.nan
    try:
        net.run(50.0)
    except NonFiniteError as error:
        return [str(error), error.result.stop]
    return []


def interrupted(ranks: nw.Ranks) -> list[Any]:
    """Ctrl-C in the last process only."""
    net = made()
    net.run(1.0)
    if ranks.number == ranks.size - 1:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        net.run(1e6)
    except nw.Interrupted as error:
        return [error.result.stop, net.step]
    return []


def fails(ranks: nw.Ranks, how: str, path: str) -> list[Any]:
    """Rank 1 ends at some time of a long run."""
    net = made(seed=6 if how == "differs" and ranks.number == 1 else 5)
    began = time.monotonic()

    def at(now: float, _goal: float) -> None:
        if ranks.number == 1 and now > 30.0:
            if how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if how == "raises":
                raise ValueError("no room on the disk")
            if how == "hangs":
                time.sleep(3.0)

    net.recorders.append(_At(net, at))
    try:
        net.run(1e5, checkpoint=path, every=2.0)
    except (RankError, ValueError) as error:
        return [type(error).__name__, str(error), net.time, time.monotonic() - began]
    return []


class _At(Recorder):
    """Calls a function in every slice."""

    def __init__(self, net: nw.Network, call: Any) -> None:
        super().__init__()
        self.net, self.call, self.every, self.name = net, call, 1, "at"
        self.columns = np.zeros(0, dtype=np.int64)

    def begin(self, first: int, steps: int) -> int:
        self.call(self.net.time, 0.0)
        return min(steps, 5)

    def end(self, first: int, steps: int) -> None:
        pass


def main(number: int, size: int, port: int, out: str, tasks: list[Any], timeout: float) -> None:
    """One process; writes what each task returned."""
    os.environ |= {"RANK": str(number), "WORLD_SIZE": str(size), "MASTER_PORT": str(port)}
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    sys.stderr = Path(out, f"{number}.err").open("w")  # noqa: SIM115
    with nw.distributed(timeout=timeout) as ranks:
        found = [globals()[name](ranks, *arguments) for name, *arguments in tasks]
        Path(out, f"{number}.json").write_text(json.dumps(found))


if "task" in globals():
    main(*globals()["task"])
