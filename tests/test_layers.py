"""Imports point down only: no place of the package knows one that stands above it or beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "spikeloom"
ROOT = "__init__"

# From the ground up. A place may import the places on lower lines, and itself.
HOUSE = (
    ("errors", "_machine", "_pictures"),
    ("parameters", "settings"),
    ("surrogate", "random"),
    ("compile",),
    ("neurons", "products"),
    ("plasticity", "synapses"),
    ("coding", "events", "datasets"),
    ("nn", "network"),
    ("training",),
    ("control", "conversion", "learning", "search"),
    ("hardware",),
    ("report",),
    (ROOT,),
    ("recipes", "lab", "pynn"),
    ("cli",),
    ("__main__",),
)
RANK = {place: rank for rank, places in enumerate(HOUSE) for place in places}


def place_of(file: Path, package: Path) -> str:
    return file.relative_to(package).parts[0].removesuffix(".py")


def imported_modules(tree: ast.AST, module: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and dotted name of every import in the file, those inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, tuple(name.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = module[: len(module) - node.level] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            for name in node.names:
                yield node.lineno, (*base, name.name)


def violations(package: Path) -> list[str]:
    """Every import of the package that does not point down, and every place that the table does not know."""
    found = []
    for file in sorted(package.rglob("*.py")):
        here = place_of(file, package)
        where = file.relative_to(package.parent)
        if here not in RANK:
            found.append(f"{where}: {here!r} has no rank: add it to HOUSE in {Path(__file__).name}")
            continue
        module = where.with_suffix("").parts
        for line, target in imported_modules(ast.parse(file.read_text(encoding="utf-8")), module):
            if target[0] != package.name:
                continue
            place = target[1] if len(target) > 1 and target[1] in RANK else ROOT
            if place != here and RANK[place] >= RANK[here]:
                found.append(f"{where}:{line}: {here} (rank {RANK[here]}) imports {place} (rank {RANK[place]})")
    return found


def test_imports_point_down() -> None:
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("compile", "from spikeloom.neurons import LIF"),
        ("compile", "import spikeloom.nn.sequential"),
        ("compile", "from ..neurons import LIF"),
        ("compile", "from .. import neurons"),
        ("nn", "from spikeloom.network import Network"),
        ("network", "from spikeloom import nn"),
        ("neurons", "def step():\n    from spikeloom import training"),
        ("neurons", "import spikeloom as sl"),
        ("report", "from spikeloom import LIF"),
        ("utils", "import math"),
    ],
)
def test_an_import_that_points_up_is_found(tmp_path: Path, place: str, source: str) -> None:
    file = tmp_path / "spikeloom" / place / "module.py"
    file.parent.mkdir(parents=True)
    file.write_text(source)
    assert len(violations(tmp_path / "spikeloom")) == 1


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("compile", "from spikeloom.errors import TraceError"),
        ("compile", "from .program import Program"),
        ("neurons", "from .. import compile, surrogate"),
        ("cli", "import spikeloom as sl"),
        ("training", "import torch.nn"),
    ],
)
def test_an_import_that_points_down_is_not(tmp_path: Path, place: str, source: str) -> None:
    file = tmp_path / "spikeloom" / place / "module.py"
    file.parent.mkdir(parents=True)
    file.write_text(source)
    assert violations(tmp_path / "spikeloom") == []
