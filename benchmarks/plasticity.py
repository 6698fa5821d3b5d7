"""Networks that learn, simulated by Spikeloom and its peers in turns: Diehl and Cook's on MNIST, CUBA-STDP.

Each in a process of its own: `make peers-plasticity`. Other environments that have the peers are named by
SPIKELOOM_SIMULATORS (NEST and Brian2) and SPIKELOOM_BINDSNET, the paths of their Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

import spikeloom as sl
from benchmarks.agreement import DisagreementError
from benchmarks.contenders import OURS
from benchmarks.simulation import GIGABYTE, ROOT, ROUNDS, simulators
from benchmarks.tables import Result, Row
from benchmarks.timing import rounds
from spikeloom.errors import DataError

SCRIPTS = ROOT / "benchmarks" / "peers_plasticity"
Answer = dict[str, Any]


@dataclass(frozen=True)
class Contender:
    """A script and who runs it; without a Python of its own, ours does."""

    name: str
    script: str
    python: Callable[[], Path | None] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def installed(self) -> bool:
        return self.python is None or self.python() is not None

    def answer(self, spec: Mapping[str, Any]) -> Answer:
        """One run in a fresh process."""
        if self.python is None:
            command = [sys.executable, "-m", f"benchmarks.peers_plasticity.{self.script}"]
        else:
            command = [str(self.python()), str(SCRIPTS / f"{self.script}.py")]
        threads = str(spec["threads"])
        environ = {**os.environ, "OMP_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads}
        text = json.dumps({**spec, **self.options})
        done = subprocess.run([*command, text], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{self.name} failed:\n{done.stdout}\n{done.stderr}")
        answer: Answer = json.loads(done.stdout.splitlines()[-1])
        return answer


def bindsnet() -> Path | None:
    """The Python that has BindsNET."""
    path = Path(os.environ.get("SPIKELOOM_BINDSNET", ROOT / ".venv-bindsnet" / "bin" / "python"))
    return path if path.exists() else None


def expect(what: str, ours: float, theirs: float, tolerance: float) -> None:
    """Raise where two figures differ by more than a share of the second."""
    if not abs(ours - theirs) <= tolerance * abs(theirs):
        raise DisagreementError(f"{what}: expected within {tolerance:.1%}, got {ours:.4g} and {theirs:.4g}.")


# Diehl and Cook's network.

_BRIAN2 = "diehl_cook_brian2"
CPP = Contender("Brian2, C++ standalone", _BRIAN2, simulators, {"mode": "standalone", "method": "euler"})
DIGITS = (
    Contender(OURS, "diehl_cook_spikeloom"),
    CPP,
    Contender("Brian2, Cython", _BRIAN2, simulators, {"mode": "runtime", "method": "euler", "measured": 20}),
    Contender("BindsNET", "diehl_cook_bindsnet", bindsnet, {"form": "protocol", "measured": 20}),
    Contender("BindsNET, its example", "diehl_cook_bindsnet", bindsnet, {"form": "example", "measured": 20}),
)
WARM, MEASURED = 5, 150


def per_presentation(answer: Answer) -> list[float]:
    """Seconds of each measured image, divided by how often it had to be shown."""
    shown = [max(1, level - 1) for level in answer["intensity"][WARM:]]
    return [seconds / times for seconds, times in zip(answer["seconds"], shown, strict=True)]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Of means over the images that both were shown."""
    count = min(len(ours), len(theirs))
    return mean(theirs[:count]) / mean(ours[:count])


def agree_on_digits(ours: Answer, theirs: Answer, contender: Contender) -> None:
    """Two seeds of one simulator differ by 5 % in spikes, and by 0.001 in quantiles of weights."""
    count = min(len(ours["spikes"]), len(theirs["spikes"]))
    spikes = [mean(answer["spikes"][:count]) for answer in (ours, theirs)]
    # BindsNET's is a variation: that it learns and about as much happens is what can be asked.
    exact = contender.script == _BRIAN2
    expect(f"spikes per image, {contender.name}", *spikes, 0.2 if exact else 1.0)
    expect(f"sum of weights, {contender.name}", ours["weights"]["sums"][1], theirs["weights"]["sums"][1], 0.01)
    if contender is CPP:
        expect(f"rise of thresholds, {contender.name}", ours["theta"] - 20.0, theirs["theta"] - 20.0, 0.2)
        inner = slice(1, -1)
        apart = np.abs(np.subtract(ours["weights"]["quantiles"], theirs["weights"]["quantiles"]))[inner].max()
        if not apart <= 0.003:
            raise DisagreementError(f"quantiles of weights: expected within 0.003 of {contender.name}'s, got {apart:g}")


def _images(folder: str) -> str:
    """Training images of MNIST, as bytes in a file. Raises: DataError."""
    pixels, _ = sl.datasets.mnist(download=False).train[: WARM + MEASURED]
    path = str(Path(folder) / "images.npy")
    np.save(path, np.rint(np.asarray(pixels).reshape(len(pixels), -1) * 255).astype(np.uint8))
    return path


