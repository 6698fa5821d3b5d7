"""Run a recipe: every seed, kept as soon as it is done."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from .._machine import this_machine, versions
from ..errors import ParameterError, UnknownNameError
from ._catalogue import load
from ._code import code_of
from ._folder import RecipeFolder
from ._form import check_seeds
from ._recipe import Recipe
from ._result import Result, SeedResult
from ._run import Run, Watch


class RecipeStopped(KeyboardInterrupt):
    """Ctrl-C: the result of the seeds that were done, and the folder in which it can go on, if there is one."""

    def __init__(self, result: Result, folder: Path | None) -> None:
        super().__init__(f"{result.recipe} stopped after {len(result.seeds)} seeds")
        self.result, self.folder = result, folder


def reproduce(
    recipe: type[Recipe] | str,
    form: str = "quick",
    *,
    seeds: Iterable[int] | None = None,
    settings: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    watch: Watch | None = None,
) -> Result:
    """Measure a form of a recipe, by default with the form's own seeds, and judge it by its bars.

    `settings` replace those of the form. `out` is a folder for `result.json`, written after each seed, `report.md` and
    pictures of the first seed; with `resume`, seeds that are there are not run again.
    Raises: UnknownNameError, ParameterError, CheckpointError (a folder that has another run), RecipeStopped (Ctrl-C).
    """
    kind = load(recipe) if isinstance(recipe, str) else recipe
    result = _begun(kind, form, settings or {})
    wanted = kind.form(form).seeds if seeds is None else check_seeds("seeds", seeds)
    folder = None if out is None else RecipeFolder(Path(out))
    if folder is not None:
        result = folder.begin(kind, result, resume=resume, overwrite=overwrite)
    elif resume:
        raise ParameterError("resume", expected="out, the folder of the run", got="none")
    return _seeds(kind, result, wanted, folder, watch or Watch())


def _seeds(
    kind: type[Recipe], result: Result, wanted: Sequence[int], folder: RecipeFolder | None, watch: Watch
) -> Result:
    """Each seed that is missing, kept when it is done. Raises: RecipeStopped."""
    recipe = kind(**result.settings)
    todo = [seed for seed in wanted if seed not in result.seeds]
    for number, seed in enumerate(todo):
        try:
            run, done = _measured(recipe, seed, number, len(todo), watch)
            _require_same_figures(result, seed, done)
            result = replace(result, seeds=dict(sorted({**result.seeds, seed: done}.items())), date=_today())
            if folder is not None:
                folder.keep(kind, result, run.pictures if seed == wanted[0] else {})
        except KeyboardInterrupt:
            if folder is not None:
                # It may have come while this was being written.
                folder.keep(kind, result, {})
            raise RecipeStopped(result, folder.path if folder else None) from None
    return result


def _begun(recipe: type[Recipe], form: str, settings: Mapping[str, Any]) -> Result:
    chosen = recipe.form(form)
    for name in settings:
        if name not in recipe.settings():
            raise UnknownNameError(f"{recipe.name} has no setting {name!r}", name, recipe.settings())
    # Made once to be checked: the values are then in their kind.
    made = recipe(**{**chosen.settings, **settings})
    return Result(
        recipe=recipe.name,
        form=form,
        settings={name: getattr(made, name) for name in recipe.settings()},
        bars=chosen.bars,
        chance=recipe.chance,
        control=recipe.control,
        seeds={},
        date=_today(),
        machine=this_machine(),
        versions=versions(),
        code=code_of(recipe),
    )


def _measured(recipe: Recipe, seed: int, number: int, total: int, watch: Watch) -> tuple[Run, SeedResult]:
    run = Run(seed, watch=watch)
    watch.begin(seed, number, total)
    began = time.perf_counter()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        found = recipe.measure(run)
    seconds = round(time.perf_counter() - began, 3)
    figures = {str(name): _figure(recipe, name, value) for name, value in found.items()}
    watch.end(seed, figures, seconds)
    return run, SeedResult(figures, seconds, tuple(run.notes))


def _figure(recipe: Recipe, name: object, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        raise ParameterError(f"{recipe.name}: figure {name!r}", expected="a number", got=repr(value)) from None


def _require_same_figures(result: Result, seed: int, done: SeedResult) -> None:
    before = next(iter(result.seeds.values()), done).figures
    if set(before) != set(done.figures):
        expected, got = (", ".join(map(repr, sorted(names))) for names in (before, done.figures))
        raise ParameterError(f"{result.recipe}: figures of seed {seed}", expected=expected, got=got)
    named = [bar.figure for bar in result.bars] + [x for x in (result.chance, result.control) if isinstance(x, str)]
    for name in named:
        if name not in done.figures:
            raise UnknownNameError(f"{result.recipe}: figure that is not measured", name, done.figures)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
