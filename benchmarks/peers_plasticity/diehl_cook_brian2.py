"""Diehl and Cook's network in Brian2; run by the Python of the simulators' environment, which has nothing of ours.

`mode` "standalone": one C++ program that also holds the loop over images, inserted into its `main`: no other way of
running Brian2 is as fast. "runtime": Cython, the loop in Python, as the authors' program and Brian2's example have it.
`method`: Brian2's integrator; the authors' is "euler".
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import brian2 as b2
import numpy as np
from _summary import summary
from brian2 import Hz, ms, mV, second

DT, SHOWN, REST = 0.5 * ms, 350 * ms, 150 * ms
PIXELS, NORM, FEWEST = 784, 78.0, 5

NEURON = """
dv/dt = (v_rest - v - ge*v + gi*(e_inh - v)) / tau : volt (unless refractory)
dge/dt = -ge / (1*ms) : 1
dgi/dt = -gi / (2*ms) : 1
"""
ADAPTIVE = """
dtheta/dt = -theta / (1e7*ms) : volt
dy/dt = -y / (20*ms) : 1
dz/dt = -z / (40*ms) : 1
"""
# The traces y and z of the authors' synapses are those of the neuron behind them; `reset` comes after the synapses have
# read them. A spike clamps the potential for 5 ms and forbids the next for 50 ms.
EXC = {
    "threshold": "v > theta - 72*mV and t - lastspike > 50*ms + dt/2",
    "reset": "v = -65*mV; theta += 0.05*mV; y = 1; z = 1",
    "refractory": 5 * ms,
    "namespace": {"v_rest": -65 * mV, "e_inh": -100 * mV, "tau": 100 * ms},
}
INH = {
    "threshold": "v > -40*mV",
    "reset": "v = -45*mV",
    "refractory": 2 * ms,
    "namespace": {"v_rest": -60 * mV, "e_inh": -85 * mV, "tau": 10 * ms},
}


def build(spec: dict) -> b2.Network:
    n = spec["neurons"]
    random = np.random.default_rng(spec["seed"])
    image = b2.PoissonGroup(PIXELS, np.zeros(PIXELS) * Hz, name="image")
    exc = b2.NeuronGroup(n, NEURON + ADAPTIVE, method=spec["method"], name="exc", **EXC)
    inh = b2.NeuronGroup(n, NEURON, method=spec["method"], name="inh", **INH)
    exc.v, exc.theta, inh.v = -65 * mV, 20 * mV, -60 * mV
    learned = b2.Synapses(
        image, exc,
        "w : 1\ndx/dt = -x / (20*ms) : 1 (event-driven)",
        on_pre="ge_post += w; x = 1; w = clip(w - 0.0001*y_post, 0, 1)",
        on_post="w = clip(w + 0.01*x*z_post, 0, 1)",
        name="learned",
    )  # fmt: skip
    learned.connect()
    learned.w = ((random.random((PIXELS, n)) + 0.01) * 0.3).ravel()
    learned.pre.delay = random.random(PIXELS * n) * 10 * ms
    one = b2.Synapses(exc, inh, on_pre="ge_post += 10.4")
    one.connect(j="i")
    others = b2.Synapses(inh, exc, on_pre="gi_post += 17")
    others.connect("i != j")
    counter = b2.SpikeMonitor(exc, record=False, name="counter")
    return b2.Network(image, exc, inh, learned, one, others, counter)


def runtime(spec: dict, images: np.ndarray) -> dict:
    """The loop over images in Python."""
    net = build(spec)
    image, learned, counter = net["image"], net["learned"], net["counter"]
    net.run(0 * ms)
    seconds, spikes, levels, shown = [], [], [], []
    for pixels in images:
        start = time.perf_counter()
        for level in range(2, 1000):
            w = np.asarray(learned.w).reshape(PIXELS, -1)
            learned.w = (w * (NORM / w.sum(axis=0))).ravel()
            image.rates = pixels / 8.0 * level * Hz
            before = int(np.sum(counter.count))
            net.run(SHOWN)
            count = int(np.sum(counter.count)) - before
            image.rates = 0 * Hz
            net.run(REST)
            if count >= FEWEST:
                break
        seconds.append(time.perf_counter() - start)
        spikes.append(count)
        levels.append(level)
        shown.append(level - 1)
    return {"lines": np.array([seconds, spikes, levels, shown]).T, "learned": learned, "exc": net["exc"]}


# Images one by one, each until it has brought enough spikes; what is measured goes to a file, a line for each image.
BEGIN = """
std::ifstream bytes("{images}", std::ios::binary);
std::ofstream lines("{lines}");
std::vector<unsigned char> pixels({pixels});
for (int done = 0; done < {count}; done++) {{
bytes.read((char*)pixels.data(), {pixels});
const auto start = std::chrono::steady_clock::now();
long spikes = 0;
int level = 2;
for (;; level++) {{
    for (int j = 0; j < {n}; j++) {{
        double sum = 0;
        for (int i = 0; i < {pixels}; i++) sum += {w}[i * {n} + j];
        for (int i = 0; i < {pixels}; i++) {w}[i * {n} + j] *= {norm} / sum;
    }}
    for (int i = 0; i < {pixels}; i++) {rates}[i] = pixels[i] / 8.0 * level;
    spikes = 0;
    for (int j = 0; j < {n}; j++) spikes -= {count_of}[j];
"""
MIDDLE = """
    for (int j = 0; j < {n}; j++) spikes += {count_of}[j];
    for (int i = 0; i < {pixels}; i++) {rates}[i] = 0;
"""
END = """
    if (spikes >= {fewest}) break;
}}
const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
lines << took.count() << " " << spikes << " " << level << " " << level - 1 << std::endl;
}}
"""


def standalone(spec: dict, images: np.ndarray, folder: Path) -> dict:
    """The loop over images in the C++ program."""
    b2.set_device("cpp_standalone", build_on_run=False, directory=str(folder / "program"))
    b2.prefs.codegen.cpp.headers += ["<chrono>", "<vector>"]
    if spec["threads"] > 1:
        b2.prefs.devices.cpp_standalone.openmp_threads = spec["threads"]
    b2.seed(spec["seed"])
    net = build(spec)
    images.tofile(folder / "images")
    name = b2.device.get_array_name
    words = {
        "images": folder / "images", "lines": folder / "lines", "count": len(images), "n": spec["neurons"],
        "pixels": PIXELS, "norm": NORM, "fewest": FEWEST,
        "w": name(net["learned"].variables["w"], access_data=False),
        "rates": name(net["image"].variables["rates"]),
        "count_of": name(net["counter"].variables["count"]),
    }  # fmt: skip
    b2.device.insert_code("main", BEGIN.format(**words))
    net.run(SHOWN)
    b2.device.insert_code("main", MIDDLE.format(**words))
    net.run(REST)
    b2.device.insert_code("main", END.format(**words))
    b2.device.build(compile=True, run=True, directory=str(folder / "program"))
    return {"lines": np.loadtxt(folder / "lines", ndmin=2), "learned": net["learned"], "exc": net["exc"]}


def main(spec: dict, folder: Path) -> dict:
    b2.defaultclock.dt = DT
    b2.BrianLogger.log_level_error()
    images = np.load(spec["images"])[: spec["warm"] + spec["measured"]]
    start = time.perf_counter()
    if spec["mode"] == "standalone":
        found = standalone(spec, images, folder)
    else:
        b2.prefs.codegen.target = "cython"
        b2.seed(spec["seed"])
        found = runtime(spec, images)
    whole = time.perf_counter() - start
    seconds, spikes, levels, shown = found["lines"].T
    return {
        "build": whole - float(seconds.sum()),
        "seconds": seconds[spec["warm"] :].tolist(),
        "spikes": spikes.tolist(),
        "intensity": levels.tolist(),
        "presentations": int(shown[spec["warm"] :].sum()),
        "weights": summary(np.asarray(found["learned"].w).reshape(PIXELS, -1)),
        "theta": float(np.mean(found["exc"].theta / mV)),
        "biological": float((SHOWN + REST) / second),
        "version": b2.__version__,
    }


with tempfile.TemporaryDirectory() as place:
    print(json.dumps(main(json.loads(sys.argv[1]), Path(place))))
