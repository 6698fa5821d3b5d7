"""The recipes, found by their files."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from ..errors import ParameterError, UnknownNameError
from ._recipe import Recipe

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Of all recipes; nothing is imported."""
    return sorted(f.stem.replace("_", "-") for f in _FOLDER.glob("*.py") if not f.name.startswith("_"))


def load(name: str) -> type[Recipe]:
    """The recipe of that name, or that of a file of yours, `my_recipe.py`. Raises: UnknownNameError, ParameterError."""
    if name.endswith(".py"):
        return _only(_from_file(Path(name)))
    wanted = name.lower().replace("_", "-")
    if wanted not in names():
        # All of them would be a page.
        near = difflib.get_close_matches(wanted, names(), n=3, cutoff=0.4) or [*names()[:3], "..."]
        raise UnknownNameError("recipe", name, near, do="`spikeloom recipes` lists them all")
    return _only(importlib.import_module(f"{__package__}.{wanted.replace('-', '_')}"))


def catalogue() -> dict[str, type[Recipe]]:
    """All recipes by name."""
    return {name: load(name) for name in names()}


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ParameterError("file of a recipe", expected="a file that exists", got=str(path))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Where `inspect` and `pickle` look for it; a module of the same name that is there already is not replaced.
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def _only(module: ModuleType) -> type[Recipe]:
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Recipe) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise ParameterError(
            f"{module.__name__}", expected="one recipe in a file", got=[kind.__name__ for kind in found]
        )
    return found[0]
