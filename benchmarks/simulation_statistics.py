"""The cortical microcircuit against NEST's: distributions over neurons of rates, of CVs and of correlations."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.simulation import NEST, Case, microcircuit_shape, simulated, simulators
from benchmarks.tables import Result, Row
from spikeloom.network import SpikeTrains, analysis, models
from spikeloom.network.models.microcircuit import NAMES

SCALE, SETTLE, DURATION = 0.1, 500.0, 10_000.0
# Neurons of each population whose pairs are correlated, in bins of 2 ms.
PAIRED = 250

Statistics = dict[str, dict[str, np.ndarray]]


def _of(trains: SpikeTrains) -> dict[str, np.ndarray]:
    few = trains.neurons < PAIRED
    some = SpikeTrains(
        trains.times[few], trains.neurons[few], trains.runs[few], trains.recorded[:PAIRED], trains.start, trains.stop
    )
    correlations = analysis.count_correlations(some, bin=2.0)
    pairs = correlations[np.triu_indices_from(correlations, 1)]
    cvs = analysis.cv(trains)
    return {"rate": analysis.neuron_rates(trains), "CV": cvs[~np.isnan(cvs)], "correlation": pairs[~np.isnan(pairs)]}


def ours(seed: int) -> Statistics:
    """Ours with a seed."""
    net = models.Microcircuit(scale=SCALE).build(seed=seed)
    net.run(SETTLE)
    result = net.run(DURATION)
    return {name: _of(result.spikes[name]) for name in NAMES}


def theirs(seed: int) -> Statistics:
    """NEST's."""
    shape = microcircuit_shape(SCALE)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "spikes.npz")
        options = {"scale": SCALE}
        case = Case("microcircuit", "microcircuit", NEST, options, 2, SETTLE, DURATION, shape=shape, seed=seed)
        simulated(NEST, case, spikes=path)
        found = np.load(path)
        times, neurons = found["times"], found["neurons"]
    edges = np.concatenate([[0], np.cumsum(shape["sizes"])])
    statistics = {}
    for name, low, high in zip(NAMES, edges[:-1], edges[1:], strict=True):
        mine = (neurons >= low) & (neurons < high)
        order = np.argsort(times[mine], kind="stable")
        spikes = times[mine][order], (neurons[mine][order] - low).astype(np.int32)
        runs = np.zeros(len(order), dtype=np.int32)
        statistics[name] = _of(SpikeTrains(*spikes, runs, np.arange(high - low), SETTLE, SETTLE + DURATION))
    return statistics


def run(*, repeats: int) -> list[Result]:
    """Two seeds of each; the distance between two seeds of one simulator is what chance makes."""
    if simulators() is None:
        return []
    a, b, c, d = ours(1), ours(2), theirs(1), theirs(2)
    rows: list[Row] = []
    for name in NAMES:
        row: Row = {"": name, "spikes/s": a[name]["rate"].mean(), "NEST, spikes/s": c[name]["rate"].mean()}
        for what in ("rate", "CV", "correlation"):
            between = [analysis.ks_distance(x[name][what], y[name][what]) for x in (a, b) for y in (c, d)]
            within = [analysis.ks_distance(x[name][what], y[name][what]) for x, y in ((a, b), (c, d))]
            row[f"KS {what}"], row[f"{what}, two seeds"] = float(np.median(between)), max(within)
        rows.append(row)
    note = (
        f"Scale {SCALE:g}, {DURATION / 1e3:g} s. KS: median distance of our distributions over neurons (rate, CV) or "
        f"pairs of {PAIRED} neurons (correlation of counts in 2 ms) to NEST's; two seeds: the larger of the distances "
        "between two networks of one simulator."
    )
    return [Result("Microcircuit: distributions against NEST's", rows, note, headline=False)]
