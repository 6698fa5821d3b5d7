"""The speed block of the README, written from the newest result of each benchmark and from nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.tables import Result, markdown

README = Path(__file__).parents[1] / "README.md"
RESULTS = Path(__file__).parent / "results"
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"
BLOCK = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)


def newest() -> list[tuple[Path, dict[str, Any]]]:
    """The files of results, the last first, each with what no later one has; their names begin with the date."""
    files = sorted(RESULTS.glob("*.json"), reverse=True)
    if not files:
        raise FileNotFoundError(f"There are no results in {RESULTS}. Run `make bench` first.")
    found, known = [], set[str]()
    for file in files:
        record = json.loads(file.read_text(encoding="utf-8"))
        record["results"] = {name: r for name, r in record["results"].items() if name not in known}
        known |= record["results"].keys()
        if record["results"]:
            found.append((file, record))
    return found


def headlines(record: dict[str, Any]) -> list[Result]:
    results = (Result(**entry) for entries in record["results"].values() for entry in entries)
    return [result for result in results if result.headline]


def section(file: Path, record: dict[str, Any]) -> str:
    """The tables of one file, and where they are from."""
    machine = record["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    source = f"[`{file.relative_to(README.parent).as_posix()}`]({file.relative_to(README.parent).as_posix()})"
    intro = (
        f"Measured by `make bench`, or by name with `python -m benchmarks --only`, on {machine['date']}: "
        f"{machine['processor']}, {machine['threads']} threads, "
        f"Python {machine['python']}, {versions}. All figures: {source}."
    )
    return "\n\n".join([intro, *(markdown(result) for result in headlines(record))])


def block() -> str:
    """What stands between the marks, these included."""
    return "\n\n".join([BEGIN, *(section(file, record) for file, record in newest()), END])


def rewrite() -> None:
    page = README.read_text(encoding="utf-8")
    if not BLOCK.search(page):
        raise ValueError(f"{README} has no block between {BEGIN} and {END}. Put the two marks back.")
    README.write_text(BLOCK.sub(lambda _: block(), page), encoding="utf-8")
