"""Errors become short messages and exit codes: 2 for bad input, 130 after Ctrl-C, 143 after a request to terminate."""

from __future__ import annotations

import os
import signal
from typing import Any

import typer
from typer.core import TyperGroup

from spikeloom.cli._console import show_error, show_note
from spikeloom.cli._stopped import SimulationStopped
from spikeloom.errors import SpikeloomError
from spikeloom.recipes import RecipeStopped
from spikeloom.training import TrainingInterrupted

_BAD_INPUT = 2


class Group(TyperGroup):
    """The commands, with the library's exceptions translated; `--debug` or SPIKELOOM_DEBUG=1 lets them through."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TrainingInterrupted as stopped:
            show_note(f"Stopped. Continue with: spikeloom train --out {stopped.folder} --resume")
            raise typer.Exit(128 + stopped.signal_number) from None
        except SimulationStopped as stopped:
            then = f" Continue with: spikeloom simulate --out {stopped.folder} --resume" if stopped.folder else ""
            show_note(f"Stopped at {stopped.at:g} ms.{then}")
            raise typer.Exit(128 + signal.SIGINT) from None
        except RecipeStopped as stopped:
            done = ", ".join(map(str, stopped.result.seeds)) or "none"
            then = f" Continue with the same command and --resume; the folder is {stopped.folder}."
            show_note(f"Stopped; seeds that are done: {done}.{then if stopped.folder else ''}")
            raise typer.Exit(128 + signal.SIGINT) from None
        except KeyboardInterrupt:
            show_note("Stopped.")
            raise typer.Exit(128 + signal.SIGINT) from None
        except SpikeloomError as error:
            if ctx.params.get("debug") or os.environ.get("SPIKELOOM_DEBUG", "") not in ("", "0"):
                raise
            show_error(str(error))
            raise typer.Exit(_BAD_INPUT) from None
