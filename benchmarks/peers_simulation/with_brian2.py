"""Brian2 in C++ standalone mode; run by the Python of the simulators' environment, which has nothing else of ours."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from pathlib import Path

import brian2 as b2
import numpy as np
from brian2 import cm, mS, ms, mV, nS, uF, umetre

N, EXC, P = 4000, 3200, 0.02

CUBA = """
dv/dt = (ge + gi - (v - v_rest)) / (20*ms) : volt (unless refractory)
dge/dt = -ge / (5*ms) : volt
dgi/dt = -gi / (10*ms) : volt
"""
COBA = """
dv/dt = (ge * (0*mV - v) + gi * (-80*mV - v) - (v - v_rest)) / (20*ms) : volt (unless refractory)
dge/dt = -ge / (5*ms) : 1
dgi/dt = -gi / (10*ms) : 1
"""
COBAHH = """
dv/dt = (g_l*(-60*mV - v) + ge*(0*mV - v) + gi*(-80*mV - v) + i_na + i_kd) / c : volt
i_na = g_na*m**3*h*(50*mV - v) : amp
i_kd = g_kd*n**4*(-90*mV - v) : amp
dm/dt = a_m*(1 - m) - b_m*m : 1
dn/dt = a_n*(1 - n) - b_n*n : 1
dh/dt = a_h*(1 - h) - b_h*h : 1
dge/dt = -ge / (5*ms) : siemens
dgi/dt = -gi / (10*ms) : siemens
u = v/mV + 63 : 1
a_m = 0.32*4 / exprel((13 - u) / 4) / ms : hertz
b_m = 0.28*5 / exprel((u - 40) / 5) / ms : hertz
a_h = 0.128*exp((17 - u) / 18) / ms : hertz
b_h = 4 / (1 + exp((40 - u) / 5)) / ms : hertz
a_n = 0.032*5 / exprel((15 - u) / 5) / ms : hertz
b_n = 0.5*exp((10 - u) / 40) / ms : hertz
"""


def cuba() -> tuple[b2.NeuronGroup, tuple, b2.Quantity]:
    """Delay 0, inhibition of -9 mV."""
    cells = b2.NeuronGroup(
        N, CUBA, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="exact",
        namespace={"v_rest": -49 * mV},
    )  # fmt: skip
    cells.v = "-60*mV + rand() * 10*mV"
    return cells, (1.62 * mV, -9 * mV), 0 * ms


def coba() -> tuple[b2.NeuronGroup, tuple, b2.Quantity]:
    """A constant current of 200 pA, which is 20 mV; delay 0.8 ms."""
    cells = b2.NeuronGroup(
        N, COBA, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="rk2",
        namespace={"v_rest": -40 * mV},
    )  # fmt: skip
    cells.v = -60 * mV
    return cells, (0.4, 5.1), 0.8 * ms


def cobahh() -> tuple[b2.NeuronGroup, tuple, b2.Quantity]:
    """20 000 um^2 of membrane; delay 0."""
    area = 20_000 * umetre**2
    densities = {"g_l": 5e-2 * mS, "g_na": 100 * mS, "g_kd": 30 * mS, "c": 1 * uF}
    patch = {name: density / cm**2 * area for name, density in densities.items()}
    cells = b2.NeuronGroup(
        N, COBAHH, threshold="v > -20*mV", refractory=3 * ms, method="exponential_euler", namespace=patch
    )
    cells.v = "-60*mV + (randn() * 5 - 5) * mV"
    cells.ge = "(randn() * 1.5 + 4) * 10 * nS"
    cells.gi = "(randn() * 12 + 20) * 10 * nS"
    return cells, (6 * nS, 67 * nS), 0 * ms


MODELS = {"cuba": cuba, "coba": coba, "cobahh": cobahh}


def main(spec: dict, folder: str) -> dict:
    b2.set_device("cpp_standalone", build_on_run=False, directory=folder)
    if spec["threads"] > 1:
        b2.prefs.devices.cpp_standalone.openmp_threads = spec["threads"]
    b2.defaultclock.dt = 0.1 * ms
    b2.seed(spec["seed"])
    start = time.perf_counter()
    cells, (w_exc, w_inh), delay = MODELS[spec["model"]]()
    exc = b2.Synapses(cells, cells, on_pre="ge += w", namespace={"w": w_exc}, delay=delay)
    inh = b2.Synapses(cells, cells, on_pre="gi += w", namespace={"w": w_inh}, delay=delay)
    exc.connect("i < EXC", p=P, namespace={"EXC": EXC})
    inh.connect("i >= EXC", p=P, namespace={"EXC": EXC})
    spikes = b2.SpikeMonitor(cells)
    network = b2.Network(cells, exc, inh, spikes)
    network.run(spec["settle"] * ms)
    network.run(spec["duration"] * ms)
    b2.device.build(compile=True, run=True, directory=folder)
    ended = time.perf_counter()
    # The time that the last `run` took in the C++ program.
    ran = b2.device._last_run_time
    after = np.asarray(spikes.t / ms) >= spec["settle"]
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return {
        "build": ended - start - ran * (1 + spec["settle"] / spec["duration"]),
        "run": ran,
        "rate": float(after.sum()) / N / spec["duration"] * 1e3,
        "peak": int(peak.group(1)) * 1024,
        "version": b2.__version__,
    }


with tempfile.TemporaryDirectory() as place:
    print(json.dumps(main(json.loads(sys.argv[1]), place)))
