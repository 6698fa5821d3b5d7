"""`spikeloom predict RUN IMAGE...`: what a trained network sees in pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.table import Table
from torch import Tensor

from spikeloom.cli._console import output, show_note
from spikeloom.coding import mean_potential
from spikeloom.training import encode, load_run, read_image


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    images: Annotated[list[Path], typer.Argument(help="PNG, JPEG or .npy files.")],
    invert: Annotated[bool, typer.Option("--invert", help="Exchange black and white: dark strokes on paper.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines instead of a table.")] = False,
) -> None:
    """Classify pictures: the class, and the softmax of the read-out's mean potential as its confidence."""
    model, config = load_run(run)
    pictures = torch.stack([read_image(path, shape=config.shape, invert=invert) for path in images])
    for path, picture in zip(images, pictures, strict=True):
        if _bright_border(picture):
            show_note(f"{path} has a bright border; the network learned bright strokes on black. Try --invert.")
    training = config.training
    generator = torch.Generator().manual_seed(training.seed)
    with torch.no_grad():
        outputs = model(encode(pictures, training.encoder, steps=training.steps, generator=generator))
    confidence, classes = mean_potential(outputs).softmax(1).topk(min(2, len(config.classes)))
    rows = [
        [(config.classes[each], share) for each, share in zip(*row, strict=True)]
        for row in zip(classes.tolist(), confidence.tolist(), strict=True)
    ]
    if as_json:
        for path, row in zip(images, rows, strict=True):
            typer.echo(json.dumps({"image": str(path), "class": row[0][0], "confidence": row[0][1]}))
    else:
        output().print(_table(images, rows))


def _table(images: list[Path], rows: list[list[tuple[str, float]]]) -> Table:
    table = Table()
    table.add_column("image", overflow="fold")
    table.add_column("class")
    table.add_column("confidence", justify="right")
    table.add_column("next best")
    for path, (best, *others) in zip(images, rows, strict=True):
        table.add_row(str(path), best[0], f"{best[1]:.1%}", ", ".join(f"{name} {share:.1%}" for name, share in others))
    return table


def _bright_border(picture: Tensor) -> bool:
    edges = torch.cat([picture[:, 0], picture[:, -1], picture[:, :, 0], picture[:, :, -1]], dim=1)
    return edges.mean().item() > 0.5
