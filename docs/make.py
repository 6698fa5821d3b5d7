"""Write the pages that are made from the code: `make docs`."""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.progress import track

from spikeloom.coding import catalogue as codes
from spikeloom.plasticity import catalogue as rules
from spikeloom.recipes import catalogue as recipes
from spikeloom.recipes._page import write_pages as write_recipes
from spikeloom.report import write_codes
from spikeloom.report._figure import save_figure
from spikeloom.report.catalogue import catalogue
from spikeloom.report.model_page import write_pages
from spikeloom.report.rules_page import write_rules

FOLDER = Path(__file__).resolve().parent


def main() -> None:
    """All pages, or those of the parts that are named: `python docs/make.py recipes`."""
    parts = {"models": _models, "codes": _codes, "recipes": _recipes, "rules": _rules, "pictures": _pictures}
    for name in sys.argv[1:] or parts:
        if name not in parts:
            raise SystemExit(f"{name}: no part of the docs; there are {', '.join(parts)}")
        parts[name]()


def _models() -> None:
    models = catalogue()
    for _ in track(write_pages(models, FOLDER / "models"), "models", len(models)):
        pass


def _codes() -> None:
    for _ in track(write_codes(FOLDER), "codes", len(codes()) + 1):
        pass


def _recipes() -> None:
    for _ in track(write_recipes(recipes(), FOLDER), "recipes", len(recipes())):
        pass


def _rules() -> None:
    write_rules(rules(), FOLDER)


def _pictures() -> None:
    """Of pages that are written by hand."""
    save_figure(_made_by("cables.md")["figure"], FOLDER / "cable.png", dpi=80, colours=64)
    simulation = _made_by("simulation.md")
    for name in ("raster", "connectivity"):
        save_figure(simulation[name], FOLDER / f"simulation-{name}.png", dpi=80, colours=64)
    save_figure(_made_by("plasticity.md")["window"], FOLDER / "plasticity-window.png", dpi=80, colours=64)


def _made_by(page: str) -> dict[str, Any]:
    """What the code of a page defines; files that it writes are not kept."""
    names: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for code in re.findall(r"```python\n(.*?)```", (FOLDER / page).read_text(encoding="utf-8"), re.DOTALL):
            exec(code, names)
    return names


if __name__ == "__main__":
    main()
