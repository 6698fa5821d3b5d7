"""NEST; run by the Python of the simulators' environment, which has nothing else of ours."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import nest
import numpy

DT = 0.1
EXC, INH = "exc_synapse", "inh_synapse"


def begin(spec: dict) -> None:
    nest.ResetKernel()
    nest.set(resolution=DT, local_num_threads=spec["threads"], rng_seed=spec["seed"], print_time=False)


def connect_fixed(source, target, degree: int, weight: float, delay: float) -> None:
    rule = {"rule": "fixed_indegree", "indegree": degree}
    nest.Connect(source, target, rule, {"weight": weight, "delay": delay})


def brunel(spec: dict) -> int:
    """brunel_delta_nest: 4 order excitatory and order inhibitory neurons, a tenth of them connected."""
    order = spec["shape"]["order"]
    params = {"C_m": 1.0, "tau_m": 20.0, "t_ref": 2.0, "E_L": 0.0, "V_reset": 0.0, "V_m": 0.0, "V_th": 20.0}
    exc = nest.Create("iaf_psc_delta", 4 * order, params)
    inh = nest.Create("iaf_psc_delta", order, params)
    degree, everyone = 4 * order // 10, exc + inh
    connect_fixed(exc, everyone, degree, 0.1, 1.5)
    connect_fixed(inh, everyone, degree // 4, -0.5, 1.5)
    drive = nest.Create("poisson_generator", params={"rate": 20_000.0})
    nest.Connect(drive, everyone, syn_spec={"weight": 0.1, "delay": 1.5})
    return len(everyone)


VOGELS_ABBOTT = {
    "cuba": (
        "iaf_psc_exp",
        {"E_L": -49.0, "V_m": -49.0, "V_th": -50.0, "V_reset": -60.0, "C_m": 200.0, "tau_m": 20.0, "t_ref": 5.0},
        (16.2, -139.5),
    ),
    "coba": (
        "iaf_cond_exp",
        {"E_L": -60.0, "V_m": -70.0, "V_th": -50.0, "V_reset": -60.0, "C_m": 200.0, "g_L": 10.0, "t_ref": 5.0,
         "E_ex": 0.0, "E_in": -80.0},
        (6.0, -67.0),
    ),
    "cobahh": (
        "hh_cond_exp_traub",
        {"E_L": -60.0, "V_T": -63.0, "C_m": 200.0, "g_L": 10.0, "g_Na": 20_000.0, "g_K": 6_000.0, "E_Na": 50.0,
         "E_K": -90.0, "E_ex": 0.0, "E_in": -80.0, "t_ref": 2.0},
        (6.0, -67.0),
    ),
}  # fmt: skip


def vogels_abbott(spec: dict) -> int:
    """The benchmarks of Brette et al. 2007 as NEST's examples have them."""
    model, params, (w_exc, w_inh) = VOGELS_ABBOTT[spec["model"]]
    params = {**params, "tau_syn_ex": 5.0, "tau_syn_in": 10.0}
    exc, inh = nest.Create(model, 3200, params), nest.Create(model, 800, params)
    connect_fixed(exc, exc + inh, 64, w_exc, 0.1)
    connect_fixed(inh, exc + inh, 16, w_inh, 0.1)
    pulse = nest.Create("poisson_generator", params={"rate": 300.0, "start": 1.0, "stop": 51.0})
    nest.Connect(pulse, exc[:50], syn_spec={"weight": w_exc, "delay": 0.1})
    return 4000


def microcircuit(spec: dict) -> int:
    """Potjans and Diesmann 2014, with the numbers that it is given."""
    shape = spec["shape"]
    params = {"C_m": 250.0, "tau_m": 10.0, "tau_syn_ex": 0.5, "tau_syn_in": 0.5, "t_ref": 2.0, "E_L": -65.0,
              "V_reset": -65.0, "V_th": -50.0}  # fmt: skip
    # Of one synapse model a thread holds at most 2^27 synapses.
    nest.CopyModel("static_synapse", EXC)
    nest.CopyModel("static_synapse", INH)
    populations = []
    for size, current, mean, sd in zip(shape["sizes"], shape["currents"], *shape["start"], strict=True):
        population = nest.Create("iaf_psc_exp", size, {**params, "I_e": current})
        population.V_m = nest.random.normal(mean, sd)
        populations.append(population)
    for target, row, weights in zip(populations, shape["synapses"], shape["weights"], strict=True):
        for s, (source, number, weight) in enumerate(zip(populations, row, weights, strict=True)):
            if not number:
                continue
            mean = shape["delays"][s % 2]
            bounds = {"min": 0.0, "max": float("inf")} if weight > 0 else {"min": float("-inf"), "max": 0.0}
            synapse = {
                "synapse_model": INH if s % 2 else EXC,
                "weight": nest.math.redraw(nest.random.normal(weight, 0.1 * abs(weight)), **bounds),
                "delay": nest.math.redraw(nest.random.normal(mean, 0.5 * mean), min=DT / 2, max=float("inf")),
            }
            nest.Connect(source, target, {"rule": "fixed_total_number", "N": number}, synapse)
    for target, rate in zip(populations, shape["external"], strict=True):
        drive = nest.Create("poisson_generator", params={"rate": rate})
        nest.Connect(drive, target, syn_spec={"weight": shape["external_weight"], "delay": 1.5})
    return sum(shape["sizes"])


MODELS = {"brunel": brunel, **dict.fromkeys(VOGELS_ABBOTT, vogels_abbott), "microcircuit": microcircuit}


def main(spec: dict) -> dict:
    nest.verbosity = nest.VerbosityLevel.ERROR
    begin(spec)
    start = time.perf_counter()
    neurons = MODELS[spec["model"]](spec)
    recorder = None
    if "spikes" in spec:
        # Neurons are numbered from 1 in the order of their creation.
        recorder = nest.Create("spike_recorder", params={"start": spec["settle"]})
        nest.Connect(nest.GetNodes({"element_type": "neuron"}), recorder)
    built = time.perf_counter()
    nest.Simulate(spec["settle"])
    began = time.perf_counter()
    nest.Simulate(spec["duration"])
    ended = time.perf_counter()
    if recorder is not None:
        numpy.savez(spec["spikes"], times=recorder.events["times"], neurons=recorder.events["senders"] - 1)
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return {
        "build": built - start,
        "run": ended - began,
        # The counter begins anew with each `Simulate`.
        "rate": nest.local_spike_counter / neurons / spec["duration"] * 1e3,
        "peak": int(peak.group(1)) * 1024,
        "version": nest.__version__,
    }


print(json.dumps(main(json.loads(sys.argv[1]))))
