"""The `spikeloom` command and its list of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from spikeloom import __version__
from spikeloom.cli._console import output
from spikeloom.cli._group import Group
from spikeloom.cli.convert import convert
from spikeloom.cli.doctor import doctor
from spikeloom.cli.evaluate import evaluate
from spikeloom.cli.neuron import neuron, neurons
from spikeloom.cli.precompile import precompile
from spikeloom.cli.predict import predict
from spikeloom.cli.recipes import recipes, run
from spikeloom.cli.simulate import simulate
from spikeloom.cli.train import train

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train)
app.command()(evaluate)
app.command()(predict)
app.command()(convert)
app.command()(simulate)
app.command()(recipes)
app.command()(run)
app.command()(neurons)
app.command()(neuron)
app.command()(doctor)
app.command()(precompile)


def _version(wanted: bool) -> None:
    if wanted:
        output().print(f"spikeloom {__version__}")
        raise typer.Exit


@app.callback()
def spikeloom(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Train, simulate, measure and use spiking neural networks."""
