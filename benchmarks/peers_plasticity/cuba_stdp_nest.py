"""Benchmark 5 of Brette et al. 2007 in NEST, as NEST's example `cuba_stdp` has it; run by the simulators' Python.

Its synapses are `stdp_synapse` with NEST's defaults but for alpha and Wmax: tau_plus = tau_minus = 20 ms, lambda =
0.01, mu_plus = mu_minus = 1 (multiplicative); tau_syn = 2 ms, t_ref = 2 ms. `scale` shrinks populations and in-degrees.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import nest
import numpy as np
from _summary import summary

NEURON = {
    "E_L": 0.0, "V_th": 20.0, "V_reset": 0.0, "C_m": 250.0, "tau_m": 20.0, "t_ref": 2.0, "tau_syn_ex": 2.0,
    "tau_syn_in": 2.0, "tau_minus": 20.0,
}  # fmt: skip
STDP = {"tau_plus": 20.0, "lambda": 0.01, "alpha": 1.05, "mu_plus": 1.0, "mu_minus": 1.0, "Wmax": 70.0}
WEIGHT, DELAY = 35.0, 1.5
# Neurons whose excitatory synapses are read.
SAMPLED = 50


def build(spec: dict) -> tuple:
    n_exc, n_inh = round(9000 * spec["scale"]), round(2250 * spec["scale"])
    exc, inh = nest.Create("iaf_psc_exp", n_exc, NEURON), nest.Create("iaf_psc_exp", n_inh, NEURON)
    random = np.random.default_rng(spec["seed"])
    (exc + inh).V_m = np.clip(random.normal(7.0, 5.0, n_exc + n_inh), None, 19.9).tolist()
    nest.CopyModel("stdp_synapse", "plastic", {**STDP, "delay": DELAY})
    from_exc = {"rule": "fixed_indegree", "indegree": n_exc // 10}
    from_inh = {"rule": "fixed_indegree", "indegree": n_inh // 10}
    drawn = nest.random.normal(WEIGHT, 3.0)
    nest.Connect(exc, exc, from_exc, {"synapse_model": "plastic", "weight": drawn})
    nest.Connect(exc, inh, from_exc, {"weight": WEIGHT, "delay": DELAY})
    nest.Connect(inh, exc + inh, from_inh, {"weight": -5.0 * WEIGHT, "delay": DELAY})
    drive = nest.Create("poisson_generator", params={"rate": 4050.0})
    nest.Connect(drive, exc + inh, syn_spec={"weight": WEIGHT, "delay": DELAY})
    return exc, inh


def main(spec: dict) -> dict:
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.set(resolution=0.1, local_num_threads=spec["threads"], rng_seed=spec["seed"], print_time=False)
    start = time.perf_counter()
    exc, inh = build(spec)
    recorders = [nest.Create("spike_recorder", params={"start": spec["settle"]}) for _ in range(2)]
    for neurons, recorder in zip((exc, inh), recorders, strict=True):
        nest.Connect(neurons, recorder)
    nest.Prepare()
    built = time.perf_counter()
    nest.Run(spec["settle"])
    began = time.perf_counter()
    nest.Run(spec["duration"])
    ended = time.perf_counter()
    nest.Cleanup()
    weights = nest.GetConnections(target=exc[:SAMPLED], synapse_model="plastic").get("weight")
    rates = [
        recorder.n_events / len(neurons) / spec["duration"] * 1e3
        for neurons, recorder in zip((exc, inh), recorders, strict=True)
    ]
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return {
        "build": built - start,
        "run": ended - began,
        "exc": rates[0],
        "inh": rates[1],
        "weights": summary(np.asarray(weights)),
        "synapses": nest.num_connections,
        "peak": int(peak.group(1)) * 1024,
        "version": nest.__version__,
    }


print(json.dumps(main(json.loads(sys.argv[1]))))
