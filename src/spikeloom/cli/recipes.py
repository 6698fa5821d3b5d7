"""`spikeloom recipes` lists the published systems, `spikeloom run NAME` runs one and judges it by its bars."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikeloom.errors import ParameterError


def recipes(
    family: Annotated[str, typer.Option(help="Only families whose name contains this.")] = "",
    search: Annotated[str, typer.Option(help="Only recipes with this in name, title, reference or claim.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the published systems with what they claim and what was measured here."""
    from spikeloom.cli import _recipe_report as report

    report.list_recipes(family, search, as_json)


def run(
    name: Annotated[str, typer.Argument(help="A recipe, such as rank-order-digits, or a file with one of yours.")],
    full: Annotated[
        bool, typer.Option("--full", help="The form that the claim needs, instead of the quick one.")
    ] = False,
    smoke: Annotated[bool, typer.Option("--smoke", help="The shortest form there is.")] = False,
    seeds: Annotated[str | None, typer.Option(help="Such as 0-9 or 1,4. (default: by recipe)")] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the recipe, such as epochs=5.")
    ] = None,
    settings: Annotated[bool, typer.Option("--settings", help="List the recipe's settings and leave.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for result.json, report.md and pictures.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Run the seeds that the result in --out has not.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the result in --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Run a published system: its figures beside their bars, chance and control.

    Ctrl-C keeps the seeds that are done. With --out, the same command with --resume goes on from there.
    """
    # Imported here because `spikeloom --help` must not wait for it.
    from spikeloom.cli import _recipe_report as report

    if full and smoke:
        raise ParameterError("--full and --smoke", expected="one of them", got="both")
    if settings:
        report.list_settings(name)
        return
    form = "full" if full else "smoke" if smoke else "quick"
    report.carry_out(name, form, seeds, values or (), out=out, resume=resume, overwrite=overwrite, as_json=as_json)
