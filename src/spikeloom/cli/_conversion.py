"""What `spikeloom convert` does: read, convert, measure, write, tell."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import typer
from rich.progress import track
from rich.table import Table
from torch import Tensor

from spikeloom import datasets
from spikeloom.cli._console import messages, output, show_note
from spikeloom.cli._model_file import read_model
from spikeloom.conversion import METHODS, Conversion, convert, measure
from spikeloom.errors import ConversionError, ParameterError, UnknownNameError
from spikeloom.report import write_conversion
from spikeloom.training.folder import write_atomically


@dataclass(frozen=True)
class Order:
    """What was asked for."""

    model: Path
    data: str
    steps: int
    method: str
    report: Path | None
    out: Path | None
    images: int
    test_images: int | None
    data_dir: Path | None
    trust: bool
    threads: int

    def check(self) -> None:
        """Before anything is loaded. Raises: ParameterError, UnknownNameError."""
        least = {"--steps": self.steps, "--images": self.images, "--test-images": self.test_images}
        for option, value in least.items():
            if value is not None and value < 1:
                raise ParameterError(option, expected="a whole number >= 1", got=value)
        if self.threads < 0:
            raise ParameterError("--threads", expected="0 or more", got=self.threads)
        if self.method not in (known := {*METHODS, "auto"}):
            raise UnknownNameError("--method", self.method, known)
        for option, path in (("--report", self.report), ("--out", self.out)):
            if path is not None and path.is_dir() != (option == "--report") and path.exists():
                raise ParameterError(option, expected="a folder" if option == "--report" else "a file", got=path)


def carry_out(order: Order, *, as_json: bool) -> None:
    """All of it. Files are written at the end, each as a whole."""
    order.check()
    if order.threads:
        torch.set_num_threads(order.threads)
    model = read_model(order.model, trust=order.trust)
    data = datasets.load(order.data, order.data_dir)
    calibration, _ = data.train[_spread(len(data.train), order.images)]
    inputs, labels = data.test[_spread(len(data.test), order.test_images or len(data.test))]
    _check_fits(model, calibration, data)
    show_note(f"Converting {order.model} for {order.steps} steps with {len(calibration)} images of {data.name}.")
    spiking = convert(model, calibration, order.method, steps=order.steps, images=order.images)
    show_note(f"Measuring with {len(inputs)} test images.")
    found = measure(spiking, model, inputs, labels, track=_progress)
    if order.out is not None:
        _save(spiking, order.out)
        show_note(f"Spiking network: {order.out}")
    if order.report is not None:
        settings = {"method": order.method, "data": data.name, "model": order.model, "calibrated on": len(calibration)}
        show_note(f"Report: {write_conversion(found, order.report, name=order.model.stem, settings=settings)}")
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    else:
        _tell(found)


def _spread(length: int, wanted: int) -> Tensor:
    """So many indices, evenly over all classes where these are in order."""
    return torch.linspace(0, length - 1, min(length, wanted)).round().long()


@torch.no_grad()
def _check_fits(model: torch.nn.Module, inputs: Tensor, data: datasets.Dataset) -> None:
    """Whether the network takes these images and tells as many classes."""
    model.eval()
    shape = list(inputs.shape[1:])
    try:
        found = model(inputs[:2])
    except Exception as error:  # whatever a network raises about sizes
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        do = "convert in Python, where data may have any form, if it was trained on others"
        expected = f"a network for images of {data.name}, {shape}"
        raise ConversionError("model", expected=expected, got=f"an error ({reason})", do=do) from error
    wanted = [2, len(data.classes)]
    if not isinstance(found, Tensor) or list(found.shape) != wanted:
        got = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise ConversionError(f"output of the model for 2 images of {data.name}", expected=wanted, got=got)


def _progress(parts: Iterable[Any]) -> Iterator[Any]:
    console = messages()
    every = list(parts)
    yield from track(every, "measuring", console=console, transient=True, disable=not console.is_terminal)


def _save(spiking: torch.nn.Module, path: Path) -> None:
    content = io.BytesIO()
    torch.save(spiking, content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content.getvalue())
    except OSError as error:
        raise ParameterError(f"--out {path} ({error.strerror})", do="choose a file that can be written") from error


def _tell(found: Conversion) -> None:
    table = Table("steps", "accuracy", "agreement", title=f"original: {found.original or 0.0:.2%}", pad_edge=False)
    chosen = {1 << power for power in range(found.steps.bit_length())} | {found.steps, found.suggested or found.steps}
    for t in sorted(chosen):
        table.add_row(str(t), f"{found.accuracy[t - 1]:.2%}", f"{found.agreement[t - 1]:.2%}")
    console = output()
    console.print(table)
    enough = f"{found.suggested} steps are enough" if found.suggested else f"more than {found.steps} steps are needed"
    share = found.energy_spiking / found.energy_original if found.energy_original else float("nan")
    console.print(
        f"{enough} to stay within {found.tolerance:.2%} of the original; {found.spikes:,.0f} spikes and "
        f"{found.synaptic:,.0f} synaptic operations for an image, {share:.2f} times the original's arithmetic energy "
        "(estimated, without memory)",
        soft_wrap=True,
    )
    vanishing = [site.operation for site in found.sites if site.name in found.vanishing]
    if vanishing:
        console.print(f"spikes vanish at {', '.join(vanishing)}: lower thresholds, or more steps", soft_wrap=True)
