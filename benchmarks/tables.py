"""A result is a table of numbers; here it becomes text, on the terminal and in Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

Value = float | int | str | None
Row = dict[str, Value]


@dataclass(frozen=True)
class Result:
    """What one benchmark measured. The keys of a row are the column's headings and carry the unit."""

    title: str
    rows: list[Row]
    note: str = ""
    headline: bool = True  # shown in the README

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(key for row in self.rows for key in row))


def text(value: Value) -> str:
    """Three significant digits."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    if value == 0 or abs(value) >= 1e-3:
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")
    return f"{value:.1e}"


def print_table(result: Result, console: Console) -> None:
    table = Table()
    for column in result.columns:
        table.add_column(column, justify="right")
    for row in result.rows:
        table.add_row(*(text(row.get(column)) for column in result.columns))
    console.print(f"\n[bold]{result.title}")
    console.print(table)
    if result.note:
        console.print(result.note)


def markdown(result: Result) -> str:
    def line(cells: list[str]) -> str:
        return f"| {' | '.join(cells)} |"

    head = [line(result.columns), line(["---:"] * len(result.columns))]
    body = [line([text(row.get(column)) for column in result.columns]) for row in result.rows]
    parts = [f"**{result.title}**", "\n".join(head + body), result.note]
    return "\n\n".join(part for part in parts if part)