def diehl_cook(*, repeats: int) -> list[Result]:
    """100 excitatory and 100 inhibitory neurons, image by image."""
    title = "Learning digits, Diehl and Cook 2015, 100 + 100 neurons"
    contenders = [one for one in DIGITS if one.installed()]
    answers: dict[str, list[Answer]] = {one.name: [] for one in contenders}
    with tempfile.TemporaryDirectory() as folder:
        try:
            spec = {"images": _images(folder), "neurons": 100, "warm": WARM, "measured": MEASURED, "threads": 1}
        except DataError as error:
            print(f"{title} is left out: {error}", file=sys.stderr)
            return []
        for turn in rounds(min(repeats, ROUNDS), title):
            for one in contenders:
                answers[one.name].append(one.answer({**spec, "seed": turn + 1}))
    rows: list[Row] = []
    for one in contenders:
        mine, others = answers[OURS], answers[one.name]
        if one.name != OURS:
            agree_on_digits(mine[0], others[0], one)
        pairs = [(per_presentation(a), per_presentation(b)) for a, b in zip(mine, others, strict=True)]
        rows.append(
            {
                "": one.name,
                "version": others[0]["version"],
                "ms per presentation": median(mean(theirs) for _, theirs in pairs) * 1e3,
                "times as long as ours": median(ratio(*pair) for pair in pairs) if one.name != OURS else None,
                "spikes per image": mean(others[0]["spikes"]),
                "mean threshold rise, mV": others[0]["theta"] - (20.0 if one.script != "diehl_cook_bindsnet" else 0.0),
                "before the first image, s": median(answer["build"] for answer in others),
            }
        )
    return [Result(title, rows, DIGITS_NOTE)]


DIGITS_NOTE = (
    "One image at a time on one thread, 350 ms and 150 ms of rest in steps of 0.5 ms; an image that is shown again for "
    "want of spikes counts as often. Brian2's C++ program has the loop over images inserted into its main function; "
    "with Cython the loop is Python's, as in the authors' program. BindsNET's network is a variation (no conductances, "
    "no delays, pair rule); its example takes 250 steps of 1 ms."
)

# CUBA-STDP.

BALANCED = (Contender(OURS, "cuba_stdp_spikeloom"), Contender("NEST", "cuba_stdp_nest", simulators))


def agree_on_balance(ours: Answer, theirs: Answer) -> None:
    """Over 0.3 s, rates scatter by 5 % from network to network; NEST's weights lack what came after the last spike."""
    for name in ("exc", "inh"):
        expect(f"CUBA-STDP, {name}, spikes/s", ours[name], theirs[name], 0.1)
    expect("CUBA-STDP, mean weight", ours["weights"]["mean"], theirs["weights"]["mean"], 0.005)
    expect("CUBA-STDP, deviation of weights", ours["weights"]["sd"], theirs["weights"]["sd"], 0.02)


def cuba_stdp(*, repeats: int) -> list[Result]:
    """Benchmark 5 of Brette et al. 2007: 11 250 neurons, 12.7 million synapses, 8.1 million of them plastic."""
    title = "CUBA-STDP, 11 250 neurons, 8.1 million plastic synapses"
    contenders = [one for one in BALANCED if one.installed()]
    rows = []
    for threads in (1, 2):
        spec = {"threads": threads, "settle": 200.0, "duration": 1000.0, "scale": 1.0}
        answers: dict[str, list[Answer]] = {one.name: [] for one in contenders}
        for turn in rounds(min(repeats, ROUNDS), f"{title}, {threads} threads"):
            for one in contenders:
                answers[one.name].append(one.answer({**spec, "seed": turn + 1}))
        if len(contenders) > 1:
            agree_on_balance(answers[OURS][0], answers["NEST"][0])
        rows.append(_balanced_row(threads, answers))
    return [Result(title, rows, "Seconds of wall time per biological second, after building and 200 ms.")]


def _balanced_row(threads: int, answers: Mapping[str, list[Answer]]) -> Row:
    row: Row = {"": "CUBA-STDP", "threads": threads}
    for label, name in (("ours", OURS), ("NEST", "NEST")):
        if found := answers.get(name):
            row[f"{label}, version"] = found[0]["version"]
            row[f"{label}, s/s"] = median(answer["run"] for answer in found)
            row[f"{label}, E spikes/s"] = found[0]["exc"]
            row[f"{label}, mean weight, pA"] = found[0]["weights"]["mean"]
            row[f"{label}, build s"] = median(answer["build"] for answer in found)
            row[f"{label}, peak GB"] = median(answer["peak"] for answer in found) / GIGABYTE
    both = zip(answers[OURS], answers.get("NEST", []), strict=False)
    ratios = [b["run"] / a["run"] for a, b in both]
    row["times faster"] = median(ratios) if ratios else None
    return row
