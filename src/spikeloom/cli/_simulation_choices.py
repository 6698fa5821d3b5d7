"""What the options of `spikeloom simulate` mean, and the simulation that follows from them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikeloom.cli._simulation import Simulation
from spikeloom.cli._simulation_folder import SimulationConfig, SimulationFolder
from spikeloom.cli._simulation_report import list_models as list_models
from spikeloom.cli._simulation_report import list_settings as list_settings
from spikeloom.cli._simulation_report import tell
from spikeloom.cli._stopped import SimulationStopped
from spikeloom.errors import ParameterError, UnknownNameError
from spikeloom.network.models import Model, catalogue
from spikeloom.network.ranks import distributed
from spikeloom.settings import read_settings


def known(name: str) -> type[Model]:
    """The model of that name. Raises: UnknownNameError."""
    found = catalogue()
    if name.lower() not in found:
        raise UnknownNameError("model", name, found)
    return found[name.lower()]


def folder_of(model: str | None, out: Path | None, *, wanted: bool) -> SimulationFolder | None:
    """The run's folder: --out, or runs/<model> where something wants one. Raises: ParameterError."""
    if out is not None:
        return SimulationFolder(out)
    if not wanted:
        return None
    if model is None:
        raise ParameterError("--resume", expected="--out with the folder of the run, or the model", got="neither")
    return SimulationFolder(Path("runs") / known(model).title())


def config_of(
    model: str | None,
    assignments: Sequence[str],
    given: Mapping[str, Any],
    record: Sequence[str],
    resumed: SimulationFolder | None,
) -> SimulationConfig:
    """From the options, or from the run that is resumed. Raises: UnknownNameError, ParameterError, CheckpointError."""
    if resumed is not None:
        began = resumed.config()
        return began.changed(model, _settings(began.model, assignments), given)
    assert model is not None
    return SimulationConfig.of(known(model), _settings(model, assignments), given, record)


def _settings(model: str, assignments: Sequence[str]) -> dict[str, Any]:
    return read_settings(model, known(model).settings(), assignments)


def carry_out(
    config: SimulationConfig,
    folder: SimulationFolder | None,
    *,
    threads: int | None,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Simulate; the first process tells, also of what was simulated before Ctrl-C."""
    with distributed() as ranks:
        began = time.perf_counter()
        run = Simulation(config, folder, threads=threads, resume=resume, overwrite=overwrite, first=ranks.first)
        try:
            result = run.result()
        except SimulationStopped as stopped:
            if ranks.first and stopped.result is not None:
                tell(run, stopped.result, time.perf_counter() - began, as_json)
            raise
        if ranks.first:
            tell(run, result, time.perf_counter() - began, as_json)
