"""The folder of a simulation: what was asked for, what was recorded, where it can go on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from spikeloom.cli._console import show_note
from spikeloom.errors import CheckpointError, ParameterError
from spikeloom.network import Result
from spikeloom.network.models import Model, catalogue

_VERSION = 1


@dataclass(frozen=True)
class SimulationConfig:
    """What was asked for; from this and a checkpoint a run goes on."""

    model: str
    settings: Mapping[str, Any]
    seed: int
    dt: float
    settle: float
    duration: float
    record: Sequence[str] = ()
    checkpoint: float | None = None

    @classmethod
    def of(
        cls, model: type[Model], settings: Mapping[str, Any], given: Mapping[str, Any], record: Sequence[str]
    ) -> Self:
        """What was given, the rest from the model."""
        chosen = {name: value for name, value in given.items() if value is not None}
        own = {"seed": model.seed, "dt": model.dt, "settle": model.settling, "duration": model.duration}
        return cls(model.title(), dict(settings), record=tuple(record), **{**own, **chosen})._checked()

    def changed(self, model: str | None, settings: Mapping[str, Any], given: Mapping[str, Any]) -> Self:
        """Of a run that goes on: another duration, if any. Raises: CheckpointError for what must stay as it was."""
        wanted = {**given, **({} if model is None else {"model": model.lower()})}
        mine = asdict(self)
        other = [
            f"{name} = {value} instead of {mine[name]}"
            for name, value in wanted.items()
            if value is not None and name not in ("duration", "checkpoint") and mine[name] != value
        ]
        other += [
            f"{name} = {value} instead of {self.settings.get(name, 'the default')}"
            for name, value in settings.items()
            if self.settings.get(name) != value
        ]
        if other:
            do = "leave these away, or start another run"
            raise CheckpointError("run to resume", expected="what it began with", got=", ".join(other), do=do)
        free = {name: given[name] for name in ("duration", "checkpoint") if given[name] is not None}
        return replace(self, **free)._checked()

    def _checked(self) -> Self:
        for name in ("duration", "settle", "checkpoint"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise ParameterError(f"--{name}", expected="a time >= 0 (ms)", got=value)
        if self.checkpoint == 0:
            raise ParameterError("--checkpoint", expected="a time > 0 (ms)", got=0, do="leave it away for none")
        for name, value in (("duration", self.duration), ("settle", self.settle)) if self.dt > 0 else ():
            steps = value / self.dt
            if abs(steps - round(steps)) > 1e-6 * max(1.0, steps):
                do = f"{round(steps) * self.dt:g} ms is nearest"
                raise ParameterError(f"--{name}", expected=f"a multiple of dt = {self.dt:g} ms", got=value, do=do)
        return self

    def build(self) -> Model:
        """The model with its settings."""
        return catalogue()[self.model](**self.settings)


class SimulationFolder:
    """Files: run.json, recording.h5, rates.json, network.png, checkpoint.safetensors."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run, self.recording = path / "run.json", path / "recording.h5"
        self.summary, self.picture = path / "rates.json", path / "network.png"
        self.checkpoint = path / "checkpoint.safetensors"

    def begin(self, config: SimulationConfig, *, overwrite: bool) -> None:
        """Make the folder for a new run. Raises: CheckpointError where there is one."""
        if self.run.exists() and not overwrite:
            do = "give --resume or --overwrite, or another --out"
            raise CheckpointError(f"run folder {self.path}", expected="none", got="a run", do=do)
        if self.path.exists() and not self.path.is_dir():
            raise ParameterError("--out", expected="a folder", got=f"the file {self.path}")
        self.path.mkdir(parents=True, exist_ok=True)
        for file in (self.recording, self.summary, self.picture, self.checkpoint):
            file.unlink(missing_ok=True)
        self.keep(config)

    def keep(self, config: SimulationConfig) -> None:
        """Write what was asked for."""
        _replace(self.run, json.dumps({"version": _VERSION, **asdict(config)}, indent=2))

    def config(self) -> SimulationConfig:
        """What was asked for. Raises: CheckpointError."""
        what, expected = f"run folder {self.path}", "a run of spikeloom simulate"
        try:
            found = json.loads(self.run.read_text())
            version = found.pop("version")
            if version > _VERSION:
                do = "use a newer version of Spikeloom"
                raise CheckpointError(what, expected=f"version {_VERSION}", got=version, do=do)
            unknown = found.keys() - {f.name for f in fields(SimulationConfig)}
            if unknown or found["model"] not in catalogue():
                raise CheckpointError(what, expected=expected, got=f"{sorted(unknown) or found['model']}")
            return SimulationConfig(**{**found, "record": tuple(found["record"])})._checked()
        except FileNotFoundError:
            raise CheckpointError(what, expected=f"{expected}, with run.json", got="none") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(f"{self.run}", expected=expected, got=f"a damaged file ({error})") from None

    def before(self, restored: Result) -> Result | None:
        """What was recorded before the part that a checkpoint has; None where it has all."""
        if not self.recording.exists():
            return None
        found = Result.load(self.recording, stop=restored.start)
        return found if found.stop > found.start else None

    def save(self, result: Result) -> None:
        """Replace the recording as a whole."""
        part = self.recording.with_suffix(".part.h5")
        part.unlink(missing_ok=True)
        result.save(part)
        os.replace(part, self.recording)

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write rates and speed."""
        _replace(self.summary, json.dumps(summary, indent=2))

    def draw(self, result: Result) -> None:
        """Write the picture."""
        # Drawing needs matplotlib, which `spikeloom --help` must not wait for.
        from spikeloom.report._figure import save_figure

        save_figure(result.plot(), self.picture)
        show_note(f"Picture: {self.picture}")


def _replace(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text + "\n")
    os.replace(part, path)
