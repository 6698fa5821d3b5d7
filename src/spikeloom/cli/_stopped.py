"""How a simulation that was stopped says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class SimulationStopped(KeyboardInterrupt):
    """Ctrl-C: what was simulated until then, if the measured part had begun, and where it can go on, if it can."""

    def __init__(self, result: Any, at: float, folder: Path | None) -> None:
        super().__init__(f"stopped at {at:g} ms")
        self.result, self.at, self.folder = result, at, folder
