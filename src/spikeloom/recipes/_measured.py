"""The figures that are kept with the project: `results/NAME-FORM.json`, written by `make reproduce` alone."""

from __future__ import annotations

from pathlib import Path

from ._code import code_of
from ._recipe import Recipe
from ._result import Result

RESULTS = Path(__file__).parent / "results"


def path_of(name: str, form: str) -> Path:
    """Where the figures of a recipe are."""
    return RESULTS / f"{name}-{form}.json"


def measured(recipe: type[Recipe], form: str) -> Result | None:
    """What was measured last, judged by the bars of today; None where nothing was."""
    path = path_of(recipe.name, form)
    return Result.load(path).judged_by(recipe) if path.is_file() else None


def stale(recipe: type[Recipe], result: Result) -> str:
    """Why the figures are not those of the recipe as it is now; empty where they are."""
    form = recipe.form(result.form)
    made = recipe(**form.settings)
    if result.settings != {name: getattr(made, name) for name in recipe.settings()}:
        return "settings have changed"
    if tuple(result.seeds) != tuple(sorted(form.seeds)):
        return "seeds have changed"
    return "the code has changed" if result.code != code_of(recipe) else ""
