"""`spikeloom precompile`: the kernels of the catalogue, compiled into the cache by several processes."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import track

import spikeloom as sl
from spikeloom.cli._console import messages, output, show_error
from spikeloom.errors import UnknownNameError


def precompile(
    names: Annotated[list[str] | None, typer.Argument(help="Neurons, such as LIF; by default the catalogue.")] = None,
    processes: Annotated[int | None, typer.Option(help="How many processes; by default up to one per core.")] = None,
) -> None:
    """Compile the kernels of neurons with default options, for training and inference, into the cache."""
    known = sl.neurons.catalogue()
    for name in names or ():
        if name not in known:
            raise UnknownNameError("neuron", name, known)
    neurons = [known[name] for name in names or known]
    job = sl.neurons.precompile(*neurons, processes=processes)
    failed = 0
    for neuron, error in track(job.finished(), "compiling", len(neurons), console=messages()):
        if error:
            failed += 1
            show_error(error, title=repr(neuron))
    output().print(f"{len(neurons) - failed} of {len(neurons)} neurons compiled")
    if failed:
        raise typer.Exit(1)
