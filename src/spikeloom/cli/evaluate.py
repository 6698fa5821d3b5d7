"""`spikeloom evaluate RUN`: accuracy of a finished run on its test images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from spikeloom import datasets
from spikeloom.cli._console import output
from spikeloom.training import Evaluation, class_accuracy, confusion_matrix, load_run
from spikeloom.training import evaluate as measure


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with the data set's files; else SPIKELOOM_DATA, else downloaded.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure a trained network on the test images, in all and by class."""
    model, config = load_run(run)
    data = datasets.load(config.data, data_dir)
    result = measure(model, data.test, config=config.training)
    by_class = class_accuracy(result.scores, result.labels).tolist()
    if as_json:
        classes = dict(zip(config.classes, by_class, strict=True))
        figures = {
            "accuracy": result.accuracy,
            "loss": result.loss,
            "images": len(data.test),
            "class_accuracy": classes,
        }
        typer.echo(json.dumps(figures))
    else:
        output().print(_table(result, config.classes, by_class, title=f"{run}: {config.data}, test images"))


def _table(result: Evaluation, classes: tuple[str, ...], by_class: list[float], *, title: str) -> Table:
    matrix = confusion_matrix(result.scores, result.labels)
    table = Table(title=title, show_footer=True)
    table.add_column("class", footer="all")
    table.add_column("right", justify="right", footer=f"{int(matrix.trace()):,}")
    table.add_column("images", justify="right", footer=f"{int(matrix.sum()):,}")
    table.add_column("accuracy", justify="right", footer=f"{result.accuracy:.2%}")
    for index, (name, fraction) in enumerate(zip(classes, by_class, strict=True)):
        right, total = int(matrix[index, index]), int(matrix[index].sum())
        table.add_row(name, f"{right:,}", f"{total:,}", f"{fraction:.2%}" if total else "no images")
    return table
