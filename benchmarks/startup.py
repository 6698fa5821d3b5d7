"""What the user waits for before the first result: import and compilation, in fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from statistics import median

import torch

from benchmarks.tables import Result, Row

IMPORT = """
import time
import torch
start = time.perf_counter()
import spikeloom
print(time.perf_counter() - start)
"""

FIRST_CALL = """
import time
import torch
import spikeloom as sl
torch.set_num_threads({threads})

def call():
    start = time.perf_counter()
    sl.LIF()(torch.randn(8, 2, 512).requires_grad_()).sum().backward()
    return time.perf_counter() - start

first = call()
print(first - min(call() for _ in range(5)))
"""


CATALOGUE = """
import time
import spikeloom as sl
from spikeloom.neurons import catalogue
start = time.perf_counter()
sl.neurons.precompile(*catalogue().values(), processes={processes}).wait()
print(time.perf_counter() - start)
"""


def _seconds(script: str, **environment: str) -> float:
    """What the script prints, run in a fresh process."""
    environ = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"The script failed:\n{script}\n{done.stderr}")
    return float(done.stdout)


def _first_calls() -> tuple[float, float]:
    """Seconds of compilation with an empty kernel cache, and with the one that this left."""
    script = FIRST_CALL.format(threads=torch.get_num_threads())
    with tempfile.TemporaryDirectory() as folder:
        return _seconds(script, SPIKELOOM_CACHE_DIR=folder), _seconds(script, SPIKELOOM_CACHE_DIR=folder)


def _catalogue(processes: int) -> float:
    """Seconds until all kernels of the catalogue are in an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        return _seconds(CATALOGUE.format(processes=processes), SPIKELOOM_CACHE_DIR=folder)


def run(*, repeats: int) -> list[Result]:
    imports = [_seconds(IMPORT) for _ in range(repeats)]
    # Compilation takes seconds; three are enough for a median.
    cold, cached = zip(*(_first_calls() for _ in range(min(repeats, 3))), strict=True)
    rows: list[Row] = [
        {"": "import spikeloom, beyond import torch", "seconds": median(imports)},
        {"": "first LIF, forward and backward, nothing cached", "seconds": median(cold)},
        {"": "the same from the disk cache", "seconds": median(cached)},
        *(
            {"": f"kernels of the catalogue, nothing cached, {count} at a time", "seconds": _catalogue(count)}
            for count in sorted({1, os.cpu_count() or 1})
        ),
    ]
    return [Result("Start-up, in fresh processes", rows)]
