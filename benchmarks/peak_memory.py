"""Peak memory of training `csnn`, in a fresh process for each library: ``python -m benchmarks.peak_memory Norse 32``.

Resident memory at its highest during five training steps, beyond what is resident before the first: imports, network,
optimiser and data are not counted, pages that were freed again before the peak are.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from benchmarks.contenders import OURS, SPIKINGJELLY, installed
from benchmarks.networks import CSNN
from benchmarks.tables import Result, Row
from benchmarks.training_step import BFLOAT16, FLOAT32, Contender, step

STEPS = 32
MEGABYTE = 1 << 20


def _status(field: str) -> int:
    """Bytes of a line of /proc/self/status. Not `getrusage`: its peak is inherited from the process that started us."""
    found = re.search(rf"^{field}:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found.group(1)) * 1024


def growth(work: Callable[[], object]) -> int:
    """Bytes that are resident at the highest moment of `work`, beyond those before it."""
    Path("/proc/self/clear_refs").write_text("5")  # forget earlier peaks
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def measure(contender: Contender, steps: int) -> int:
    """Bytes in this process, which must be fresh."""
    x, labels = CSNN.data(steps=steps)
    train = step(CSNN, contender, x, labels)
    return growth(lambda: [train() for _ in range(5)])


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
        # When the garbage collector comes decides how many steps' graphs of a peer are alive together.
        found = [_measured_apart(contender, STEPS) for _ in range(min(repeats, 3))]
        rows.append({"": contender.label, "MB": median(found), "least": min(found), "most": max(found)})
    reference = Contender(SPIKINGJELLY, FLOAT32).label
    base = next((row["MB"] for row in rows if row[""] == reference), None)
    for row in rows:
        if isinstance(base, float) and isinstance(row["MB"], float):
            row[f"of {reference}"] = f"{row['MB'] / base:.0%}"
    return [
        Result(
            title,
            rows,
            "Beyond imports, network and data; the highest of five steps; median, least and most of fresh processes.",
        )
    ]


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    library, products, count = sys.argv[1:]
    print(measure(Contender(library, products), int(count)))
