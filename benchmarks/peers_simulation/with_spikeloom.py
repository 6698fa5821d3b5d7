"""Spikeloom, in a process like those of the others."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import spikeloom as sl
from spikeloom.network import models

MODELS: dict[str, type[models.Model]] = {
    "brunel": models.BrunelDelta,
    "microcircuit": models.Microcircuit,
    "cuba": models.CUBA,
    "coba": models.COBA,
    "cobahh": models.COBAHH,
}


def main(spec: dict[str, Any]) -> dict[str, Any]:
    """As the folder's docstring says."""
    small = {"brunel": {"order": 100}, "microcircuit": {"scale": 0.01}}.get(spec["model"], {})
    warm = MODELS[spec["model"]](**{**spec["options"], **small})
    # Kernels are compiled once, and then come from the disk.
    warm.build(threads=spec["threads"]).run(1.0)
    start = time.perf_counter()
    net = MODELS[spec["model"]](**spec["options"]).build(threads=spec["threads"])
    net.build()
    built = time.perf_counter()
    net.run(spec["settle"])
    began = time.perf_counter()
    result = net.run(spec["duration"])
    ended = time.perf_counter()
    cells = [p for p in net.populations if isinstance(p.neuron, sl.Neuron)]
    neurons = sum(p.size for p in cells)
    # Before synapses are counted, which draws them again.
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return {
        "build": built - start,
        "run": ended - began,
        "rate": len(result.events.step) / neurons / spec["duration"] * 1e3,
        "rates": {p.name: result.rate(p.name) for p in cells},
        "synapses": sum(len(p) for p in net.projections),
        "peak": int(peak.group(1)) * 1024 if peak else 0,
        "version": sl.__version__,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
