"""Measure the recipes and keep their figures in `src/spikeloom/recipes/results`: `make reproduce`.

What was measured with the same code, settings and seeds is not measured again. Stopped, it goes on with the seeds that
are missing. `make docs`, or `docs/make.py recipes`, then makes the pages.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from PIL import Image

from spikeloom.cli._console import messages, output, show_error
from spikeloom.cli._recipe_progress import RecipeProgress
from spikeloom.errors import CheckpointError, SpikeloomError
from spikeloom.recipes import Recipe, Result, catalogue, load, measured, reproduce
from spikeloom.recipes._measured import path_of, stale
from spikeloom.recipes._page import headline, standing

ROOT = Path(__file__).resolve().parents[1]
RUNS, PICTURES = ROOT / "runs" / "recipes", ROOT / "docs" / "recipes"


def main() -> None:
    """Measure what is missing or stale."""
    parser = argparse.ArgumentParser(description="Measure the recipes and keep their figures.")
    parser.add_argument("names", nargs="*", help="recipes; all where none is given")
    parser.add_argument("--form", action="append", choices=("quick", "full"), help="only this form")
    parser.add_argument("--again", action="store_true", help="also what is measured already")
    chosen = parser.parse_args()
    recipes = [load(name) for name in chosen.names] or list(catalogue().values())
    failed = False
    for recipe in recipes:
        for form in chosen.form or ("quick", "full"):
            before = measured(recipe, form)
            if before is not None and not stale(recipe, before) and not chosen.again:
                continue
            try:
                keep(recipe, measure(recipe, form, again=chosen.again))
            except SpikeloomError as error:
                # For example a data set that is not here; the others need not wait for it.
                show_error(str(error), title=f"{recipe.name}, {form}")
                failed = True
    raise SystemExit(failed)


def measure(recipe: type[Recipe], form: str, *, again: bool) -> Result:
    """Run a form, or its missing seeds."""
    folder = RUNS / f"{recipe.name}-{form}"
    messages().print(f"{recipe.name}, {form}")
    with RecipeProgress(messages()) as progress:
        if folder.exists() and not again:
            try:
                return reproduce(recipe, form, out=folder, resume=True, watch=progress)
            except CheckpointError:
                pass
        return reproduce(recipe, form, out=folder, overwrite=True, watch=progress)


def keep(recipe: type[Recipe], result: Result) -> None:
    """Put figures into the package and pictures, of few colours, into the docs; those of the full form win."""
    folder = RUNS / f"{recipe.name}-{result.form}"
    shutil.copyfile(folder / "result.json", path_of(recipe.name, result.form))
    drawn = sorted(folder.glob("*.png"))
    if drawn:
        PICTURES.mkdir(parents=True, exist_ok=True)
        for old in PICTURES.glob(f"{recipe.name}--*.png"):
            old.unlink()
    for path in drawn:
        with Image.open(path) as picture:
            few = picture.convert("RGB").quantize(48)
        few.save(PICTURES / f"{recipe.name}--{path.name}", format="png", optimize=True)
    output().print(
        f"{recipe.name}, {result.form}: {headline(result)}, {standing(result)}", soft_wrap=True, markup=False
    )


if __name__ == "__main__":
    main()
