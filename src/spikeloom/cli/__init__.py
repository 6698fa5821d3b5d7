"""The command line: `spikeloom train`, `evaluate`, `predict`, `convert`, `simulate`, `neuron`, `doctor` and more."""

from __future__ import annotations

from spikeloom.cli._app import app

__all__ = ["app"]
