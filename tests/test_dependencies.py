"""What the package imports is what it declares, so that `pip install .` in an empty environment is enough."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Imported only where they are there: the one comes with PyTorch's builds for GPUs, the other's licence is not ours.
OPTIONAL = {"triton", "pynn"}


def canonical(name: str) -> str:
    """A distribution's name without version, extras and spelling variants."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", name, maxsplit=1)[0]).lower()


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {canonical(requirement) for requirement in project["dependencies"]}


def imported() -> set[str]:
    """Distributions that the package's files import, inside functions too."""
    modules = set()
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    foreign = modules - sys.stdlib_module_names - {"spikeloom"}
    found = packages_distributions()
    return {canonical(found.get(module, [module])[0]) for module in foreign}


def test_every_import_is_declared() -> None:
    assert imported() - declared() == OPTIONAL


def test_every_declared_dependency_is_imported() -> None:
    assert declared() - imported() == set()


def test_constraints_pin_every_dependency() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert declared() <= {canonical(line) for line in lines if line and not line.startswith("#")}
