"""`spikeloom train`: from a data set's name to trained weights and a report."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from spikeloom import datasets
from spikeloom.cli._console import output, show_note
from spikeloom.cli._progress import TrainingProgress
from spikeloom.errors import CheckpointError, ParameterError
from spikeloom.training import (
    ENCODERS,
    NetworkConfig,
    RunFolder,
    TrainingConfig,
    TrainingInterrupted,
    build_network,
    default_config,
    fit,
)
from spikeloom.training.configuration import replace_fields

# Shown in the help; the values are in training/defaults.py.
_OWN = "(default: by data set)"


def train(
    data: Annotated[str | None, typer.Option(help=f"{', '.join(datasets.names())}. (default: digits)")] = None,
    epochs: Annotated[int | None, typer.Option(help=f"Passes over the training images. {_OWN}")] = None,
    steps: Annotated[int | None, typer.Option(help=f"Time steps for which an image is shown. {_OWN}")] = None,
    seed: Annotated[int | None, typer.Option(help="Start of all random numbers. (default: 0)")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run. (default: runs/<data set>)")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with the data set's files; else SPIKELOOM_DATA, else downloaded.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help=f"Images per optimiser step. {_OWN}")] = None,
    learning_rate: Annotated[float | None, typer.Option(help=f"Falls from here along a half cosine. {_OWN}")] = None,
    weight_decay: Annotated[float | None, typer.Option(help=f"Of AdamW. {_OWN}")] = None,
    shift: Annotated[
        int | None, typer.Option(help=f"Largest random shift of training images, in pixels. {_OWN}")
    ] = None,
    encoder: Annotated[str | None, typer.Option(help=f"{', '.join(ENCODERS)}. (default: direct)")] = None,
    channels: Annotated[str | None, typer.Option(help=f"Convolution channels, e.g. 16,32; '' for none. {_OWN}")] = None,
    hidden: Annotated[str | None, typer.Option(help=f"Neurons of fully connected layers, e.g. 512,256. {_OWN}")] = None,
    dropout: Annotated[float | None, typer.Option(help=f"Fraction of inputs left out. {_OWN}")] = None,
    tau_mem: Annotated[
        float | None, typer.Option(help="Membrane time constant in ms; a step is 1 ms. (default: 1.44)")
    ] = None,
    threads: Annotated[int | None, typer.Option(help=f"Processor threads; 0 for PyTorch's choice. {_OWN}")] = None,
    report: Annotated[bool, typer.Option(help="Write pictures and report.html at the end.")] = True,
) -> None:
    """Train a spiking network on images and write its weights, metrics and report.

    Ctrl-C leaves a checkpoint; the same command with --resume then ends with exactly the same weights.
    """
    if resume and overwrite:
        raise ParameterError("--resume and --overwrite", expected="one of them", got="both")
    network_changes = {
        "channels": _sizes("--channels", channels),
        "hidden": _sizes("--hidden", hidden),
        "dropout": dropout,
        "tau_mem": tau_mem,
    }
    training_changes = {
        "epochs": epochs,
        "steps": steps,
        "seed": seed,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "shift": shift,
        "encoder": encoder,
        "threads": threads,
    }
    folder = RunFolder(out if out is not None else Path("runs") / (data or "digits"))
    name, network, training = _start_from(folder, data, resume=resume)
    network, training = replace_fields(network, network_changes), replace_fields(training, training_changes)
    _train(name, network, training, folder, data_dir=data_dir, resume=resume, overwrite=overwrite, report=report)


def _start_from(folder: RunFolder, data: str | None, *, resume: bool) -> tuple[str, NetworkConfig, TrainingConfig]:
    """A resumed run's own settings, so that they need not be given again; otherwise the data set's defaults."""
    if not resume:
        name = data or "digits"
        return name, *default_config(name)
    saved = folder.config()
    if saved.network is None:
        do = "resume it in Python with training.fit(..., resume=True)"
        raise CheckpointError(
            f"run {folder.path}", expected="a network from the command line", got="one built in Python", do=do
        )
    return data or saved.data, saved.network, saved.training


def _train(
    name: str,
    network: NetworkConfig,
    training: TrainingConfig,
    folder: RunFolder,
    *,
    data_dir: Path | None,
    resume: bool,
    overwrite: bool,
    report: bool,
) -> None:
    data = datasets.load(name, data_dir)
    model = build_network(network, shape=data.train.images.shape[1:], classes=len(data.classes), seed=training.seed)
    show_note(f"Training on {name}: {len(data.train):,} images, {training.epochs} epochs, run folder {folder.path}")
    options: dict[str, Any] = {"out": folder.path, "resume": resume, "overwrite": overwrite}
    with TrainingProgress(output()) as progress:
        history = fit(
            model,
            data,
            config=training,
            network=network,
            on_epoch=progress.on_epoch,
            on_batch=progress.on_batch,
            **options,
        )
    if report:
        _report(model, data, folder)
    output().print(f"test accuracy {history[-1].test_accuracy:.2%}, run folder {folder.path}", soft_wrap=True)


def _report(model: Any, data: datasets.Dataset, folder: RunFolder) -> None:
    # Drawing needs matplotlib, which `spikeloom --help` must not wait for.
    from spikeloom.report import write_report

    try:
        show_note(f"Report: {write_report(model, data, folder.path)}")
    except KeyboardInterrupt as stopped:
        raise TrainingInterrupted(folder.path, signal.SIGINT) from stopped


def _sizes(option: str, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(size) for size in text.split(",")) if text.strip() else ()
    except ValueError as error:
        raise ParameterError(
            option, expected="whole numbers with commas between, e.g. 512,256", got=repr(text)
        ) from error
