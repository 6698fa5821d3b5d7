"""Peak memory of training `csnn`, in a fresh process for each library: ``python -m benchmarks.peak_memory Norse 32``.

Resident memory at its highest during three training steps, beyond what is resident before the first: imports, network,
optimiser and data are not counted, pages that were freed again before the peak are.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.contenders import OURS, SPIKINGJELLY, installed
from benchmarks.networks import CSNN
from benchmarks.tables import Result, Row
from benchmarks.training_step import BFLOAT16, FLOAT32, Contender, step

STEPS = 32
MEGABYTE = 1 << 20


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _peak() -> int:
    import resource  # POSIX only

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(contender: Contender, steps: int) -> int:
    """Bytes in this process, which must be fresh."""
    x, labels = CSNN.data(steps=steps)
    train = step(CSNN, contender, x, labels)
    before = _resident()
    for _ in range(3):
        train()
    return _peak() - before


def _measured_apart(contender: Contender, steps: int) -> float:
    """Megabytes in a fresh process."""
    command = [sys.executable, "-m", __spec__.name, contender.library, contender.products, str(steps)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{contender.label} failed:\n{done.stderr}")
    return int(done.stdout.split()[-1]) / MEGABYTE


def run(*, repeats: int) -> list[Result]:
    title = f"Peak memory of training csnn, T={STEPS}, batch {CSNN.batch}"
    if not sys.platform.startswith("linux"):
        return [Result(title, [], "Measured on Linux only.", headline=False)]
    rows: list[Row] = []
    contenders = [Contender(name, products) for products in (FLOAT32, BFLOAT16) for name in (OURS, *installed())]
    for contender in contenders:
        print(f"peak memory: {contender.label} ...", file=sys.stderr, flush=True)
        rows.append({"": contender.label, "MB": _measured_apart(contender, STEPS)})
    reference = Contender(SPIKINGJELLY, FLOAT32).label
    base = next((row["MB"] for row in rows if row[""] == reference), None)
    for row in rows:
        if isinstance(base, float) and isinstance(row["MB"], float):
            row[f"of {reference}"] = f"{row['MB'] / base:.0%}"
    return [Result(title, rows, "Beyond imports, network and data; the highest of three steps, in a fresh process.")]


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    library, products, count = sys.argv[1:]
    print(measure(Contender(library, products), int(count)))
