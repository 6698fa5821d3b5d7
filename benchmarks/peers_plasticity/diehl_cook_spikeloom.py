"""Diehl and Cook's network in Spikeloom, as `diehl_cook_brian2` has it, the authors' forward Euler included."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import spikeloom as sl
from benchmarks.peers_plasticity._summary import summary
from spikeloom.network import Network, Population, Projection, Uniform, devices
from spikeloom.network.rules import AllToAll, Explicit, OneToOne
from spikeloom.parameters import Input, Param, State

DT, SHOWN, REST, PIXELS, NORM, FEWEST = 0.5, 350.0, 150.0, 784, 78.0, 5
# Time constant of theta, ms.
TAU_THETA = 1e7


class ConductanceLIF(sl.Neuron):
    """LIF with two conductances; after a spike the potential is held for t_ref and no other comes for `pause`.

    Spike where v >= v_th + theta; then theta <- theta + rise.
    """

    tau_mem = Param(100.0, "ms", "membrane time constant", low=0.0)
    v_rest = Param(-65.0, "mV", "resting potential")
    v_reset = Param(-65.0, "mV", "potential after a spike")
    v_th = Param(-72.0, "mV", "threshold without adaptation")
    e_inh = Param(-100.0, "mV", "reversal potential of inhibition")
    t_ref = Param(5.0, "ms", "time that the potential is held for", at_least=0.0)
    pause = Param(50.0, "ms", "time without another spike", at_least=0.0)
    theta_0 = Param(20.0, "mV", "adaptation of the threshold at the beginning")
    rise = Param(0.05, "mV", "rise of the threshold by a spike")

    exc = Input("1", "excitatory weights")
    inh = Input("1", "inhibitory weights")
    v = State("v_rest", "mV", "membrane potential")
    g_exc = State(0.0, "1", "excitatory conductance, relative to the leak")
    g_inh = State(0.0, "1", "inhibitory conductance, relative to the leak")
    theta = State("theta_0", "mV", "adaptation of the threshold")
    since = State(1e4, "ms", "time since the last spike")

    def deliver(self) -> dict[str, Tensor]:
        return {"g_exc": self.g_exc + self.exc, "g_inh": self.g_inh + self.inh}

    def charge(self) -> dict[str, Tensor]:
        since = self.since + self.dt
        slope = self.v_rest - self.v - self.g_exc * self.v + self.g_inh * (self.e_inh - self.v)
        return {
            "v": torch.where(since >= self.t_ref, self.v + self.dt / self.tau_mem * slope, self.v),
            "g_exc": self.g_exc - self.dt * self.g_exc,
            "g_inh": self.g_inh - self.dt / 2.0 * self.g_inh,
            "since": since,
        }

    def threshold(self) -> Tensor:
        free = self.since > self.pause + 0.5 * self.dt
        return torch.where(free, self.v - self.v_th - self.theta, torch.full_like(self.v, -1.0))

    def reset(self) -> dict[str, Tensor]:
        return {"v": self.v_reset, "theta": self.theta + self.rise, "since": torch.zeros_like(self.since)}


class Bench:
    """The network and its protocol."""

    def __init__(self, spec: dict[str, Any]) -> None:
        n, random = spec["neurons"], np.random.default_rng(spec["seed"])
        self.net = net = Network(dt=DT, seed=spec["seed"], threads=spec["threads"])
        self.image = net.population(PIXELS, devices.Poisson(np.zeros(PIXELS)), name="image")
        self.exc = net.population(n, ConductanceLIF(), name="E")
        inhibitory = ConductanceLIF(
            tau_mem=10.0, v_rest=-60.0, v_reset=-45.0, v_th=-40.0, e_inh=-85.0, t_ref=2.0, pause=0.0, theta_0=0.0,
            rise=0.0,
        )  # fmt: skip
        inh = net.population(n, inhibitory, name="I")
        weights = (random.random((PIXELS, n)) + 0.01) * 0.3
        learned = net.connect(
            self.image, self.exc, AllToAll(), weight=weights, delay=Uniform(0.0, 10.0), receptor="exc",
            plasticity=sl.plasticity.DiehlCookSTDP(),
        )  # fmt: skip
        assert isinstance(learned, Projection)
        self.learned = learned
        net.connect(self.exc, inh, OneToOne(), weight=10.4, delay=0.0, receptor="exc")
        others = np.nonzero(~np.eye(n, dtype=bool))
        net.connect(inh, self.exc, Explicit(*others), weight=17.0, delay=0.0, receptor="inh")
        net.record(self.exc)

    def present(self, pixels: NDArray[np.uint8]) -> tuple[int, int]:
        """Spikes, and the intensity that brought them."""
        assert self.learned.learning is not None
        for level in range(2, 1000):
            self.learned.learning.normalise(NORM)
            self.image["rate"] = pixels / 8.0 * level
            count = len(self.net.run(SHOWN).events.step)
            self.image["rate"] = 0.0
            self.net.run(REST)
            # A decay by 5e-8 in each step is less than float32 resolves.
            self.exc["theta"] = self.exc["theta"] * np.exp(-(SHOWN + REST) / TAU_THETA)
            if count >= FEWEST:
                break
        return count, level

    def weights(self) -> NDArray[np.float64]:
        """Learned ones, [pixels, neurons]."""
        return np.asarray(self.learned.matrix().todense(), dtype=np.float64)


def adaptation(population: Population) -> float:
    """Mean theta, in mV."""
    return float(np.mean(population["theta"]))


def main(spec: dict[str, Any]) -> dict[str, Any]:
    """As the folder's docstring says."""
    images = np.load(spec["images"])[: spec["warm"] + spec["measured"]]
    start = time.perf_counter()
    bench = Bench(spec)
    bench.net.build()
    built = time.perf_counter()
    seconds, spikes, levels = [], [], []
    for pixels in images:
        began = time.perf_counter()
        count, level = bench.present(pixels)
        seconds.append(time.perf_counter() - began)
        spikes.append(count)
        levels.append(level)
    return {
        "build": built - start,
        "seconds": seconds[spec["warm"] :],
        "spikes": spikes,
        "intensity": levels,
        "presentations": sum(level - 1 for level in levels[spec["warm"] :]),
        "weights": summary(bench.weights()),
        "theta": adaptation(bench.exc),
        "biological": (SHOWN + REST) * 1e-3,
        "version": sl.__version__,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
