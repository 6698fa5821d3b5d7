"""`spikeloom doctor`: the machine, the cache of kernels, and every back end timed and checked against the reference."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from spikeloom.cli import _diagnosis
from spikeloom.cli._console import messages, output, show_error
from spikeloom.compile._object_code import cache_folder, prune


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    clear_cache: Annotated[bool, typer.Option("--clear-cache", help="Only remove all compiled kernels.")] = False,
) -> None:
    """Look at this machine, and check and time a kernel on each back end; exit with 1 if one is wrong."""
    if clear_cache:
        output().print(f"{prune(limit=0)} kernels removed from {cache_folder()}")
        return
    with messages().status("checking every back end ..."):
        checks = list(_diagnosis.checks())
    failed = [check for check in checks if check.failed]
    # After the checks, which may have filled it.
    found: dict[str, Any] = {
        "versions": _diagnosis.versions(),
        "machine": _diagnosis.machine(),
        "cache": _diagnosis.cache(),
    }
    if as_json:
        typer.echo(json.dumps({**found, "checks": [asdict(check) for check in checks], "ok": not failed}))
    else:
        output().print(_facts(found), _table(checks))
        for check in checks:
            if check.unsupported:
                output().print(f"{check.backend} on {check.device}: {check.unsupported}")
    for check in failed:
        show_error(_what_failed(check), title=f"{check.backend} on {check.device}")
    if failed:
        raise typer.Exit(1)


def _facts(found: dict[str, Any]) -> Table:
    machine, cache = found["machine"], found["cache"]
    table = Table(show_header=False, box=None)
    lines = {
        "versions": ", ".join(f"{name} {number}" for name, number in found["versions"].items()),
        "system": machine["system"],
        "processor": machine["processor"],
        "features": ", ".join(machine["features"]) or "none of those that matter",
        "threads": f"{machine['threads']} of {machine['cores']} cores",
        "devices": ", ".join(machine["devices"]),
        "cache": f"{cache['folder']}: {cache['kernels']} kernels, {cache['bytes'] / 1e6:.1f} MB",
    }
    if cache["not_writable"]:
        lines["warning"] = f"the cache cannot be written ({cache['not_writable']}): every process compiles anew"
    for name, text in lines.items():
        table.add_row(name, text)
    return table


def _table(checks: list[_diagnosis.Check]) -> Table:
    table = Table(title="LIF, 16 steps of 65 542 neurons, forward and backward")
    for heading in ("back end", "device", "first call, s", "ms", "spikes apart", "gradient error", ""):
        table.add_column(heading)
    for check in checks:
        figures = (check.first_call_s, check.milliseconds, check.spikes_differing, check.gradient_error)
        verdict = "[red]wrong[/]" if check.failed else "not here" if check.unsupported else "[green]right[/]"
        cells = ["–" if figure is None else f"{figure:.3g}" for figure in figures]
        table.add_row(check.backend, check.device, *cells, verdict)
    return table


def _what_failed(check: _diagnosis.Check) -> str:
    if check.error:
        return check.error
    return (
        f"The kernel computes something else than the reference: expected at most {_diagnosis.SPIKES:g} of the spikes "
        f"to differ and a gradient error of at most {_diagnosis.GRADIENT:g}, got {check.spikes_differing:.2g} and "
        f"{check.gradient_error:.2g}. Clear the cache (spikeloom doctor --clear-cache) and try again; if it stays, "
        f'use sl.backend("reference") and report it with the output of spikeloom doctor --json.'
    )
