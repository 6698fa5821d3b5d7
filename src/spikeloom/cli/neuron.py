"""`spikeloom neurons` lists the catalogue, `spikeloom neuron NAME` runs one of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

import spikeloom as sl
from spikeloom.cli._console import output, show_note
from spikeloom.errors import ParameterError, UnknownNameError
from spikeloom.parameters import Preset
from spikeloom.report._figure import save_figure
from spikeloom.report.catalogue import catalogue
from spikeloom.report.model_page import subject, summary
from spikeloom.report.neuron import draw_neuron
from spikeloom.report.neuron_run import Run, run_neuron


def neurons(
    family: Annotated[str, typer.Option(help="Only families whose name contains this.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the neurons and synapses of the catalogue."""
    found = {name: neuron for name, neuron in catalogue().items() if family.lower() in neuron.family}
    if not found:
        raise UnknownNameError("family", family, {neuron.family for neuron in catalogue().values()})
    if as_json:
        rows = [_listed(name, neuron) for name, neuron in found.items()]
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table("name", "family", "presets", "", pad_edge=False)
    for column in table.columns[:3]:
        column.no_wrap = True
    for name, neuron in found.items():
        presets = len(type(neuron).presets)
        table.add_row(name, neuron.family, str(presets) if presets else "", summary(subject(name, neuron)))
    output().print(table)


def _listed(name: str, neuron: sl.Neuron) -> dict[str, Any]:
    parameters = {n: {"default": p.default, "unit": p.unit, "meaning": p.meaning} for n, p in neuron.params.items()}
    about = {"name": name, "family": neuron.family, "meaning": summary(subject(name, neuron))}
    return {**about, "presets": list(type(neuron).presets), "parameters": parameters}


def neuron(
    name: Annotated[str, typer.Argument(help="A neuron of the catalogue, such as AdEx.")],
    preset: Annotated[str, typer.Option(help="A named set of published parameters.")] = "",
    current: Annotated[float | None, typer.Option(help="Constant input, in the unit of the model's input.")] = None,
    duration: Annotated[float | None, typer.Option(help="Time in ms; the input flows from 10 % to 90 % of it.")] = None,
    dt: Annotated[float | None, typer.Option(help="Time step in ms.")] = None,
    values: Annotated[list[str] | None, typer.Option("--set", help="A parameter, such as tau_mem=10.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture to write: .png, .pdf or .svg.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Run one neuron under a step of current: its spikes, its rate and, with --plot, its picture."""
    chosen = _chosen(name, preset)
    given = {**dict(_assignment(text) for text in values or ()), **({} if dt is None else {"dt": dt})}
    for parameter, value in given.items():
        if parameter not in chosen.params:
            raise UnknownNameError(f"{name} has no parameter {parameter!r}", parameter, chosen.params)
        setattr(chosen, parameter, value)
    known = type(chosen).presets.get(preset, Preset({}, source=""))
    current = known.drive if current is None else current
    duration = known.duration if duration is None else duration
    run = run_neuron(chosen, i=current, duration=duration, seed=seed)
    if as_json:
        typer.echo(
            json.dumps({"neuron": repr(chosen), **_measured(chosen, run), "spike times, ms": run.spike_times.tolist()})
        )
    else:
        output().print(_told(chosen, run))
    if plot is not None:
        _save(draw_neuron(chosen, i=current, duration=duration), plot)


def _chosen(name: str, preset: str) -> sl.Neuron:
    known = catalogue()
    if name not in known:
        near = {each.lower(): each for each in known}
        if name.lower() not in near:
            raise UnknownNameError("neuron", name, known)
        name = near[name.lower()]
    return type(known[name]).preset(preset) if preset else known[name]


def _assignment(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise ParameterError(
            "--set", expected="NAME=NUMBER", got=repr(text), do="for example --set tau_mem=10"
        ) from None


def _measured(neuron: sl.Neuron, run: Run) -> dict[str, float | int]:
    intervals = run.intervals
    found: dict[str, float | int] = {"spikes": len(run.spike_times), "rate, 1/s": run.rate}
    if len(run.spike_times):
        found["first spike, ms"] = float(run.spike_times[0])
    if len(intervals):
        found["mean interval, ms"] = float(intervals.mean())
    if len(intervals) > 1:
        found["CV of intervals"] = float(intervals.std() / intervals.mean())
    if not neuron.spiking:
        found = {f"{neuron.output} at the end of the input": float(run.output[run.drive != 0][-1:].sum())}
    return found


def _told(neuron: sl.Neuron, run: Run) -> Table:
    table = Table(title=repr(neuron), show_header=False)
    for label, value in _measured(neuron, run).items():
        table.add_row(label, f"{value:.5g}")
    for name, trace in run.states.items():
        low, high = float(trace.double().min()), float(trace.double().max())
        table.add_row(f"{name}, {neuron.states[name].unit}", f"{low:.5g} to {high:.5g}")
    return table


def _save(figure: Any, path: Path) -> None:
    if path.suffix not in (".png", ".pdf", ".svg"):
        raise ParameterError("--plot", expected="a name that ends in .png, .pdf or .svg", got=str(path))
    if not path.parent.is_dir():
        raise ParameterError("--plot", expected="a folder that exists", got=str(path.parent), do="make it first")
    if path.suffix == ".png":
        save_figure(figure, path)
    else:
        figure.savefig(path)
    show_note(f"wrote {path}")
