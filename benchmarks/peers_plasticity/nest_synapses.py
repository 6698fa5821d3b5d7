"""Weights of NEST's plastic synapses after random trains: `python nest_synapses.py FILE`, by the simulators' Python.

A pair of parrot neurons repeats two given trains; the plastic synapse between them leads to a port that the second
does not listen to. NEST counts the whole delay as dendritic: a presynaptic spike is at the synapse at once, a
postsynaptic one a delay later. Weights are updated at presynaptic spikes, so each first train has one after all others.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nest
import numpy as np

PAIRS, SPIKES, END, GRID = 20, 35, 1000.0, 0.5
DELAYS = (1.0, 2.5)
NEAREST = {"tau_plus": 16.8, "lambda": 0.05, "alpha": 0.8, "mu_plus": 0.4, "mu_minus": 0.6, "Wmax": 2.0}
# Model, parameters of the synapse, time constants of the postsynaptic traces, first weight.
CASES = (
    ("stdp_synapse", {**NEAREST, "mu_plus": 1.0, "mu_minus": 1.0}, {"tau_minus": 33.7}, 1.0),
    ("stdp_synapse", {**NEAREST, "mu_plus": 0.0, "mu_minus": 0.0}, {"tau_minus": 33.7}, 1.0),
    ("stdp_synapse", {**NEAREST, "mu_plus": 0.0, "mu_minus": 1.0}, {"tau_minus": 33.7}, 1.0),
    ("stdp_synapse", NEAREST, {"tau_minus": 33.7}, 1.0),
    ("stdp_nn_symm_synapse", NEAREST, {"tau_minus": 33.7}, 1.0),
    ("stdp_nn_restr_synapse", NEAREST, {"tau_minus": 33.7}, 1.0),
    ("stdp_nn_pre_centered_synapse", NEAREST, {"tau_minus": 33.7}, 1.0),
    ("stdp_pl_synapse_hom", {"tau_plus": 15.0, "lambda": 0.1, "alpha": 0.2, "mu": 0.4}, {"tau_minus": 30.0}, 1.0),
    (
        "stdp_triplet_synapse",
        {"tau_plus": 16.8, "tau_plus_triplet": 101.0, "Aplus": 5e-3, "Aplus_triplet": 6.2e-3, "Aminus": 7e-3,
         "Aminus_triplet": 2.3e-3, "Wmax": 2.0},
        {"tau_minus": 33.7, "tau_minus_triplet": 125.0},
        1.0,
    ),
    ("vogels_sprekeler_synapse", {"tau": 20.0, "eta": 0.01, "alpha": 1.2, "Wmax": 1.0}, {"tau_minus": 20.0}, 0.5),
)  # fmt: skip


def trains(seed: int = 1) -> list[dict[str, object]]:
    """Random times on a grid; in half of the pairs spikes coincide, at the neurons and at the synapse for each delay.

    The first spike is presynaptic, for NEST's nearest-neighbour models pair earlier postsynaptic ones with time 0.
    """
    random, found = np.random.default_rng(seed), []
    steps = np.arange(20, round(END / GRID))
    shifts = [round(d / GRID) for d in (0.0, *DELAYS)]
    for number in range(PAIRS):
        pre, post = (np.sort(random.choice(steps, SPIKES, replace=False)) for _ in range(2))
        together = number >= PAIRS // 2
        if together:
            post = np.concatenate([post, *(pre[i + 1 :: 10] - shift for i, shift in enumerate(shifts))])
        else:
            post = post[~np.isin(post[:, None] + shifts, pre).any(axis=1)]
        pre = np.concatenate([[8], pre, [round((END + 10.0) / GRID)]])
        trains = {name: (np.unique(times) * GRID).tolist() for name, times in (("pre", pre), ("post", post))}
        found.append({"coincident": together, **trains})
    return found


def relays(times: list[list[float]], params: dict[str, float]):
    """Parrot neurons that spike at the given times."""
    neurons = nest.Create("parrot_neuron", len(times), params)
    # Through a delay of 1 ms.
    sources = nest.Create("spike_generator", len(times), [{"spike_times": [t - 1.0 for t in train]} for train in times])
    nest.Connect(sources, neurons, "one_to_one", {"delay": 1.0})
    recorder = nest.Create("spike_recorder")
    nest.Connect(neurons, recorder)
    return neurons, recorder


def check(neurons, recorder, times: list[list[float]]) -> None:
    """NEST had the trains that the file names."""
    events = recorder.events
    for neuron, train in zip(neurons.tolist(), times, strict=True):
        got = np.sort(events["times"][events["senders"] == neuron])
        if not np.allclose(got, train, atol=1e-9):
            raise RuntimeError(f"expected spikes at {train}, got {got.tolist()}")


def main() -> dict:
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.set(resolution=0.1)
    pairs = trains()
    of_pre, of_post = ([pair[name] for pair in pairs] for name in ("pre", "post"))
    pre, heard = relays(of_pre, {})
    cases = []
    for model, params, taus, weight in CASES:
        for delay in DELAYS:
            name = f"synapse{len(cases)}"
            nest.CopyModel(model, name, params)
            post, recorder = relays(of_post, taus)
            own = {"synapse_model": name, "weight": weight, "delay": delay, "receptor_type": 1}
            nest.Connect(pre, post, "one_to_one", own)
            cases.append((model, {**params, **taus}, delay, weight, name, post, recorder))
    nest.Simulate(END + 50.0)
    check(pre, heard, of_pre)
    answers = []
    for model, params, delay, weight, name, post, recorder in cases:
        check(post, recorder, of_post)
        found = nest.GetConnections(pre, post, synapse_model=name).get(["target", "weight"])
        final = [w for _, w in sorted(zip(found["target"], found["weight"], strict=True))]
        answers.append({"model": model, "parameters": params, "delay": delay, "weight": weight, "final": final})
    note = (
        "Weights of plastic synapses after their last presynaptic spike, measured by running NEST. Times in ms. The "
        "delay is dendritic: a presynaptic spike is at the synapse at once, a postsynaptic one a delay later. Made by "
        "benchmarks/peers_plasticity/nest_synapses.py."
    )
    return {"note": note, "simulator": f"NEST {nest.__version__}", "grid": GRID, "trains": pairs, "cases": answers}


def lines(answer: dict) -> str:
    """JSON with a line for each train and each case."""
    parts = []
    for key, value in answer.items():
        if isinstance(value, list):
            parts.append(f" {json.dumps(key)}: [\n" + ",\n".join("  " + json.dumps(item) for item in value) + "\n ]")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


Path(sys.argv[1]).write_text(lines(main()), encoding="utf-8")
