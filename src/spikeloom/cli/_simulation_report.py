"""What `spikeloom simulate` prints and writes: models, settings, rates beside the published ones, speed, memory."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import typer
from rich.table import Table

from spikeloom.cli._console import output, show_note
from spikeloom.cli._simulation import Simulation, peak_memory
from spikeloom.network import Result, analysis
from spikeloom.network.models import Model, catalogue


def list_models(as_json: bool) -> None:
    known = catalogue()
    if as_json:
        rows = [
            {
                "name": name,
                "meaning": model.meaning(),
                "source": model.source,
                "settings": {
                    key: {"default": each.default, "unit": each.unit, "meaning": each.meaning}
                    for key, each in model.settings().items()
                },
            }
            for name, model in known.items()
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    longest = max(map(len, known))
    for name, model in known.items():
        output().print(f"{name:{longest}}  {model.meaning()}", soft_wrap=True, markup=False)


def list_settings(model: type[Model]) -> None:
    table = Table("setting", "default", "values", "", title=model.meaning(), pad_edge=False)
    for name, each in model.settings().items():
        table.add_row(name, "" if each.default is None else f"{each.default}", each.described(), each.meaning)
    output().print(table)


def tell(run: Simulation, result: Result, seconds: float, as_json: bool) -> None:
    """Print and write what was found; draw."""
    summary = _summary(run, result, seconds)
    if run.folder is not None:
        run.folder.write_summary(summary)
        run.folder.draw(result)
    if as_json:
        typer.echo(json.dumps(summary))
        return
    output().print(_table(run, summary))
    for source in dict.fromkeys(found["source"] for found in summary["populations"].values() if "source" in found):
        output().print(f"published: {source}", soft_wrap=True)
    speed = summary["speed"]
    words = [
        f"{summary['simulated, ms']:,.0f} ms in {summary['simulation, s']:.2f} s",
        *([f"{speed:.3g} x real time"] if speed else []),
        f"built in {summary['build, s']:.2f} s",
        f"synapses {summary['synapses, MB']:,.4g} MB",
        *([f"process {summary['peak memory, MB']:,.0f} MB"] if summary["peak memory, MB"] else []),
    ]
    output().print(", ".join(words), soft_wrap=True)
    if run.folder is not None:
        show_note(f"Run folder: {run.folder.path}")


def _summary(run: Simulation, result: Result, seconds: float) -> dict[str, Any]:
    expected = run.model.expected
    populations: dict[str, Any] = {}
    for name, trains in result.spikes.items():
        variation = analysis.cv(trains)
        finite = variation[variation == variation]
        populations[name] = {
            "neurons": len(trains.recorded),
            "rate, 1/s": trains.rate,
            "CV of intervals": float(finite.mean()) if len(finite) else None,
        }
        if name in expected:
            known = expected[name]._asdict()
            populations[name] |= {"published, 1/s": known["rate"], "source": known["source"]}
    return {
        "model": run.config.model,
        "settings": asdict(run.model),
        "seed": run.config.seed,
        "from, ms": result.start,
        "to, ms": result.stop,
        "populations": populations,
        "simulated, ms": run.simulated,
        "simulation, s": run.seconds,
        "build, s": run.build_seconds,
        "total, s": seconds,
        "speed": run.simulated / run.seconds * 1e-3 if run.seconds else None,
        "synapses, MB": run.synapse_bytes / 1e6,
        "peak memory, MB": peak_memory(),
    }


def _table(run: Simulation, summary: dict[str, Any]) -> Table:
    populations = summary["populations"]
    title = f"{run.model!r}, seed {run.config.seed}, {summary['from, ms']:g} to {summary['to, ms']:g} ms"
    known = any("published, 1/s" in found for found in populations.values())
    table = Table("population", title=title, title_justify="left", pad_edge=False)
    for label in ("neurons", "rate, 1/s", "CV", *(["published, 1/s"] if known else [])):
        table.add_column(label, justify="right")
    for name, found in populations.items():
        variation = found["CV of intervals"]
        row = [
            name,
            f"{found['neurons']:,}",
            f"{found['rate, 1/s']:.2f}",
            "" if variation is None else f"{variation:.2f}",
        ]
        if known and "published, 1/s" in found:
            row.append(f"{found['published, 1/s']:.2f}")
        table.add_row(*row)
    return table
