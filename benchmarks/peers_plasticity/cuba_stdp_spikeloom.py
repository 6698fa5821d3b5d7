"""Benchmark 5 of Brette et al. 2007 in Spikeloom, as `cuba_stdp_nest` has it."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import spikeloom as sl
from benchmarks.peers_plasticity._summary import summary
from spikeloom.network import FixedInDegree, Network, Normal, Population, Projection, devices

WEIGHT, DELAY = 35.0, 1.5
SAMPLED = 50


def neuron() -> sl.Neuron:
    """iaf_psc_exp; both currents decay alike, and one is enough."""
    lif = sl.LIF(tau_mem=20.0, r=20.0 / 250.0, v_rest=0.0, v_th=20.0, v_reset=0.0)
    return sl.neurons.Refractory(sl.synapses.Receptors(lif, syn=sl.synapses.Exponential(tau_syn=2.0)), t_ref=2.0)


def plasticity() -> sl.plasticity.Rule:
    """stdp_synapse."""
    return sl.plasticity.STDP(
        a_plus=0.01, a_minus=0.0105, tau_plus=20.0, tau_minus=20.0, w_max=70.0,
        dependence=sl.plasticity.Multiplicative(),
    )  # fmt: skip


def build(scale: float, seed: int, threads: int) -> tuple[Network, Population, Population, Projection]:
    """The network, its two populations, its plastic projection."""
    net = Network(dt=0.1, seed=seed, threads=threads)
    v = {"v": Normal(7.0, 5.0, high=19.9)}
    exc = net.population(round(9000 * scale), neuron(), name="E", initial=v)
    inh = net.population(round(2250 * scale), neuron(), name="I", initial=v)
    from_exc, from_inh = FixedInDegree(exc.size // 10), FixedInDegree(inh.size // 10)
    # As in NEST, the whole delay lies between the synapse and the neuron behind it.
    plastic = net.connect(
        exc, exc, from_exc, weight=Normal(WEIGHT, 3.0, low=0.0, high=70.0), delay=DELAY, axonal_delay=0.0,
        plasticity=plasticity(),
    )  # fmt: skip
    net.connect(exc, inh, from_exc, weight=WEIGHT, delay=DELAY)
    for target in (exc, inh):
        net.connect(inh, target, from_inh, weight=-5.0 * WEIGHT, delay=DELAY)
        net.connect(devices.Poisson(4050.0), target, weight=WEIGHT, delay=DELAY)
        net.record(target)
    assert isinstance(plastic, Projection)
    return net, exc, inh, plastic


def main(spec: dict[str, Any]) -> dict[str, Any]:
    """As the folder's docstring says."""
    # Kernels are compiled once, and then come from the disk.
    build(0.02, 1, spec["threads"])[0].run(1.0)
    start = time.perf_counter()
    net, _, _, plastic = build(spec["scale"], spec["seed"], spec["threads"])
    net.build()
    built = time.perf_counter()
    net.run(spec["settle"])
    began = time.perf_counter()
    result = net.run(spec["duration"])
    ended = time.perf_counter()
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    synapses = plastic.synapses()
    return {
        "build": built - start,
        "run": ended - began,
        "exc": result.rate("E"),
        "inh": result.rate("I"),
        "weights": summary(np.asarray(synapses.weight[synapses.post < SAMPLED], dtype=np.float64)),
        "synapses": sum(len(projection) for projection in net.projections),
        "peak": int(peak.group(1)) * 1024 if peak else 0,
        "version": sl.__version__,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
