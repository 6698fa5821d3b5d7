"""`spikeloom convert MODEL`: a trained network becomes a spiking one, with a report of what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikeloom import datasets

# Methods are not listed here, as they take long to import.
_METHOD = "A name of sl.conversion.METHODS, or auto; an unknown one is answered with the list."


def convert(
    model: Annotated[Path, typer.Argument(help="A whole module saved by torch.save, or an .onnx file.")],
    data: Annotated[str, typer.Option(help=f"{', '.join(datasets.names())}: calibrated on training images.")] = "mnist",
    steps: Annotated[int, typer.Option(help="Time steps for which an image is shown.")] = 32,
    method: Annotated[str, typer.Option(help=_METHOD)] = "calibrated",
    report: Annotated[Path | None, typer.Option(help="Folder for report.html and report.json.")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the spiking network, as torch.save writes it.")] = None,
    images: Annotated[int, typer.Option(help="Training images to calibrate with.")] = 512,
    test_images: Annotated[int | None, typer.Option(help="Test images to measure with. (default: all)")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with the data set's files; else SPIKELOOM_DATA, else downloaded.")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Load a pickled module, which may run any code: only of files of your own.")
    ] = False,
    threads: Annotated[int, typer.Option(help="Processor threads; 0 for PyTorch's choice.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Convert a trained network, and measure accuracy over time steps, spikes and operations."""
    # Conversion and drawing take long to import, which `spikeloom --help` must not wait for.
    from spikeloom.cli._conversion import Order, carry_out

    order = Order(
        model, data, steps, method, report=report, out=out, images=images, test_images=test_images, data_dir=data_dir,
        trust=trust, threads=threads,
    )  # fmt: skip
    carry_out(order, as_json=as_json)
