"""Networks simulated by Spikeloom, NEST and Brian2, each in a process of its own, in turns.

NEST and Brian2 want an environment of their own: `make peers-simulation`. Another that has them is named by
SPIKELOOM_SIMULATORS, the path of its Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.agreement import DisagreementError
from benchmarks.contenders import OURS
from benchmarks.tables import Result, Row
from benchmarks.timing import rounds
from spikeloom.network import models

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "benchmarks" / "peers_simulation"
NEST, BRIAN2 = "NEST", "Brian2"
# Rounds of every timing at most: a peer takes minutes for one.
ROUNDS = 3
GIGABYTE = 1 << 30

Answer = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A model, who else simulates it, and by how much mean rates of two runs may differ."""

    title: str
    model: str
    peer: str
    options: Mapping[str, Any]
    threads: int = 1
    settle: float = 200.0
    duration: float = 1000.0
    # Relative: networks differ in their random numbers, and some are small.
    tolerance: float = 0.1
    shape: Mapping[str, Any] = field(default_factory=dict)
    # For the peer; with some, activity dies out.
    seed: int = 1

    @property
    def label(self) -> str:
        """With threads."""
        return f"{self.title}, {self.threads} thread{'s' if self.threads > 1 else ''}"


def microcircuit_shape(scale: float) -> dict[str, Any]:
    """What a peer needs to know: the same numbers of neurons and synapses, weights, currents and rates."""
    model = models.Microcircuit(scale=scale)
    external = [8.0 * k * scale for k in (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)]
    means = (-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43)
    sds = (5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48)
    return {
        "sizes": model.sizes().tolist(),
        "synapses": model.synapses().tolist(),
        "weights": model.weights().tolist(),
        "currents": model.constant_currents().tolist(),
        "start": [means, sds],
        "delays": [1.5, 0.75],
        "external": external,
        "external_weight": float(model.weights()[0, 0]),
    }


def cases() -> list[Case]:
    """Those that take seconds to minutes."""
    brunel: dict[str, Any] = {"options": {"order": 2500}, "shape": {"order": 2500}, "tolerance": 0.03}
    small: dict[str, Any] = {"options": {"scale": 0.1}, "shape": microcircuit_shape(0.1), "settle": 500.0}
    nest, brian = {"variant": "nest"}, {"variant": "brian"}
    return [
        *(Case("Brunel, 12 500 neurons", "brunel", NEST, threads=threads, **brunel) for threads in (1, 2)),
        Case("CUBA", "cuba", NEST, nest, tolerance=0.15),
        Case("COBA", "coba", NEST, nest, tolerance=0.15),
        Case("COBAHH", "cobahh", NEST, nest, tolerance=0.25),
        Case("CUBA", "cuba", BRIAN2, brian),
        Case("COBA, as Auryn has it", "coba", BRIAN2, {"variant": "auryn"}),
        # Ten networks of other seeds have 35.7 +- 2.3 spikes/s.
        Case("COBAHH", "cobahh", BRIAN2, brian, tolerance=0.25),
        *(Case("microcircuit, scale 0.1", "microcircuit", NEST, threads=threads, **small) for threads in (1, 2)),
    ]


def full_cases() -> list[Case]:
    """The whole microcircuit: NEST takes seven minutes and 15 GB."""
    shape = microcircuit_shape(1.0)
    return [
        Case("microcircuit", "microcircuit", NEST, {"scale": 1.0}, 2, 500.0, tolerance=0.1, shape=shape),
    ]


def simulators() -> Path | None:
    """The Python that has NEST and Brian2."""
    path = Path(os.environ.get("SPIKELOOM_SIMULATORS", ROOT / ".venv-simulators" / "bin" / "python"))
    return path if path.exists() else None


def simulated(contender: str, case: Case, **more: Any) -> Answer:
    """One run in a fresh process."""
    spec = {
        "model": case.model, "threads": case.threads, "settle": case.settle, "duration": case.duration,
        "seed": case.seed, "shape": dict(case.shape), "options": dict(case.options), **more,
    }  # fmt: skip
    if contender == OURS:
        command = [sys.executable, "-m", "benchmarks.peers_simulation.with_spikeloom"]
    else:
        command = [str(simulators()), str(SCRIPTS / f"with_{contender.lower()}.py")]
    environ = {**os.environ, "OMP_NUM_THREADS": str(case.threads)}
    done = subprocess.run(
        [*command, json.dumps(spec)], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{contender} failed on {case.label}:\n{done.stdout}\n{done.stderr}")
    answer: Answer = json.loads(done.stdout.splitlines()[-1])
    return answer


def _agree(case: Case, ours: list[Answer], theirs: list[Answer]) -> None:
    a, b = (median(answer["rate"] for answer in answers) for answers in (ours, theirs))
    if not abs(a - b) <= case.tolerance * b:
        got = f"got {a:.3g} and {b:.3g} spikes/s"
        raise DisagreementError(f"{case.label}: expected rates within {case.tolerance:.0%} of {case.peer}'s, {got}.")


def measure(case: Case, repeats: int) -> Row:
    """In turns; the ratio is the median of those within each round."""
    contenders = [OURS, case.peer] if simulators() is not None else [OURS]
    answers: dict[str, list[Answer]] = {name: [] for name in contenders}
    for _ in rounds(min(repeats, ROUNDS), case.label):
        for name in contenders:
            answers[name].append(simulated(name, case))
    if case.peer in answers:
        _agree(case, answers[OURS], answers[case.peer])
    return _row(case, answers)


def _row(case: Case, answers: Mapping[str, list[Answer]]) -> Row:
    def middle(name: str, what: str, unit: float = 1.0) -> float | None:
        return median(answer[what] for answer in answers[name]) / unit if name in answers else None

    second = case.duration * 1e-3
    ours, theirs = answers[OURS], answers.get(case.peer, [])
    ratios = [b["run"] / a["run"] for a, b in zip(ours, theirs, strict=False)]
    return {
        "": case.title,
        "peer": case.peer,
        "threads": case.threads,
        "ours, s/s": middle(OURS, "run", second),
        "peer, s/s": middle(case.peer, "run", second),
        "times faster": median(ratios) if ratios else None,
        "ours, spikes/s": middle(OURS, "rate"),
        "peer, spikes/s": middle(case.peer, "rate"),
        "ours, build s": middle(OURS, "build"),
        "peer, build s": middle(case.peer, "build"),
        "ours, peak GB": middle(OURS, "peak", GIGABYTE),
        "peer, peak GB": middle(case.peer, "peak", GIGABYTE),
    }


NOTE = (
    "Seconds of wall time per biological second after building and settling; build and peak of Brian2 are those of the "
    "Python process that generates and compiles the program."
)


def run(*, repeats: int) -> list[Result]:
    """Everything but the full microcircuit."""
    return [Result("Simulation of networks", [measure(case, repeats) for case in cases()], NOTE)]


def run_full(*, repeats: int) -> list[Result]:
    """The full microcircuit, once."""
    rows = [measure(case, 1) for case in full_cases()]
    return [Result("Simulation of the cortical microcircuit at full scale", rows, NOTE)]
