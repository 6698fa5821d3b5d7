"""A run's folder: its files, written so that a power cut never leaves half of one."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from spikeloom.errors import CheckpointError, ParameterError
from spikeloom.training.checkpoint import pack, unpack
from spikeloom.training.configuration import RunConfig


@dataclass(frozen=True)
class RunFolder:
    """Paths and contents of one run: `config.json`, `metrics.jsonl`, `checkpoint.safetensors`, `model.safetensors`."""

    path: Path

    @property
    def config_path(self) -> Path:
        return self.path / "config.json"

    @property
    def metrics_path(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def checkpoint_path(self) -> Path:
        return self.path / "checkpoint.safetensors"

    @property
    def model_path(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def report_path(self) -> Path:
        return self.path / "report.html"

    @property
    def holds_run(self) -> bool:
        return self.config_path.exists()

    @property
    def finished(self) -> bool:
        return self.model_path.exists()

    def start(self, config: RunConfig, *, overwrite: bool = False) -> None:
        """Make the folder and write the configuration; refuse a folder that holds a run unless `overwrite`."""
        if self.holds_run and not overwrite:
            state = "a finished run" if self.finished else "an interrupted run"
            do = "continue it with resume, replace it with overwrite, or choose another folder"
            raise CheckpointError(f"output folder {self.path}", expected="a new folder", got=state, do=do)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            do = "choose a folder that can be made and written"
            raise ParameterError(f"output folder {self.path} ({error.strerror})", do=do) from error
        for old in (self.model_path, self.checkpoint_path, self.metrics_path, self.report_path):
            old.unlink(missing_ok=True)
        write_atomically(self.config_path, config.to_json().encode())

    def config(self) -> RunConfig:
        """The saved configuration; a `CheckpointError` where there is none."""
        if not self.holds_run:
            do = "give the folder that was named with --out when the run was trained"
            raise CheckpointError(f"run folder {self.path}", expected="a config.json inside", got="none", do=do)
        return RunConfig.from_json(self.config_path.read_text(), source=str(self.config_path))

    def metrics(self) -> list[dict[str, Any]]:
        """One dictionary for each finished epoch, oldest first."""
        if not self.metrics_path.exists():
            return []
        return [_row(line, self.metrics_path) for line in self.metrics_path.read_text().splitlines()]

    def add_metrics(self, row: Mapping[str, Any]) -> None:
        """Append one epoch and wait until it is on the disk."""
        with self.metrics_path.open("a") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def keep_metrics(self, epochs: int) -> None:
        """Drop what was written after the checkpoint: those epochs are trained again."""
        lines = self.metrics_path.read_text().splitlines(keepends=True) if self.metrics_path.exists() else []
        if len(lines) < epochs:
            do = "restore the file or train again with overwrite"
            raise CheckpointError(f"{self.metrics_path}", expected=f"{epochs} epochs", got=len(lines), do=do)
        for line in lines[:epochs]:
            _row(line, self.metrics_path)
        write_atomically(self.metrics_path, "".join(lines[:epochs]).encode())

    def save_model(self, model: nn.Module) -> None:
        """Write the final weights; the presence of this file marks the run as finished."""
        write_atomically(self.model_path, pack(model.state_dict(), {}))

    def load_model(self, model: nn.Module) -> None:
        """Read the final weights into `model`, which must have the run's architecture."""
        if not self.finished:
            done, total = len(self.metrics()), self.config().training.epochs
            do = f"continue with `spikeloom train --out {self.path} --resume`"
            raise CheckpointError(f"run {self.path}", expected="a finished run", got=f"{done} of {total} epochs", do=do)
        load_weights(model, unpack(read_bytes(self.model_path), source=str(self.model_path))[0], self.model_path)


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], source: Path) -> None:
    """`model.load_state_dict`, with an error that names file and reason where network and weights do not fit."""
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = "; ".join(line.strip().rstrip(".") for line in str(error).splitlines()[1:3])
        raise CheckpointError(f"weights in {source} do not fit this network ({reason})", do=_SAME) from error


_SAME = "build the network exactly as it was when the run began"


def read_bytes(path: Path) -> bytes:
    """The file's bytes; a `CheckpointError` where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {path} ({error.strerror})", do="check the run's folder") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` as a whole: readers see the old bytes or the new ones, also after a crash."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    if os.name == "posix":
        # The new name lives in the folder, which has to reach the disk too.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _row(line: str, source: Path) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise CheckpointError(f"{source} has a damaged line ({error})", do="restore the file or train again") from error
    return dict(row)
