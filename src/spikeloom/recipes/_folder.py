"""The folder of a run: result.json, report.md and pictures, each replaced as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, ParameterError
from ..training.folder import write_atomically
from ._page import report
from ._recipe import Recipe
from ._result import Result


class RecipeFolder:
    """Files of a run that may be stopped and go on."""

    def __init__(self, path: Path) -> None:
        self.path, self.result = path, path / "result.json"

    def begin(self, recipe: type[Recipe], result: Result, *, resume: bool, overwrite: bool) -> Result:
        """Make the folder, or take up what is there. Raises: CheckpointError, ParameterError."""
        if resume and overwrite:
            raise ParameterError("resume and overwrite", expected="one of them", got="both")
        if resume:
            return self._taken_up(result)
        if self.result.exists() and not overwrite:
            do = "give resume or overwrite, or another folder"
            raise CheckpointError(f"folder {self.path}", expected="none", got="a run", do=do)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ParameterError(f"folder {self.path} ({error.strerror})", do="choose one that can be made") from error
        for old in (*self.path.glob("*.png"), self.path / "report.md"):
            old.unlink(missing_ok=True)
        self.keep(recipe, result, {})
        return result

    def _taken_up(self, result: Result) -> Result:
        if not self.result.exists():
            do = "leave resume away to begin it"
            raise CheckpointError(f"folder {self.path}", expected="a run to resume", got="none", do=do)
        found = Result.load(self.result)
        for what in ("recipe", "form", "settings", "code", "machine", "versions"):
            if getattr(found, what) != getattr(result, what):
                got, expected = getattr(result, what), getattr(found, what)
                do = "overwrite it, or choose another folder"
                raise CheckpointError(f"{what} of the run in {self.path}", expected=expected, got=got, do=do)
        return replace(result, seeds=found.seeds)

    def keep(self, recipe: type[Recipe], result: Result, pictures: Mapping[str, Callable[[], Any]]) -> None:
        """Write what is known now."""
        write_atomically(self.result, result.to_json().encode())
        save_pictures(self.path, pictures)
        drawn = [path.name for path in sorted(self.path.glob("*.png"))]
        write_atomically(self.path / "report.md", report(recipe, [result], drawn).encode())


def save_pictures(folder: Path, pictures: Mapping[str, Callable[[], Any]], *, before: str = "", **how: int) -> None:
    """Draw each into a file of its name."""
    # Drawing needs matplotlib, for which listing recipes must not wait.
    from ..report._figure import save_figure

    for name, draw in pictures.items():
        stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        save_figure(draw(), folder / f"{before}{stem}.png", **how)
