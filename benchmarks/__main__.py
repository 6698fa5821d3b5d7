"""Run the benchmarks, print their tables, keep them as JSON: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numba
import torch
from rich.console import Console

from benchmarks import (
    accuracy,
    catalogue,
    conversion,
    inference,
    lif,
    linearity,
    machine,
    memory,
    onm,
    peak_memory,
    plasticity,
    readme,
    simulation,
    simulation_scaling,
    simulation_statistics,
    startup,
    torch_compile,
    training_step,
)
from benchmarks.agreement import DisagreementError
from benchmarks.contenders import PEERS, installed
from benchmarks.networks import TASKS
from benchmarks.tables import Result, markdown, print_table

BENCHMARKS: dict[str, Callable[..., list[Result]]] = {
    "lif": lif.run,
    "torch_compile": torch_compile.run,
    "catalogue": catalogue.run,
    "linearity": linearity.run,
    **{name: partial(training_step.run, task) for name, task in TASKS.items()},
    "inference": inference.run,
    "onm": onm.run,
    "memory": memory.run,
    "peak_memory": peak_memory.run,
    "startup": startup.run,
    "accuracy": accuracy.run,
    "simulation": simulation.run,
    "simulation_scaling": simulation_scaling.run,
    "simulation_full": simulation.run_full,
    "simulation_statistics": simulation_statistics.run,
    "plasticity_diehl_cook": plasticity.diehl_cook,
    "plasticity_cuba_stdp": plasticity.cuba_stdp,
    **{f"conversion_{name}": partial(conversion.accuracy, name) for name in conversion.NETWORKS},
    "conversion_speed": conversion.speed,
}
# Only when asked for: they take many minutes, and one of the peers 15 GB.
LARGE = ("simulation_full", "conversion_cnn", "conversion_vgg", "conversion_resnet", "conversion_speed")
AUTOMATIC = Path()  # --json without a path: a file named after date and machine


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    usual = [name for name in BENCHMARKS if name not in LARGE]
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=usual, metavar="NAME")
    parser.add_argument("--repeats", type=int, default=9, help="rounds of every timing (default: 9)")
    parser.add_argument("--threads", type=int, default=2, help="threads for everything (default: 2)")
    parser.add_argument("--json", type=Path, nargs="?", const=AUTOMATIC, help="write the results to PATH")
    parser.add_argument("--readme", action="store_true", help="only rewrite README.md's speed block from the results")
    return parser.parse_args()


def _limit_threads(threads: int) -> None:
    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    # For the fresh processes that start-up is measured in.
    os.environ |= {"OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)}


def _write(path: Path, where: dict[str, object], results: dict[str, list[Result]]) -> Path:
    if path == AUTOMATIC:
        path = readme.RESULTS / f"{machine.slug(where)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    # A run of some benchmarks replaces their results alone.
    before = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else {}
    found = {name: [asdict(r) for r in parts] for name, parts in results.items()}
    known = {name: {**before, **found}[name] for name in BENCHMARKS if name in before or name in found}
    text = json.dumps({"machine": where, "results": known}, indent=1, ensure_ascii=False) + "\n"
    whole = path.with_suffix(".part")
    whole.write_text(text, encoding="utf-8")
    whole.replace(path)
    return path


def main() -> None:
    arguments = _arguments()
    if arguments.readme:
        readme.rewrite()
        return
    warnings.filterwarnings("ignore", module="spikingjelly|snntorch|norse")
    logging.getLogger("torch").setLevel(logging.ERROR)
    _limit_threads(arguments.threads)
    console = Console(width=None if sys.stdout.isatty() else 160)
    where = machine.describe()
    console.print_json(data=where)
    if isinstance(load := where["load"], float) and load > machine.BUSY:
        console.print(f"[bold red]The machine is busy (load {load}): do not quote these times.")
    for name in [peer for peer in PEERS if peer not in installed()]:
        console.print(f"[bold red]{name} is not installed and is left out. Install it: make peers")
    if simulation.simulators() is None:
        console.print("[bold red]NEST and Brian2 are not installed and are left out: make peers-simulation")
    if plasticity.bindsnet() is None:
        console.print("[bold red]BindsNET is not installed and is left out: make peers-plasticity")
    results, written = {}, None
    for name in arguments.only:
        results[name] = BENCHMARKS[name](repeats=arguments.repeats)
        if arguments.json is not None:
            written = _write(arguments.json, where, results)
        for result in results[name]:
            print_table(result, console)
    console.rule("the same in Markdown")
    print("\n\n".join(markdown(result) for found in results.values() for result in found))
    if written is not None:
        console.print(f"written: {written}")


try:
    main()
except DisagreementError as error:
    sys.exit(f"error: {error}")
