"""The command line: `spikeloom train`, `evaluate`, `predict`, `simulate`, `neurons`, `neuron`, `doctor`, `precompile`."""

from __future__ import annotations

from spikeloom.cli._app import app

__all__ = ["app"]
