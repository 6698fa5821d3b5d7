"""`spikeloom simulate`: a published network by name, its rates beside the published ones, its picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikeloom.errors import ParameterError


def simulate(
    model: Annotated[str | None, typer.Argument(help="A ready model, such as brunel; none lists them all.")] = None,
    duration: Annotated[float | None, typer.Option(help="Time in ms that is measured. (default: by model)")] = None,
    settle: Annotated[float | None, typer.Option(help="Time in ms before that. (default: by model)")] = None,
    threads: Annotated[int | None, typer.Option(help="Processor threads. (default: chosen by measurement)")] = None,
    seed: Annotated[int | None, typer.Option(help="Start of all random numbers. (default: by model)")] = None,
    dt: Annotated[float | None, typer.Option(help="Time step in ms. (default: by model)")] = None,
    scale: Annotated[float | None, typer.Option(help="Short for --set scale=...")] = None,
    values: Annotated[list[str] | None, typer.Option("--set", help="A setting of the model, such as panel=B.")] = None,
    settings: Annotated[bool, typer.Option("--settings", help="List the model's settings and leave.")] = False,
    record: Annotated[
        list[str] | None,
        typer.Option(help="A state of 10 neurons, such as v or E.v, beside all spikes; kept as with --plot."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for recording, rates and the picture of it.")] = None,
    plot: Annotated[
        bool, typer.Option("--plot", help="Keep recording, rates and picture without --out: in runs/<model>.")
    ] = False,
    checkpoint: Annotated[
        float | None, typer.Option(help="Write a checkpoint once in so many ms, and at the end.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out from its checkpoint.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Simulate a published network and compare its rates with those that are known.

    Ctrl-C keeps what was simulated. With --checkpoint, the same command with --resume goes on from there, and ends with
    exactly the same spikes. On several processes: torchrun --nproc-per-node N -m spikeloom simulate ...
    """
    # Imported here because networks take longer to import than `spikeloom --help` may take.
    from spikeloom.cli import _simulation_choices as choices

    if model is None and not resume:
        choices.list_models(as_json)
        return
    if settings and model is not None:
        choices.list_settings(choices.known(model))
        return
    if resume and overwrite:
        raise ParameterError("--resume and --overwrite", expected="one of them", got="both")
    given = {"duration": duration, "settle": settle, "seed": seed, "dt": dt, "checkpoint": checkpoint}
    assignments = [*(values or ()), *([] if scale is None else [f"scale={scale!r}"])]
    folder = choices.folder_of(model, out, wanted=plot or resume or bool(record) or checkpoint is not None)
    config = choices.config_of(model, assignments, given, record or (), folder if resume else None)
    choices.carry_out(config, folder, threads=threads, resume=resume, overwrite=overwrite, as_json=as_json)
