"""Every recipe: declared in full, measured, on its page, and its shortest form works as it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from spikeloom.errors import DataError
from spikeloom.recipes import FAMILIES, Recipe, catalogue, check_recipe, measured, names
from spikeloom.recipes._measured import RESULTS, stale
from spikeloom.recipes._page import index_page, pictures_of, recipe_page

DOCS = Path(__file__).parents[2] / "docs"
DO = "python docs/make.py recipes"
# Seconds that the shortest form may have taken where it was measured: all of them are run by every test of a change.
SHORT = 20.0
# The same for being run once more, to see that it gives the same figures.
REPEATED = 3.0

every_recipe = pytest.mark.parametrize("name", names())
every_form = pytest.mark.parametrize("form", ["quick", "full"])


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tests share the cores already; threads that wait for each other on a busy one take many times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def known() -> dict[str, type[Recipe]]:
    return catalogue()


@pytest.mark.recipe
@every_recipe
def test_shortest_form(name: str, known: dict[str, type[Recipe]]) -> None:
    try:
        # What gave figures in little time gives them again.
        kept = measured(known[name], known[name].shortest())
        check_recipe(known[name], repeat=kept is not None and kept.seconds < REPEATED)
    except DataError as missing:
        if "SPIKELOOM_DATA" in os.environ:
            raise
        pytest.skip(f"SPIKELOOM_DATA is not set: {missing}")


@every_recipe
def test_declarations(name: str, known: dict[str, type[Recipe]]) -> None:
    recipe = known[name]
    assert recipe.name == name
    assert recipe.family in FAMILIES
    for text in (recipe.claim, recipe.shown, recipe.stand_in or "."):
        assert text.rstrip().endswith("."), "a sentence"


@every_form
@every_recipe
def test_figures_are_those_of_the_recipe(name: str, form: str, known: dict[str, type[Recipe]]) -> None:
    result = measured(known[name], form)
    if result is None:
        pytest.skip("not measured yet: make reproduce")
    assert (result.recipe, result.form) == (name, form)
    assert stale(known[name], result) == "", f"python docs/reproduce.py {name}"
    for verdict in result.verdicts:
        assert verdict.reached != bool(verdict.bar.missed), f"{verdict.bar.figure} is {verdict}; missed says why"
    if form == "quick" and known[name].smoke is None:
        assert result.seconds < SHORT, "give it a smoke form"


def test_no_figure_without_a_recipe() -> None:
    expected = {f"{name}-{form}.json" for name in names() for form in ("quick", "full")}
    assert {path.name for path in RESULTS.glob("*")} <= expected


def test_the_table_in_the_docs(known: dict[str, type[Recipe]]) -> None:
    assert (DOCS / "recipes.md").read_text(encoding="utf-8") == index_page(known), DO
    pages = {path.stem for path in (DOCS / "recipes").glob("*.md")}
    assert pages == set(known), DO


@every_recipe
def test_the_page_in_the_docs(name: str, known: dict[str, type[Recipe]]) -> None:
    page = recipe_page(known[name], pictures_of(DOCS / "recipes", name))
    assert (DOCS / "recipes" / f"{name}.md").read_text(encoding="utf-8") == page, DO


def test_listing_imports_nothing_that_takes_long() -> None:
    code = (
        "import sys, spikeloom.recipes as r; r.catalogue()\n"
        "print([m for m in ('spikeloom.network', 'matplotlib', 'sklearn', 'scipy', 'pandas') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]", "import it within measure"
