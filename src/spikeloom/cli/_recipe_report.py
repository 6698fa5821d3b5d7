"""What `spikeloom recipes` and `spikeloom run` print."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from spikeloom.cli._console import messages, output, show_note
from spikeloom.cli._recipe_progress import RecipeProgress
from spikeloom.errors import ParameterError, UnknownNameError
from spikeloom.recipes import Absent, Recipe, RecipeStopped, Result, catalogue, load, measured, reproduce
from spikeloom.recipes._bar import shown
from spikeloom.recipes._page import headline, standing
from spikeloom.settings import read_settings

_LONGEST = 99_999


def list_recipes(family: str, search: str, as_json: bool) -> None:
    """Those of a family that contain a word."""
    known = catalogue()
    chosen = [each for each in known.values() if family.lower() in each.family]
    if family and not chosen:
        raise UnknownNameError("family", family, {each.family for each in known.values()})
    chosen = sorted((each for each in chosen if search.lower() in _words(each)), key=lambda r: (r.family, r.name))
    if as_json:
        typer.echo(json.dumps([_listed(each) for each in chosen], indent=2, ensure_ascii=False))
        return
    if not chosen:
        show_note(f"None of {len(known)} recipes has {search!r} in it.")
        return
    table = Table("name", "row", "published", "claimed", "quick", "full", pad_edge=False)
    table.columns[0].no_wrap = True
    before = ""
    for each in chosen:
        if each.family != before:
            before = each.family
            table.add_section()
            table.add_row(f"[bold]{before}[/bold]")
        figures = [_figure(measured(each, form)) for form in ("quick", "full")]
        table.add_row(each.name, each.row, each.reference.short, each.claimed, *figures)
    output().print(table)


def _words(recipe: type[Recipe]) -> str:
    return " ".join((recipe.name, recipe.row, recipe.title, str(recipe.reference), recipe.claim)).lower()


def _figure(result: Result | None) -> str:
    if result is None:
        return "not measured"
    return f"{headline(result)}, {'works' if result.works else 'does not work'}"


def _listed(recipe: type[Recipe]) -> dict[str, Any]:
    said = {name: getattr(recipe, name) for name in ("name", "row", "family", "title", "claim", "claimed", "shown")}
    found = {form: result for form in recipe.forms() if (result := measured(recipe, form)) is not None}
    told = {form: json.loads(result.to_json()) for form, result in found.items()}
    return {**said, "stand-in": recipe.stand_in, "reference": str(recipe.reference), "measured": told}


def list_settings(name: str) -> None:
    """What may be chosen in a recipe, and what its forms choose."""
    recipe = load(name)
    forms = recipe.forms()
    table = Table("setting", "default", *forms, "values", "", title=recipe.title, title_justify="left", pad_edge=False)
    for key, each in recipe.settings().items():
        changed = [str(form.settings.get(key, "")) for form in forms.values()]
        table.add_row(key, f"{each.default}", *changed, each.described(), each.meaning)
    output().print(table if recipe.settings() else f"{recipe.name} has no settings.")


def carry_out(
    name: str,
    form: str,
    seeds: str | None,
    assignments: Sequence[str],
    *,
    out: Path | None,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Run a recipe and tell what it measured, also of the seeds before Ctrl-C. Raises: RecipeStopped."""
    recipe = load(name)
    form = recipe.shortest() if form == "smoke" else form
    settings = read_settings(recipe.name, recipe.settings(), assignments)
    chosen = None if seeds is None else read_seeds(seeds)
    options: dict[str, Any] = {"out": out, "resume": resume, "overwrite": overwrite}
    try:
        with RecipeProgress(messages()) as progress:
            result = reproduce(recipe, form, seeds=chosen, settings=settings, watch=progress, **options)
    except RecipeStopped as stopped:
        if stopped.result.seeds:
            tell(recipe, stopped.result, as_json)
        raise
    tell(recipe, result, as_json)
    if out is not None:
        show_note(f"Folder: {out}")


def read_seeds(text: str) -> tuple[int, ...]:
    """`0-2,7` is 0, 1, 2, 7. Raises: ParameterError."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if match is None or int(match[2] or match[1]) - int(match[1]) > _LONGEST:
            raise ParameterError("--seeds", expected="whole numbers and ranges, such as 0-9 or 1,4", got=repr(text))
        found.extend(range(int(match[1]), int(match[2] or match[1]) + 1))
    return tuple(found)


def tell(recipe: type[Recipe], result: Result, as_json: bool) -> None:
    """Print figures and verdicts."""
    if as_json:
        typer.echo(result.to_json())
        return
    title = f"{recipe.title}, row {recipe.row}, {recipe.reference.short}"
    table = Table("figure", "measured", "bar", "", title=title, title_justify="left", pad_edge=False)
    for verdict in result.verdicts:
        colour = "green" if verdict.reached else "red"
        row = (verdict.bar.figure, str(verdict.measured), verdict.bar.described())
        table.add_row(*row, f"[{colour}]{verdict}[/{colour}]")
    judged = {verdict.bar.figure for verdict in result.verdicts}
    levels = {
        level: what
        for what, level in (("control", result.control), ("chance", result.chance))
        if isinstance(level, str)
    }
    for figure, spread in result.figures.items():
        if figure not in judged or figure in levels:
            table.add_row(figure, str(spread), levels.get(figure, ""), "")
    if isinstance(result.chance, int | float):
        table.add_row("chance", shown(result.chance), "", "")
    console = output()
    console.print(table)
    for line in _lines(recipe, result):
        console.print(line, soft_wrap=True, markup=False)


def _lines(recipe: type[Recipe], result: Result) -> list[str]:
    found = [f"{standing(result).capitalize()}."]
    found += [f"{what}: none, {level.why}" for what, level in _levels(result) if isinstance(level, Absent)]
    if recipe.claimed:
        found.append(f"claimed: {recipe.claimed}")
    if recipe.stand_in:
        found.append(f"a stand-in: {recipe.stand_in}")
    found += [
        f"why {v.bar.figure} misses its bar: {v.bar.missed}" for v in result.verdicts if v.bar.missed and not v.reached
    ]
    seeds = ", ".join(map(str, result.seeds))
    return [*found, *result.notes, f"{result.form}, seeds {seeds}, {result.seconds:.3g} s"]


def _levels(result: Result) -> tuple[tuple[str, Any], ...]:
    return ("chance", result.chance), ("control", result.control)
