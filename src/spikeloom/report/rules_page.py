"""The page that lists all rules of plasticity, made from their statements."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from spikeloom.plasticity import Rule

_HEAD = """# Rules of plasticity

Made from the code by `make docs`; events are those at which weights change. [How rules are used](plasticity.md).

| rule | what it does | events | source |
|---|---|---|---|
"""


def rules_page(rules: Mapping[str, Rule]) -> str:
    """The text of the page."""
    return _HEAD + "".join(_row(name, rules[name]) for name in sorted(rules))


def write_rules(rules: Mapping[str, Rule], folder: Path) -> Path:
    """Write it to `plasticity-rules.md` in a folder; returns where."""
    page = folder / "plasticity-rules.md"
    page.write_text(rules_page(rules), encoding="utf-8")
    return page


def _row(name: str, rule: Rule) -> str:
    text = type(rule).__doc__ or ""
    what = re.split(r"\n\s*\n", text.strip())[0]
    source = re.search(r"Source: (.*?)(?:\n\s*\n|\Z)", text, re.DOTALL)
    events = ", ".join(f"`{event}`" for event in rule.handlers())
    cells = (f"`{name}`", what, events, source.group(1) if source else "")
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |\n"
